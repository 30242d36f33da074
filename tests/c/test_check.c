/* hmap_check() reports each planted fault, with its number and address. */
#include "rig.h"

HMAP_TYPE_INT64(numbers, int64_t);
HMAP_TYPE_OWNED_STRING(words, int64_t);

struct large {
    int64_t number;
    char rest[200];
};
HMAP_TYPE_INT64(number_large, struct large);

static uint64_t hash_to_one(const void *key, size_t size, uint64_t seed)
{
    (void)key;
    (void)size;
    (void)seed;
    return UINT64_C(0x4200000000000000);
}
HMAP_TYPE(chained, int64_t, int64_t, hash_to_one, hmap_equal_8);

struct aligned {
    _Alignas(32) int64_t number;
};
HMAP_TYPE_BYTES(aligned_numbers, struct aligned, int64_t);

/* What a check reported. */
struct found {
    unsigned invariants; /* bit n: In */
    size_t n;
    const void *addresses[64];
    unsigned numbers[64];
};

static void note(void *context, const struct hmap_problem *problem)
{
    struct found *found = context;
    assert_true(problem->invariant >= 1 && problem->invariant <= 15);
    assert_true(strlen(problem->text) > 10);
    found->invariants |= 1u << problem->invariant;
    if (found->n < 64) {
        found->addresses[found->n] = problem->address;
        found->numbers[found->n] = problem->invariant;
    }
    found->n++;
}

static struct found check(const struct hmap *map)
{
    struct found found = {0};
    size_t n = hmap_check(map, note, &found);
    assert_int_equal(n, found.n);
    assert_int_equal(hmap_check(map, NULL, NULL), n);
    return found;
}

/* At least this invariant is reported, at this address. */
static void assert_reports(const struct hmap *map, unsigned invariant, const void *address)
{
    struct found found = check(map);
    for (size_t i = 0; i < found.n && i < 64; i++)
        if (found.numbers[i] == invariant && (address == NULL || found.addresses[i] == address))
            return;
    fail_msg("I%u at %p not reported; the set reported is 0x%x", invariant, address,
             found.invariants);
}

/* Only this one. */
static void assert_reports_only(const struct hmap *map, unsigned invariant, const void *address)
{
    assert_reports(map, invariant, address);
    assert_int_equal(check(map).invariants, 1u << invariant);
}

static struct hmap *new_map(const struct hmap_type *type)
{
    struct hmap *map = hmap_create(type, &(struct hmap_options){.fixed_seed = true, .seed = 4});
    assert_non_null(map);
    return map;
}

static struct hmap *filled(int64_t n)
{
    struct hmap *map = new_map(&numbers.type);
    for (int64_t i = 0; i < n; i++)
        assert_non_null(hmap_put(map, &i, &i));
    int64_t absent = -1;
    while (is_growing(map))
        hmap_delete(map, &absent);
    assert_sound(map);
    return map;
}

/* During growth, with old buckets that have been evacuated and others that have not. */
static struct hmap *half_grown(void)
{
    struct hmap *map = new_map(&numbers.type);
    for (int64_t i = 0; map->B < 5 || !is_growing(map) || map->nevacuate < 3; i++)
        assert_non_null(hmap_put(map, &i, &i));
    assert_sound(map);
    return map;
}

static struct bmap *chain_of(struct hmap *map, size_t index)
{
    return bucket_at(map->type, map->buckets, index);
}

/* Slot of the first live cell of the array from bucket `*index` on. */
static struct bmap *live_cell(const struct hmap *map, struct bmap *buckets, size_t *index,
                              unsigned *slot)
{
    for (;; ++*index) {
        struct bmap *b = bucket_at(map->type, buckets, *index);
        for (*slot = 0; *slot < HMAP_BUCKET_SLOTS; ++*slot)
            if (tophash_is_live(b->tophash[*slot]))
                return b;
    }
}

/* The first old bucket that has been evacuated, or that has not. */
static struct bmap *old_bucket(const struct hmap *map, bool evacuated, size_t *index)
{
    for (*index = 0;; ++*index) {
        struct bmap *b = bucket_at(map->type, map->oldbuckets, *index);
        if (bucket_is_evacuated(b) == evacuated)
            return b;
    }
}

#define PLANT(place, fault)                                     \
    for (__typeof__(place) planted = (place), *once = &planted; \
         once != NULL && ((place) = (fault), true); (place) = planted, once = NULL)

static void test_i1_count(void **state)
{
    (void)state;
    struct hmap *map = filled(100);
    PLANT(map->count, 99) assert_reports_only(map, 1, &map->count);
    assert_sound(map);
    hmap_destroy(map);
}

static void test_i2_header(void **state)
{
    (void)state;
    struct hmap *map = filled(100);
    PLANT(map->flags, map->flags | 0x40) assert_reports_only(map, 2, &map->flags);
    PLANT(map->flags, map->flags | HMAP_FLAG_SAME_SIZE_GROW)
    assert_reports_only(map, 2, &map->flags);
    PLANT(map->B, 200) assert_reports(map, 2, &map->B);
    PLANT(map->key_kind, 9) assert_reports_only(map, 2, &map->key_kind);
    PLANT(map->nevacuate, 1000) assert_reports_only(map, 2, &map->nevacuate);
    PLANT(map->buckets, NULL) assert_reports(map, 2, &map->buckets);
    hmap_destroy(map);
    map = half_grown();
    PLANT(map->nevacuate, 16) assert_reports(map, 2, &map->nevacuate);
    PLANT(map->B, 0) assert_reports(map, 2, &map->B);
    PLANT(map->buckets, NULL) assert_reports(map, 2, &map->buckets);
    hmap_destroy(map);
}

static void test_i3_array_header(void **state)
{
    (void)state;
    struct hmap *map = filled(200);
    struct hmap_array *array = array_of(map->buckets);
    PLANT(array->B, (uint8_t)(array->B + 1)) assert_reports_only(map, 3, &array->B);
    PLANT(array->nalloc, array->nalloc + 1) assert_reports_only(map, 3, &array->nalloc);
    PLANT(array->size, array->size - 1) assert_reports_only(map, 3, &array->size);
    PLANT(array->buckets, NULL) assert_reports_only(map, 3, &array->buckets);
    PLANT(array->pins, 1) assert_reports(map, 3, &array->pins);
    PLANT(map->B, (uint8_t)(map->B + 1)) assert_reports(map, 3, NULL);
    uint8_t before = map->B;
    map->B = array->B = 200;
    assert_reports(map, 2, &map->B);
    map->B = array->B = before;
    assert_sound(map);
    hmap_destroy(map);
    map = half_grown();
    struct bmap *odd = (struct bmap *)(void *)((char *)map->buckets + 1);
    PLANT(map->buckets, odd) assert_reports(map, 3, odd);
    assert_non_null(map->nextOverflow);
    PLANT(map->buckets, odd) assert_reports(map, 12, &map->nextOverflow);
    odd = (struct bmap *)(void *)((char *)map->oldbuckets + 1);
    PLANT(map->oldbuckets, odd) assert_reports(map, 3, odd);
    hmap_destroy(map);
}

static void test_i4_mark_where_none_may_be(void **state)
{
    (void)state;
    struct hmap *map = filled(100);
    size_t index = 0;
    unsigned slot;
    struct bmap *b = live_cell(map, map->buckets, &index, &slot);
    PLANT(b->tophash[slot], HMAP_TOPHASH_EVACUATED_X) assert_reports(map, 4, &b->tophash[slot]);
    hmap_destroy(map);
    map = half_grown();
    b = old_bucket(map, false, &index);
    PLANT(b->tophash[1], HMAP_TOPHASH_EVACUATED_EMPTY) assert_reports(map, 4, &b->tophash[1]);
    hmap_destroy(map);
}

/* Growth to the same size moves all entries of a bucket to one. */
static void test_i4_second_half_in_same_size_growth(void **state)
{
    (void)state;
    static struct rig rig;
    const struct rig_kind *kind = rig_kinds;
    while (strcmp(kind->name, "nine_a_bucket") != 0)
        kind++;
    assert_true(rig_init(&rig, kind, 1, 0));
    while (!is_growing_same_size(rig.map) || rig.map->nevacuate == 0)
        rig_wave(&rig, 18);
    size_t index;
    struct bmap *b = old_bucket(rig.map, true, &index);
    PLANT(b->tophash[0], HMAP_TOPHASH_EVACUATED_Y) assert_reports(rig.map, 4, &b->tophash[0]);
    /* A file of buckets has as many old ones as new ones. */
    char *text = text_of_occupancy(rig.map);
    size_t lines = 0;
    for (const char *at = text; *at != '\0'; at++)
        lines += *at == '\n';
    assert_int_equal(lines, 1 + 2 * bucket_count(rig.map->B));
    free(text);
    rig_fini(&rig);
}

static void test_i5_cell_behind_empty_rest(void **state)
{
    (void)state;
    struct hmap *map = filled(4);
    struct bmap *b = chain_of(map, 0);
    PLANT(b->tophash[6], HMAP_TOPHASH_EMPTY_ONE) assert_reports_only(map, 5, &b->tophash[6]);
    PLANT(b->tophash[1], HMAP_TOPHASH_EMPTY_REST) assert_reports(map, 5, &b->tophash[2]);
    hmap_destroy(map);
    /* Across a link. */
    map = new_map(&chained.type);
    for (int64_t i = 0; i < 12; i++)
        hmap_put(map, &i, &i);
    int64_t absent = -1;
    while (is_growing(map))
        hmap_delete(map, &absent);
    b = chain_of(map, 0);
    struct bmap *next = bucket_overflow(map->type, b);
    assert_non_null(next);
    PLANT(b->tophash[7], HMAP_TOPHASH_EMPTY_REST) assert_reports(map, 5, &next->tophash[0]);
    hmap_destroy(map);
}

static void test_i6_evacuated_by_halves(void **state)
{
    (void)state;
    struct hmap *map = half_grown();
    size_t index;
    struct bmap *b = old_bucket(map, true, &index);
    PLANT(b->tophash[3], 77) assert_reports_only(map, 6, &b->tophash[3]);
    b = old_bucket(map, false, &index);
    PLANT(map->nevacuate, index + 1) assert_reports_only(map, 6, b);
    hmap_destroy(map);
}

static void test_i7_new_bucket_touched_too_early(void **state)
{
    (void)state;
    struct hmap *map = half_grown();
    size_t index;
    old_bucket(map, false, &index);
    struct bmap *x = chain_of(map, index), *y = chain_of(map, index + 16);
    PLANT(x->tophash[2], HMAP_TOPHASH_EMPTY_ONE) assert_reports(map, 7, &x->tophash[2]);
    PLANT(y->tophash[0], HMAP_TOPHASH_EMPTY_ONE) assert_reports_only(map, 7, &y->tophash[0]);
    struct bmap **link = (struct bmap **)(void *)((char *)x + map->type->overflow_offset);
    PLANT(*link, map->nextOverflow) assert_reports(map, 7, link);
    hmap_destroy(map);
}

static void test_i8_key_in_the_wrong_bucket(void **state)
{
    (void)state;
    struct hmap *map = filled(100);
    size_t index = 0;
    unsigned slot;
    struct bmap *b = live_cell(map, map->buckets, &index, &slot);
    int64_t *key = key_slot(map->type, b, slot);
    int64_t other = *key;
    /* A key with the same tophash that belongs elsewhere. */
    do
        other += 1000;
    while (tophash_of(hmap_hash_8(&other, 8, 4)) != b->tophash[slot] ||
           bucket_index(hmap_hash_8(&other, 8, 4), map->B) == index);
    PLANT(*key, other) assert_reports_only(map, 8, key);
    hmap_destroy(map);
}

static void test_i9_tophash_of_another_key(void **state)
{
    (void)state;
    struct hmap *map = filled(100);
    size_t index = 0;
    unsigned slot;
    struct bmap *b = live_cell(map, map->buckets, &index, &slot);
    PLANT(b->tophash[slot], b->tophash[slot] == 255 ? 254 : (uint8_t)(b->tophash[slot] + 1))
    assert_reports_only(map, 9, &b->tophash[slot]);
    hmap_destroy(map);
}

static void test_i10_key_live_twice(void **state)
{
    (void)state;
    struct hmap *map = new_map(&chained.type);
    for (int64_t i = 0; i < 6; i++)
        hmap_put(map, &i, &i);
    int64_t *key = key_slot(map->type, map->buckets, 4);
    PLANT(*key, 2) assert_reports_only(map, 10, NULL);
    assert_sound(map);
    hmap_destroy(map);
}

static void test_i11_links(void **state)
{
    (void)state;
    struct hmap *map = new_map(&chained.type);
    int64_t n = 0;
    for (; n < 40 || is_growing(map); n++)
        hmap_put(map, &n, &n);
    const struct hmap_type *type = map->type;
    struct bmap *main = chain_of(map, 0);
    struct bmap *second = bucket_overflow(type, main), *third = bucket_overflow(type, second);
    struct bmap **main_link = (struct bmap **)(void *)((char *)main + type->overflow_offset);
    struct bmap **third_link = (struct bmap **)(void *)((char *)third + type->overflow_offset);
    struct bmap *other = chain_of(map, 1);
    struct bmap **other_link = (struct bmap **)(void *)((char *)other + type->overflow_offset);
    limit_time(60); /* a cycle must not hold up the check */
    PLANT(*third_link, third) assert_reports(map, 11, third_link);
    PLANT(*third_link, second) assert_reports(map, 11, third_link);
    PLANT(*third_link, main) assert_reports(map, 11, third_link);
    PLANT(*third_link, other) assert_reports(map, 11, third_link);
    PLANT(*main_link, (struct bmap *)(void *)((char *)second + 1))
    assert_reports(map, 11, main_link);
    PLANT(*main_link, (struct bmap *)(void *)((char *)map->buckets + 8))
    assert_reports(map, 11, main_link);
    /* In two chains. */
    PLANT(*other_link, third) assert_reports(map, 11, third);
    limit_time(0);
    assert_sound(map);
    hmap_destroy(map);
}

static void test_i12_spare_buckets(void **state)
{
    (void)state;
    struct hmap *map = filled(250);
    const struct hmap_type *type = map->type;
    const struct hmap_array *array = array_of(map->buckets);
    assert_true(map->B >= 5 && map->nextOverflow != NULL);
    struct bmap *last = bucket_at(type, map->buckets, array->nalloc - 1);
    struct bmap **mark = (struct bmap **)(void *)((char *)last + type->overflow_offset);
    PLANT(*mark, NULL) assert_reports_only(map, 12, mark);
    PLANT(last->tophash[5], 9) assert_reports_only(map, 12, last);
    PLANT(map->nextOverflow, map->buckets) assert_reports_only(map, 12, &map->nextOverflow);
    PLANT(map->nextOverflow, (struct bmap *)((char *)map->nextOverflow + 8))
    assert_reports_only(map, 12, &map->nextOverflow);
    static struct bmap elsewhere;
    PLANT(map->nextOverflow, &elsewhere) assert_reports_only(map, 12, &map->nextOverflow);
    /* A spare bucket that is in a chain although nextOverflow has not passed it. */
    struct bmap *main = chain_of(map, 0);
    while (bucket_overflow(type, main) != NULL)
        main = bucket_overflow(type, main);
    struct bmap **link = (struct bmap **)(void *)((char *)main + type->overflow_offset);
    PLANT(*link, map->nextOverflow) assert_reports(map, 12, link);
    assert_sound(map);
    hmap_destroy(map);
}

/* The alignment of keys leaves room behind the link. */
static void test_i12_end_of_a_spare_bucket(void **state)
{
    (void)state;
    struct hmap *map = new_map(&aligned_numbers.type);
    const struct hmap_type *type = map->type;
    static struct aligned key; /* its padding is part of it, and zero */
    for (; map->B < 5 || is_growing(map); key.number++)
        assert_non_null(hmap_put(map, &key, &key.number));
    const struct hmap_array *array = array_of(map->buckets);
    struct bmap *last = bucket_at(type, map->buckets, array->nalloc - 1);
    assert_true(type->bucket_size > type->overflow_offset + sizeof(void *));
    assert_non_null(map->nextOverflow);
    char *end = (char *)last + type->bucket_size - 1;
    PLANT(*end, 1) assert_reports_only(map, 12, last);
    assert_sound(map);
    hmap_destroy(map);
}

static void test_i13_noverflow(void **state)
{
    (void)state;
    struct hmap *map = filled(200);
    PLANT(map->noverflow, (uint16_t)(map->noverflow + 1))
    assert_reports_only(map, 13, &map->noverflow);
    hmap_destroy(map);
}

static void test_i14_boxes_and_owned_strings(void **state)
{
    (void)state;
    struct hmap *map = new_map(&words.type);
    const char *word = "a word";
    int64_t number = 1;
    hmap_put(map, &word, &number);
    void **key = key_slot(map->type, map->buckets, 0);
    PLANT(*key, NULL) assert_reports_only(map, 14, key);
    hmap_delete(map, &word);
    PLANT(*key, &number) assert_reports_only(map, 14, key);
    hmap_destroy(map);

    map = new_map(&number_large.type);
    struct large large = {0};
    hmap_put(map, &number, &large);
    void **elem = elem_slot(map->type, map->buckets, 0);
    PLANT(*elem, NULL) assert_reports_only(map, 14, elem);
    hmap_delete(map, &number);
    PLANT(*elem, &large) assert_reports_only(map, 14, elem);
    hmap_destroy(map);
}

static void test_i15_iterators(void **state)
{
    (void)state;
    struct hmap *map = filled(20);
    PLANT(map->flags, map->flags | HMAP_FLAG_ITERATOR) assert_reports_only(map, 15, &map->flags);
    struct hmap_box box = {0};
    PLANT(map->graveyard, &box) assert_reports_only(map, 15, &map->graveyard);
    struct hmap_iter iter;
    hmap_iter_init(&iter, map);
    assert_sound(map);
    PLANT(map->flags, map->flags & ~HMAP_FLAG_ITERATOR & 0xff)
    assert_reports_only(map, 15, &map->flags);
    PLANT(array_of(map->buckets)->pins, 5) assert_reports_only(map, 15, &map->niterators);
    PLANT(map->niterators, 0) assert_reports(map, 15, NULL);
    int64_t absent = -1;
    for (int64_t i = 20; i < 100; i++)
        hmap_put(map, &i, &i);
    while (is_growing(map))
        hmap_delete(map, &absent);
    assert_non_null(map->retired);
    assert_sound(map);
    struct hmap_array *retired = map->retired;
    PLANT(retired->buckets->tophash[0], 100)
    assert_reports_only(map, 15, &retired->buckets->tophash[0]);
    PLANT(retired->pins, 0) assert_reports_only(map, 15, &retired->pins);
    PLANT(retired->size, retired->size + 1) assert_reports(map, 3, &retired->size);
    struct hmap_array *odd = (struct hmap_array *)(void *)((char *)retired + 1);
    PLANT(map->retired, odd) assert_reports_only(map, 15, odd);
    limit_time(60);
    PLANT(retired->next, retired) assert_reports(map, 15, &map->retired);
    limit_time(0);
    hmap_iter_fini(&iter);
    assert_sound(map);
    hmap_destroy(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_i1_count),
        cmocka_unit_test(test_i2_header),
        cmocka_unit_test(test_i3_array_header),
        cmocka_unit_test(test_i4_mark_where_none_may_be),
        cmocka_unit_test(test_i4_second_half_in_same_size_growth),
        cmocka_unit_test(test_i5_cell_behind_empty_rest),
        cmocka_unit_test(test_i6_evacuated_by_halves),
        cmocka_unit_test(test_i7_new_bucket_touched_too_early),
        cmocka_unit_test(test_i8_key_in_the_wrong_bucket),
        cmocka_unit_test(test_i9_tophash_of_another_key),
        cmocka_unit_test(test_i10_key_live_twice),
        cmocka_unit_test(test_i11_links),
        cmocka_unit_test(test_i12_spare_buckets),
        cmocka_unit_test(test_i12_end_of_a_spare_bucket),
        cmocka_unit_test(test_i13_noverflow),
        cmocka_unit_test(test_i14_boxes_and_owned_strings),
        cmocka_unit_test(test_i15_iterators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
