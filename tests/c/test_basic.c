/* What each call leaves in the buckets, byte by byte. */
#include "rig.h"

HMAP_TYPE_INT64(numbers, int64_t);
HMAP_TYPE_OWNED_STRING(words, int64_t);

static struct hmap *new_map(const struct hmap_type *type)
{
    struct hmap *map = hmap_create(type, &(struct hmap_options){.fixed_seed = true, .seed = 3});
    assert_non_null(map);
    return map;
}

static void test_put_get_at_delete(void **state)
{
    (void)state;
    struct hmap *map = hmap_create(&numbers.type, NULL);
    int64_t key = 7, value = 70;
    assert_null(map->buckets);
    assert_null(hmap_get(map, &key));
    assert_false(hmap_delete(map, &key));
    int64_t *put = hmap_put(map, &key, &value);
    assert_int_equal(*put, 70);
    assert_ptr_equal(hmap_get(map, &key), put);
    bool inserted = true;
    assert_ptr_equal(hmap_at(map, &key, &inserted), put);
    assert_false(inserted);
    key = 8;
    int64_t *at = hmap_at(map, &key, &inserted);
    assert_true(inserted);
    assert_int_equal(*at, 0);
    assert_int_equal(hmap_count(map), 2);
    assert_true(hmap_delete(map, &key));
    assert_false(hmap_delete(map, &key));
    assert_non_null(hmap_at(map, &key, NULL));
    hmap_destroy(map);
    hmap_destroy(NULL);
}

static void test_word_of_tophash_bytes_agrees_with_bytes(void **state)
{
    (void)state;
    uint64_t random = 5;
    for (unsigned round = 0; round < 200000; round++) {
        struct bmap b;
        uint64_t low = next_random(&random), bytes = next_random(&random);
        for (unsigned i = 0; i < HMAP_BUCKET_SLOTS; i++) {
            uint8_t byte = (uint8_t)(bytes >> 8 * i);
            /* Many small values, and neighbours that a borrow could confuse. */
            b.tophash[i] = low >> i & 1         ? byte % 8
                           : low >> (i + 8) & 1 ? (uint8_t)(6 + byte % 2)
                                                : byte;
        }
        uint64_t word = tophash_word(&b);
        struct bmap back;
        bucket_set_tophash_word(&back, word);
        assert_memory_equal(&b, &back, sizeof(b));
        uint8_t top = 7;
        uint64_t matches = word_matches(word, top), empties = word_empties(word);
        unsigned first = 8, first_empty = 8, last_live = 8;
        for (unsigned i = 0; i < HMAP_BUCKET_SLOTS; i++) {
            bool match = matches >> (8 * i + 7) & 1;
            if (b.tophash[i] == top) {
                assert_true(match);
                if (first == 8)
                    first = i;
            } else if (match) {
                assert_int_equal(b.tophash[i], top ^ 1);
                assert_true(first < i);
            }
            if (tophash_is_empty(b.tophash[i])) {
                if (first_empty == 8)
                    first_empty = i;
            } else {
                last_live = i;
            }
        }
        assert_int_equal(first == 8, matches == 0);
        if (matches != 0)
            assert_int_equal(word_first_slot(matches), first);
        assert_int_equal(first_empty == 8, empties == 0);
        if (empties != 0)
            assert_int_equal(word_first_slot(empties), first_empty);
        assert_int_equal(word_ends_chain(word), b.tophash[7] == 0);
        bucket_set_tophash_word(&back, word_sweep(word));
        for (unsigned i = 0; i < HMAP_BUCKET_SLOTS; i++)
            assert_int_equal(back.tophash[i], last_live != 8 && i <= last_live ? b.tophash[i] : 0);
        bucket_set_tophash_word(&back, word_set(word, round % 8, 0x91));
        b.tophash[round % 8] = 0x91;
        assert_memory_equal(&b, &back, sizeof(b));
    }
}

static void test_tophash_is_the_top_byte_raised_over_the_marks(void **state)
{
    (void)state;
    for (unsigned top = 0; top < 256; top++) {
        uint64_t hash = (uint64_t)top << 56 | UINT64_C(0xffffffffffffff);
        assert_int_equal(tophash_of(hash), top < 5 ? top + 5 : top);
    }
}

/* With B = 0 the one bucket holds its keys in the order of insertion. */
static void test_delete_leaves_tombstones_and_sweeps_the_end(void **state)
{
    (void)state;
    struct hmap *map = new_map(&numbers.type);
    for (int64_t i = 0; i < 8; i++) {
        int64_t value = 100 + i;
        hmap_put(map, &i, &value);
    }
    assert_int_equal(map->B, 0);
    const uint8_t *tophash = map->buckets->tophash;
    int64_t *keys = key_slot(map->type, map->buckets, 0);
    int64_t *elems = elem_slot(map->type, map->buckets, 0);
    int64_t key = 3;
    hmap_delete(map, &key);
    assert_int_equal(tophash[3], HMAP_TOPHASH_EMPTY_ONE);
    assert_int_equal(keys[3], 3); /* still readable */
    assert_int_equal(elems[3], 0);
    for (key = 6; key >= 4; key--)
        hmap_delete(map, &key);
    assert_int_equal(tophash[4], HMAP_TOPHASH_EMPTY_ONE);
    key = 7;
    hmap_delete(map, &key);
    for (unsigned i = 3; i < 8; i++)
        assert_int_equal(tophash[i], HMAP_TOPHASH_EMPTY_REST);
    assert_true(tophash[2] >= HMAP_TOPHASH_MIN);
    assert_sound(map);
    /* The first free slot is reused. */
    key = 1;
    hmap_delete(map, &key);
    key = 50;
    hmap_put(map, &key, &key);
    assert_int_equal(keys[1], 50);
    assert_sound(map);
    hmap_destroy(map);
}

static uint64_t hash_to_one(const void *key, size_t size, uint64_t seed)
{
    (void)key;
    (void)size;
    (void)seed;
    return UINT64_C(0x4200000000000000);
}
HMAP_TYPE(chained, int64_t, int64_t, hash_to_one, hmap_equal_8);

static void test_sweep_goes_back_over_links(void **state)
{
    (void)state;
    struct hmap *map = new_map(&chained.type);
    for (int64_t i = 0; i < 24; i++)
        hmap_put(map, &i, &i);
    int64_t absent = -1;
    while (is_growing(map))
        hmap_delete(map, &absent);
    struct bmap *b0 = map->buckets;
    struct bmap *b1 = bucket_overflow(map->type, b0);
    struct bmap *b2 = bucket_overflow(map->type, b1);
    for (int64_t i = 6; i < 23; i++)
        hmap_delete(map, &i);
    assert_int_equal(b1->tophash[0], HMAP_TOPHASH_EMPTY_ONE);
    assert_int_equal(b2->tophash[0], HMAP_TOPHASH_EMPTY_ONE);
    int64_t last = 23;
    hmap_delete(map, &last);
    assert_true(b0->tophash[5] >= HMAP_TOPHASH_MIN);
    assert_int_equal(b0->tophash[6], HMAP_TOPHASH_EMPTY_REST);
    assert_int_equal(tophash_word(b1), 0);
    assert_int_equal(tophash_word(b2), 0);
    assert_ptr_equal(bucket_overflow(map->type, b1), b2); /* the chain keeps its buckets */
    assert_sound(map);
    hmap_destroy(map);
}

static void test_growth_follows_the_load(void **state)
{
    (void)state;
    struct hmap *map = new_map(&numbers.type);
    for (int64_t i = 0; i < 5000; i++) {
        size_t before = map->B;
        bool growing = is_growing(map);
        hmap_put(map, &i, &i);
        bool over = i + 1 > 8 && (size_t)(i + 1) > 13 * ((1u << before) / 2);
        if (!growing)
            assert_int_equal(map->B, before + over);
    }
    hmap_destroy(map);
}

static void test_emptied_map_gets_a_new_seed_unless_it_was_given(void **state)
{
    (void)state;
    int64_t key = 1;
    struct hmap *map = hmap_create(&numbers.type, NULL), *other = hmap_create(&numbers.type, NULL);
    uint64_t seed = map->hash0;
    assert_true(seed != other->hash0);
    hmap_put(map, &key, &key);
    hmap_delete(map, &key);
    assert_true(map->hash0 != seed);
    seed = map->hash0;
    hmap_put(map, &key, &key);
    hmap_clear(map);
    assert_true(map->hash0 != seed);
    hmap_destroy(map);
    hmap_destroy(other);
    map = new_map(&numbers.type);
    hmap_put(map, &key, &key);
    hmap_clear(map);
    assert_int_equal(map->hash0, 3);
    hmap_destroy(map);
}

static void test_clear_keeps_the_array_and_its_spare_buckets(void **state)
{
    (void)state;
    struct hmap *map = new_map(&numbers.type);
    for (int64_t i = 0; i < 410; i++)
        hmap_put(map, &i, &i);
    int64_t absent = -1;
    while (is_growing(map))
        hmap_delete(map, &absent);
    assert_true(map->noverflow > 0);
    struct bmap *buckets = map->buckets;
    uint8_t B = map->B;
    hmap_clear(map);
    assert_ptr_equal(map->buckets, buckets);
    assert_int_equal(map->B, B);
    assert_int_equal(map->noverflow, 0);
    assert_ptr_equal(map->nextOverflow, bucket_at(map->type, buckets, bucket_count(B)));
    assert_sound(map);
    hmap_destroy(map);
}

static void test_fixed_seed_repeats_the_layout(void **state)
{
    (void)state;
    char *texts[2];
    for (unsigned i = 0; i < 2; i++) {
        struct hmap *map = new_map(&numbers.type);
        for (int64_t key = 0; key < 1000; key++)
            hmap_put(map, &key, &key);
        texts[i] = text_of_entries(map);
        hmap_destroy(map);
    }
    assert_string_equal(texts[0], texts[1]);
    free(texts[0]);
    free(texts[1]);
}

static void test_owned_keys_are_copies(void **state)
{
    (void)state;
    struct hmap *map = new_map(&words.type);
    char buffer[] = "alpha";
    const char *word = buffer;
    int64_t value = 1;
    hmap_put(map, &word, &value);
    buffer[0] = 'x';
    assert_null(hmap_get(map, &word));
    word = "alpha";
    assert_non_null(hmap_get(map, &word));
    assert_ptr_not_equal(*(char **)key_slot(map->type, map->buckets, 0), buffer);
    hmap_delete(map, &word);
    assert_null(*(char **)key_slot(map->type, map->buckets, 0));
    hmap_destroy(map);
}

static void test_key_kinds_are_told_by_the_functions(void **state)
{
    (void)state;
    const struct {
        const char *name;
        enum hmap_key_kind kind;
    } expected[] = {
        {"int64_int64", HMAP_KEY_8},       {"uint32_uint8", HMAP_KEY_4},
        {"string_int64", HMAP_KEY_STRING}, {"owned_int64", HMAP_KEY_STRING},
        {"big_int64", HMAP_KEY_GENERIC},   {"one_bucket", HMAP_KEY_GENERIC},
    };
    for (size_t i = 0; i < rig_kind_count; i++) {
        for (size_t j = 0; j < sizeof(expected) / sizeof(expected[0]); j++) {
            if (strcmp(rig_kinds[i].name, expected[j].name) != 0)
                continue;
            struct hmap *map = new_map(rig_kinds[i].type);
            assert_int_equal(map->key_kind, expected[j].kind);
            hmap_destroy(map);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_get_at_delete),
        cmocka_unit_test(test_word_of_tophash_bytes_agrees_with_bytes),
        cmocka_unit_test(test_tophash_is_the_top_byte_raised_over_the_marks),
        cmocka_unit_test(test_delete_leaves_tombstones_and_sweeps_the_end),
        cmocka_unit_test(test_sweep_goes_back_over_links),
        cmocka_unit_test(test_growth_follows_the_load),
        cmocka_unit_test(test_emptied_map_gets_a_new_seed_unless_it_was_given),
        cmocka_unit_test(test_clear_keeps_the_array_and_its_spare_buckets),
        cmocka_unit_test(test_fixed_seed_repeats_the_layout),
        cmocka_unit_test(test_owned_keys_are_copies),
        cmocka_unit_test(test_key_kinds_are_told_by_the_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
