/* The functions of types, by pointer as the map of an unknown type calls them, and unusual types. */
#include "rig.h"

HMAP_TYPE_INT64(numbers, int64_t);
HMAP_TYPE_INT32(small_numbers, int64_t);
HMAP_TYPE_STRING(words, int64_t);

static void test_hashes_and_equality_by_pointer(void **state)
{
    (void)state;
    const int32_t four[] = {7, 8};
    const int64_t eight[] = {7, 8};
    char one[] = "a word", same[] = "a word", other[] = "another";
    const char *strings[] = {one, same, other};
    assert_true(hmap_equal_4(&four[0], &four[0], 4));
    assert_false(hmap_equal_4(&four[0], &four[1], 4));
    assert_true(hmap_equal_8(&eight[0], &eight[0], 8));
    assert_false(hmap_equal_8(&eight[0], &eight[1], 8));
    assert_true(hmap_equal_bytes(&eight[0], &eight[0], 8));
    assert_false(hmap_equal_bytes(&eight[0], &eight[1], 8));
    assert_true(hmap_equal_string(&strings[0], &strings[0], sizeof(char *)));
    assert_true(hmap_equal_string(&strings[0], &strings[1], sizeof(char *)));
    assert_false(hmap_equal_string(&strings[0], &strings[2], sizeof(char *)));
    assert_int_equal(hmap_hash_string(&strings[0], 8, 3), hmap_hash_string(&strings[1], 8, 3));
    assert_true(hmap_hash_string(&strings[0], 8, 3) != hmap_hash_string(&strings[2], 8, 3));
    assert_true(hmap_hash_4(&four[0], 4, 3) != hmap_hash_4(&four[1], 4, 3));
    assert_true(hmap_hash_8(&eight[0], 8, 3) != hmap_hash_8(&eight[0], 8, 4));
    assert_int_equal(hmap_hash_bytes(one, 6, 3), hmap_hash_bytes(same, 6, 3));
}

/* The fast paths are for exactly the built-in functions and sizes. */
static void test_fast_paths_are_for_built_in_types_only(void **state)
{
    (void)state;
    struct hmap_type types[] = {small_numbers.type, small_numbers.type, numbers.type,
                                numbers.type,       words.type,         words.type};
    types[0].equal = hmap_equal_bytes;
    types[1].key_size = 8;
    types[2].equal = hmap_equal_bytes;
    types[3].key_size = 16;
    types[4].equal = hmap_equal_bytes;
    types[5].key_size = 16;
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        struct hmap *map = hmap_create(&types[i], NULL);
        assert_non_null(map);
        assert_int_equal(map->key_kind, HMAP_KEY_GENERIC);
        hmap_destroy(map);
    }
    struct hmap *map = hmap_create(&types[0], NULL);
    for (int32_t key = 0; key < 100; key++)
        assert_non_null(hmap_put(map, &key, &(int64_t){key}));
    for (int32_t key = 0; key < 100; key++)
        assert_int_equal(*(int64_t *)hmap_get(map, &key), key);
    assert_sound(map);
    hmap_destroy(map);
}

/* A map that was never written has no buckets. */
static void test_map_without_buckets(void **state)
{
    (void)state;
    struct hmap_iter iter = {0};
    assert_false(hmap_iter_next(&iter)); /* as after fini() */
    hmap_iter_fini(&iter);
    struct hmap *map = hmap_create(&numbers.type, NULL);
    hmap_clear(map);
    assert_sound(map);
    hmap_iter_init(&iter, map);
    assert_false(hmap_iter_next(&iter));
    hmap_destroy(map);
    assert_false(hmap_iter_next(&iter));
    hmap_iter_fini(&iter);
    assert_false(hmap_iter_next(&iter));
    hmap_iter_fini(&iter);
}

/* ---- writers --------------------------------------------------------------------------------- */

static void test_a_full_disk_is_told(void **state)
{
    (void)state;
    struct hmap *map = hmap_create(&numbers.type, NULL);
    int64_t key = 1;
    hmap_put(map, &key, &key);
    FILE *out = fopen("/dev/full", "w");
    assert_non_null(out);
    setvbuf(out, NULL, _IONBF, 0);
    assert_false(hmap_write_occupancy(map, out));
    clearerr(out);
    assert_false(hmap_write_entries(map, out));
    fclose(out);
    hmap_destroy(map);
}

/* Maps of every kind: a row for each entry. */
static void test_entries_of_every_kind(void **state)
{
    (void)state;
    static struct rig rig;
    for (size_t i = 0; i < rig_kind_count; i++) {
        assert_true(rig_init(&rig, &rig_kinds[i], 1, 0));
        for (unsigned key = 0; key < 100; key++)
            rig_insert(&rig, key);
        char *text = text_of_entries(rig.map);
        size_t lines = 0;
        for (const char *at = text; *at != '\0'; at++)
            lines += *at == '\n';
        assert_int_equal(lines, 101);
        free(text);
        rig_fini(&rig);
    }
}

static void assert_text(hmap_write_fn *write, const void *value, size_t size, const char *expected)
{
    char *text = text_of_value(write, value, size);
    assert_string_equal(text, expected);
    free(text);
}

/* A writer that is given a value of another size than its own writes the bytes. */
static void test_values_of_another_size(void **state)
{
    (void)state;
    const unsigned char bytes[16] = {0x12, 0xab};
    assert_text(hmap_write_pointer, bytes, 2, "12ab");
    assert_text(hmap_write_string, bytes, 2, "12ab");
    assert_text(hmap_write_signed, bytes, 3, "12ab00");
    assert_text(hmap_write_unsigned, bytes, 3, "12ab00");
    assert_text(hmap_write_float, bytes, 3, "12ab00");
    assert_text(hmap_write_chars, "\xc3(", 2, "\\xc3(");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes_and_equality_by_pointer),
        cmocka_unit_test(test_fast_paths_are_for_built_in_types_only),
        cmocka_unit_test(test_map_without_buckets),
        cmocka_unit_test(test_a_full_disk_is_told),
        cmocka_unit_test(test_entries_of_every_kind),
        cmocka_unit_test(test_values_of_another_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
