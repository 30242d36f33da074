/* The CSV files, and the text of each value in them. */
#include "support.h"

#include <float.h>
#include <math.h>
#include <unistd.h>

HMAP_TYPE_INT64(numbers, int64_t);
HMAP_TYPE_OWNED_STRING(words, int64_t);
HMAP_TYPE_STRING(word_double, double);

static void assert_text(hmap_write_fn *write, const void *value, size_t size, const char *expected)
{
    char *text = text_of_value(write, value, size);
    assert_string_equal(text, expected);
    free(text);
}

struct pair {
    char a, b;
};
typedef char text_8[8];
typedef unsigned char bytes_8[8];
typedef void function(void);

static void test_writers_are_chosen_by_type(void **state)
{
    (void)state;
    assert_true(HMAP_WRITER(char) == hmap_write_signed);
    assert_true(HMAP_WRITER(int64_t) == hmap_write_signed);
    assert_true(HMAP_WRITER(size_t) == hmap_write_unsigned);
    assert_true(HMAP_WRITER(bool) == hmap_write_bool);
    assert_true(HMAP_WRITER(float) == hmap_write_float);
    assert_true(HMAP_WRITER(const char *) == hmap_write_string);
    assert_true(HMAP_WRITER(char *) == hmap_write_string);
    assert_true(HMAP_WRITER(text_8) == hmap_write_chars);
    assert_true(HMAP_WRITER(bytes_8) == hmap_write_bytes);
    assert_true(HMAP_WRITER(struct pair) == hmap_write_bytes);
    assert_true(HMAP_WRITER(struct pair *) == hmap_write_pointer);
    assert_true(HMAP_WRITER(void *) == hmap_write_pointer);
    assert_true(HMAP_WRITER(const int64_t *) == hmap_write_pointer);
    assert_true(HMAP_WRITER(function *) == hmap_write_pointer);
    assert_true(HMAP_WRITER(text_8 *) == hmap_write_pointer);
}

static void test_integers(void **state)
{
    (void)state;
    assert_text(hmap_write_signed, &(int8_t){-128}, 1, "-128");
    assert_text(hmap_write_signed, &(int16_t){-300}, 2, "-300");
    assert_text(hmap_write_signed, &(int32_t){INT32_MIN}, 4, "-2147483648");
    assert_text(hmap_write_signed, &(int64_t){INT64_MIN}, 8, "-9223372036854775808");
    assert_text(hmap_write_unsigned, &(uint8_t){255}, 1, "255");
    assert_text(hmap_write_unsigned, &(uint16_t){65535}, 2, "65535");
    assert_text(hmap_write_unsigned, &(uint32_t){UINT32_MAX}, 4, "4294967295");
    assert_text(hmap_write_unsigned, &(uint64_t){UINT64_MAX}, 8, "18446744073709551615");
    assert_text(hmap_write_bool, &(bool){true}, 1, "true");
    assert_text(hmap_write_bool, &(bool){false}, 1, "false");
    assert_text(hmap_write_pointer, &(void *){NULL}, sizeof(void *), "0x0");
    assert_text(hmap_write_pointer, &(void *){(void *)(uintptr_t)0xabc0}, sizeof(void *), "0xabc0");
    assert_text(hmap_write_bytes, "\x00\x7f\xff", 3, "007fff");
}

static void test_floating_point(void **state)
{
    (void)state;
    const struct {
        double value;
        const char *text;
    } doubles[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {100.0, "100.0"},
        {123456789.0, "123456789.0"},
        {1e15, "1000000000000000.0"},
        {9007199254740993.0, "9007199254740992.0"},
        {1e16, "1e+16"},
        {1.5e16, "1.5e+16"},
        {1e22, "1e+22"},
        {1e100, "1e+100"},
        {1e-4, "0.0001"},
        {0.00012345, "0.00012345"},
        {1e-5, "1e-05"},
        {1.25e-7, "1.25e-07"},
        {5e-324, "5e-324"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {0x1p-44, "5.684341886080802e-14"}, /* the nearest 16 digits read back as a neighbour */
        {0x1p-1074, "5e-324"},
        {9.5e-5, "9.5e-05"},
        {0.1 + 0.2, "0.30000000000000004"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {NAN, "nan"},
    };
    for (size_t i = 0; i < sizeof(doubles) / sizeof(doubles[0]); i++)
        assert_text(hmap_write_float, &doubles[i].value, sizeof(double), doubles[i].text);
    const struct {
        float value;
        const char *text;
    } floats[] = {
        {0.1f, "0.1"},     {16777216.0f, "16777216.0"}, {3.4028235e38f, "3.4028235e+38"},
        {1e-45f, "1e-45"}, {1.0f / 3, "0.33333334"},    {1e16f, "1e+16"},
    };
    for (size_t i = 0; i < sizeof(floats) / sizeof(floats[0]); i++)
        assert_text(hmap_write_float, &floats[i].value, sizeof(float), floats[i].text);
}

/* Random bit patterns and all powers of two, compared with repr() of the Python that gdb embeds. */
static void test_doubles_are_written_as_python_does(void **state)
{
    (void)state;
    if (access(HMAP_PYTHON, X_OK) != 0)
        skip();
    char path[] = "/tmp/hmap-doubles-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *out = fdopen(fd, "w");
    assert_non_null(out);
    uint64_t random = 17;
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t bits = next_random(&random);
        if (i < 2046)
            bits = (uint64_t)(i + 1) << 52;
        else if (i % 3 == 0)
            bits = (bits & ~(UINT64_C(0x7ff) << 52)) | (UINT64_C(1000) + bits % 60) << 52;
        double value;
        memcpy(&value, &bits, sizeof(value));
        if (isnan(value))
            continue;
        fprintf(out, "%016llx ", (unsigned long long)bits);
        hmap_write_float(out, &value, sizeof(value));
        fputc('\n', out);
    }
    assert_int_equal(fclose(out), 0);
    char command[512];
    snprintf(command, sizeof(command),
             HMAP_PYTHON " -c \"import struct\n"
                         "for line in open('%s'):\n"
                         "    bits, text = line.split()\n"
                         "    value = struct.unpack('>d', bytes.fromhex(bits))[0]\n"
                         "    assert repr(value) == text, line\"",
             path);
    int status = system(command);
    unlink(path);
    assert_int_equal(status, 0);
}

static void test_strings(void **state)
{
    (void)state;
    const struct {
        const char *string;
        const char *text;
    } strings[] = {
        {"", ""},
        {"plain", "plain"},
        {"back\\slash", "back\\slash"},
        {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"a\xff\\b", "a\\xff\\\\b"},
        {"\xc3", "\\xc3"},
        {"\xe2\x82", "\\xe2\\x82"},
        {"\xe2\x82"
         "A",
         "\\xe2\\x82A"},
        {"\xc0\x80", "\\xc0\\x80"},                   /* overlong */
        {"\xe0\x9f\xbf", "\\xe0\\x9f\\xbf"},          /* overlong */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* surrogate */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* above U+10FFFF */
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
        {"\xc3\xa9\x80", "\xc3\xa9\\x80"},
    };
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        assert_text(hmap_write_string, &strings[i].string, sizeof(char *), strings[i].text);
        assert_text(hmap_write_chars, strings[i].string, strlen(strings[i].string),
                    strings[i].text);
    }
    assert_text(hmap_write_string, &(char *){NULL}, sizeof(char *), "0x0");
    assert_text(hmap_write_chars, "ab\0cd", 5, "ab");
}

static char *entries_of_one(const char *word)
{
    struct hmap *map =
        hmap_create(&words.type, &(struct hmap_options){.fixed_seed = true, .seed = 1});
    int64_t value = -5;
    hmap_put(map, &word, &value);
    char *text = text_of_entries(map);
    hmap_destroy(map);
    return text;
}

static void test_entries_quote_as_rfc_4180_asks(void **state)
{
    (void)state;
    const struct {
        const char *word;
        const char *field;
    } rows[] = {
        {"plain word", "plain word"},
        {"a,b", "\"a,b\""},
        {"say \"hi\"", "\"say \"\"hi\"\"\""},
        {"two\nlines", "\"two\nlines\""},
        {"return\r", "\"return\r\""},
        {" space ", " space "},
        {"\xff,", "\"\\xff,\""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = entries_of_one(rows[i].word);
        char expected[200];
        uint64_t hash = hmap_hash_string(&rows[i].word, sizeof(char *), 1);
        snprintf(expected, sizeof(expected),
                 "array,bucket,chain_index,slot,tophash,key,value\nbuckets,0,0,0,%u,%s,-5\n",
                 tophash_of(hash), rows[i].field);
        assert_string_equal(text, expected);
        free(text);
    }
}

static void test_map_without_buckets_has_the_header_row_alone(void **state)
{
    (void)state;
    struct hmap *map = hmap_create(&numbers.type, NULL);
    char *text = text_of_occupancy(map);
    assert_string_equal(text,
                        "array,bucket,address,chain,slots,live,deleted,empty,evacuated,geometry\n");
    free(text);
    text = text_of_entries(map);
    assert_string_equal(text, "array,bucket,chain_index,slot,tophash,key,value\n");
    free(text);
    hmap_destroy(map);
}

/* Each row adds up, the rows add up to the count, and they are in order; during growth too. */
static void test_occupancy_adds_up(void **state)
{
    (void)state;
    struct hmap *map = hmap_create(&numbers.type, NULL);
    size_t growing = 0, evacuated_rows = 0, deleted_cells = 0;
    for (int64_t key = 0; key < 800; key++) {
        hmap_put(map, &key, &key);
        if (key % 3 == 0) {
            int64_t gone = key / 2;
            hmap_delete(map, &gone);
        }
        char *text = text_of_occupancy(map);
        size_t sum = 0, expected_index = 0, n = 0;
        bool old = false;
        char *line = strchr(text, '\n') + 1;
        while (*line != '\0') {
            char array[16];
            size_t bucket, chain, slots, live, deleted, empty;
            unsigned evacuated;
            unsigned long long address;
            assert_int_equal(sscanf(line, "%15[a-z],%zu,0x%llx,%zu,%zu,%zu,%zu,%zu,%u", array,
                                    &bucket, &address, &chain, &slots, &live, &deleted, &empty,
                                    &evacuated),
                             9);
            if (strcmp(array, "oldbuckets") == 0 && !old) {
                old = true;
                expected_index = 0;
            }
            assert_string_equal(array, old ? "oldbuckets" : "buckets");
            assert_int_equal(bucket, expected_index++);
            struct bmap *buckets = old ? map->oldbuckets : map->buckets;
            assert_int_equal(address, (uintptr_t)bucket_at(map->type, buckets, bucket));
            assert_int_equal(slots, 8 * chain);
            assert_int_equal(live + deleted + empty, evacuated ? 0 : slots);
            sum += live;
            deleted_cells += deleted;
            evacuated_rows += evacuated;
            n++;
            line = strchr(line, '\n') + 1;
        }
        assert_int_equal(sum, hmap_count(map));
        assert_int_equal(old, is_growing(map));
        size_t old_n = is_growing_same_size(map) ? bucket_count(map->B) : bucket_count(map->B) / 2;
        assert_int_equal(n, bucket_count(map->B) + (old ? old_n : 0));
        growing += old;
        free(text);
    }
    assert_true(growing > 10 && evacuated_rows > 10 && deleted_cells > 10);
    hmap_destroy(map);
}

static void test_entries_hold_each_entry_once(void **state)
{
    (void)state;
    struct hmap *map = hmap_create(&numbers.type, NULL);
    for (int64_t key = 0; key < 500; key++) {
        int64_t value = 3 * key;
        hmap_put(map, &key, &value);
        if (key % 25 != 0 && !is_growing(map))
            continue;
        char *text = text_of_entries(map);
        bool met[500] = {false};
        int64_t n = 0;
        for (char *line = strchr(text, '\n') + 1; *line != '\0'; line = strchr(line, '\n') + 1) {
            long long found, elem;
            assert_int_equal(sscanf(line, "%*[a-z],%*u,%*u,%*u,%*u,%lld,%lld", &found, &elem), 2);
            assert_true(found >= 0 && found <= key && !met[found]);
            assert_int_equal(elem, 3 * found);
            met[found] = true;
            n++;
        }
        assert_int_equal(n, key + 1);
        free(text);
    }
    hmap_destroy(map);
}

static void test_writers_tell_of_a_failed_stream(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL)
        skip();
    setvbuf(full, NULL, _IONBF, 0);
    struct hmap *map = hmap_create(&word_double.type, NULL);
    const char *word = "word";
    double number = 0.5;
    hmap_put(map, &word, &number);
    assert_false(hmap_write_occupancy(map, full));
    assert_false(hmap_write_entries(map, full));
    fclose(full);
    hmap_destroy(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writers_are_chosen_by_type),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_floating_point),
        cmocka_unit_test(test_doubles_are_written_as_python_does),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_entries_quote_as_rfc_4180_asks),
        cmocka_unit_test(test_map_without_buckets_has_the_header_row_alone),
        cmocka_unit_test(test_occupancy_adds_up),
        cmocka_unit_test(test_entries_hold_each_entry_once),
        cmocka_unit_test(test_writers_tell_of_a_failed_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
