/* Extreme sizes: hints, alignments, the estimate of overflow buckets in large arrays. */
#include "rig.h"

/* For the sanitizers: an allocation that is too large returns NULL, as without them. */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

HMAP_TYPE_INT64(numbers, int64_t);

static void test_hint_makes_room(void **state)
{
    (void)state;
    const struct {
        size_t hint;
        unsigned B;
    } hints[] = {{0, 0},  {8, 0},  {9, 1},     {13, 1},   {14, 2},
                 {26, 2}, {27, 3}, {6656, 10}, {6657, 11}};
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        struct hmap *map =
            hmap_create(&numbers.type, &(struct hmap_options){.hint = hints[i].hint});
        assert_int_equal(map->B, hints[i].B);
        assert_int_equal(map->buckets == NULL, hints[i].B == 0);
        assert_sound(map);
        for (int64_t key = 0; key < (int64_t)hints[i].hint; key++)
            hmap_put(map, &key, &key);
        assert_int_equal(map->B, hints[i].B);
        assert_sound(map);
        hmap_destroy(map);
    }
}

static void test_hint_that_no_memory_could_hold(void **state)
{
    (void)state;
    const size_t hints[] = {SIZE_MAX,      SIZE_MAX - 1,   SIZE_MAX / 2,   SIZE_MAX / 8,
                            SIZE_MAX / 16, SIZE_MAX / 100, (size_t)1 << 50};
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
        assert_null(hmap_create(&numbers.type, &(struct hmap_options){.hint = hints[i]}));
    assert_int_equal(hmap_registry.count, 0);
}

#define ALIGNED_TYPE(bytes)                                                       \
    struct aligned_##bytes {                                                      \
        _Alignas(bytes) int64_t number;                                           \
        char rest[bytes];                                                         \
    };                                                                            \
    HMAP_TYPE_BYTES(map_##bytes, struct aligned_##bytes, struct aligned_##bytes); \
    static void use_##bytes(void)                                                 \
    {                                                                             \
        struct hmap *map = hmap_create(&map_##bytes.type, NULL);                  \
        for (int64_t i = 0; i < 300; i++) {                                       \
            struct aligned_##bytes key;                                           \
            memset(&key, 0, sizeof(key));                                         \
            key.number = i;                                                       \
            struct aligned_##bytes *elem = hmap_put(map, &key, &key);             \
            assert_int_equal((uintptr_t)elem % bytes, 0);                         \
            assert_int_equal(elem->number, i);                                    \
        }                                                                         \
        assert_sound(map);                                                        \
        struct hmap_iter iter;                                                    \
        hmap_iter_init(&iter, map);                                               \
        while (hmap_iter_next(&iter)) {                                           \
            assert_int_equal((uintptr_t)iter.key % bytes, 0);                     \
            assert_true(hmap_delete(map, iter.key));                              \
        }                                                                         \
        hmap_iter_fini(&iter);                                                    \
        assert_int_equal(hmap_count(map), 0);                                     \
        hmap_destroy(map);                                                        \
    }

ALIGNED_TYPE(8)
ALIGNED_TYPE(16)
ALIGNED_TYPE(32)
ALIGNED_TYPE(64)
ALIGNED_TYPE(128)
ALIGNED_TYPE(256)

struct __attribute__((packed)) packed_1 {
    char a;
    int64_t b;
    char c;
};
struct __attribute__((packed, aligned(2))) packed_2 {
    char a;
    int64_t b;
    char c;
};
typedef char text_15[15];
HMAP_TYPE_BYTES(map_packed_1, struct packed_1, char);
HMAP_TYPE_BYTES(map_packed_2, struct packed_2, struct packed_1);
HMAP_TYPE_BYTES(map_text, text_15, text_15);
HMAP_TYPE_BYTES(map_char, unsigned char, bool);

static void fill_and_empty(const struct hmap_type *type, int64_t n)
{
    struct hmap *map = hmap_create(type, NULL);
    unsigned char key[64], elem[64];
    for (int64_t i = 0; i < n; i++) {
        memset(key, 0, sizeof(key));
        memset(elem, 0, sizeof(elem));
        memcpy(key + 1, &i, sizeof(i));
        key[0] = (unsigned char)i;
        elem[0] = (unsigned char)i & 1;
        assert_non_null(hmap_put(map, key, elem));
    }
    assert_int_equal(hmap_count(map), n);
    assert_sound(map);
    for (int64_t i = 0; i < n; i++) {
        memset(key, 0, sizeof(key));
        memcpy(key + 1, &i, sizeof(i));
        key[0] = (unsigned char)i;
        const unsigned char *found = hmap_get(map, key);
        assert_int_equal(found[0], i & 1);
        assert_true(hmap_delete(map, key));
    }
    assert_sound(map);
    hmap_destroy(map);
}

static void test_odd_alignments(void **state)
{
    (void)state;
    use_8();
    use_16();
    use_32();
    use_64();
    use_128();
    use_256();
    fill_and_empty(&map_packed_1.type, 500);
    fill_and_empty(&map_packed_2.type, 500);
    fill_and_empty(&map_text.type, 500);
    fill_and_empty(&map_char.type, 256);
}

static void test_slots_are_boxed_above_128_bytes(void **state)
{
    (void)state;
    assert_int_equal(map_64.type.key_slot_size, 128);
    assert_int_equal(map_128.type.key_slot_size, sizeof(void *));
    assert_int_equal(map_text.type.key_slot_size, 15);
}

/* As in Go: the limit of 2^15 is compared with an estimate of overflow buckets. */
static void test_churn_of_two_million_entries_does_not_grow_again_and_again(void **state)
{
    (void)state;
    const size_t n = 2000000;
    struct hmap *map = hmap_create(&numbers.type, &(struct hmap_options){.fixed_seed = true});
    uint64_t insert = 1, erase = 1;
    for (size_t i = 0; i < n; i++) {
        int64_t key = (int64_t)next_random(&insert);
        assert_non_null(hmap_put(map, &key, &key));
    }
    assert_true(map->B >= 19);
    const struct bmap *buckets = map->buckets;
    uint8_t B = map->B;
    size_t growths = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t key = (int64_t)next_random(&erase);
        assert_true(hmap_delete(map, &key));
        key = (int64_t)next_random(&insert);
        assert_non_null(hmap_put(map, &key, &key));
        growths += map->buckets != buckets;
        buckets = map->buckets;
    }
    print_message("B %u, growths %zu, noverflow %u\n", map->B, growths, map->noverflow);
    assert_int_equal(map->B, B);
    assert_true(growths <= 1);
    /* The estimate is close. */
    size_t overflow = 0;
    for (size_t i = 0; i < bucket_count(map->B); i++) {
        const struct bmap *b = bucket_at(map->type, map->buckets, i);
        while ((b = bucket_overflow(map->type, b)) != NULL)
            overflow++;
    }
    size_t estimate = (size_t)map->noverflow << (map->B - 15);
    assert_true(!is_growing(map));
    assert_true(estimate > overflow * 9 / 10 && estimate < overflow * 11 / 10);
    assert_sound(map);
    hmap_destroy(map);
}

static void test_noverflow_stops_at_its_end(void **state)
{
    (void)state;
    struct hmap *map = hmap_create(&numbers.type, &(struct hmap_options){.fixed_seed = true});
    for (int64_t key = 0; key < 200; key++)
        hmap_put(map, &key, &key);
    for (int64_t key = 200; is_growing(map); key++)
        hmap_put(map, &key, &key);
    map->noverflow = UINT16_MAX;
    int64_t key = 1000;
    hmap_put(map, &key, &key); /* far too many, by the map's count */
    assert_true(is_growing_same_size(map));
    hmap_destroy(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hint_makes_room),
        cmocka_unit_test(test_hint_that_no_memory_could_hold),
        cmocka_unit_test(test_odd_alignments),
        cmocka_unit_test(test_slots_are_boxed_above_128_bytes),
        cmocka_unit_test(test_churn_of_two_million_entries_does_not_grow_again_and_again),
        cmocka_unit_test(test_noverflow_stops_at_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
