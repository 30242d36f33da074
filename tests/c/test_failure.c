/* Memory runs out at each allocation in turn: the entries stay, and the map stays consistent. */
#include "rig.h"

/* After each step while memory fails and for a while after, otherwise now and then. */
static void check_around_failures(const struct rig *rig, unsigned key)
{
    size_t calls = rig->memory.calls, from = rig->memory.fail_from;
    bool near = calls >= from && calls - from <= rig->memory.fail_count + 3;
    if (near || key % 16 == 0)
        assert_sound(rig->map);
}

/* A fixed script, run to its end whatever fails. Returns the number of allocations. */
static size_t run_script(const struct rig_kind *kind, size_t fail_from, size_t fail_count,
                         size_t hint, bool iterators, size_t *failures)
{
    static struct rig rig;
    memset(&rig, 0, sizeof(rig));
    rig.memory.fail_from = fail_from;
    rig.memory.fail_count = fail_count;
    if (!rig_init(&rig, kind, 11, hint)) {
        ++*failures;
        return rig.memory.calls;
    }
    if (iterators)
        rig_open(&rig, 0);
    for (unsigned key = 0; key < 150; key++) {
        rig_insert(&rig, key);
        check_around_failures(&rig, key);
        if (key % 3 == 0)
            rig_delete(&rig, key / 2);
        if (iterators && key == 60)
            rig_open(&rig, 1);
        /* Updates of present keys never fail, and neither do deletes: rig.c asserts both. */
        rig_insert(&rig, key / 3);
        check_around_failures(&rig, key);
    }
    rig_verify(&rig);
    if (iterators) {
        rig_walk(&rig, 0, 20);
        rig_walk(&rig, 1, 20);
    }
    for (unsigned key = 0; key < 150; key++)
        if (key % 8 != 0)
            rig_delete(&rig, key);
    assert_sound(rig.map);
    for (unsigned key = 150; key < 260; key++) {
        rig_insert(&rig, key);
        check_around_failures(&rig, key);
    }
    if (iterators && rig.iterators[0].open)
        rig_walk(&rig, 0, RIG_KEYS);
    rig_clear(&rig);
    for (unsigned key = 0; key < 30; key++)
        rig_insert(&rig, key);
    rig_verify(&rig);
    *failures += rig.seen.failures;
    size_t calls = rig.memory.calls;
    rig_fini(&rig);
    return calls;
}

static void fail_everywhere(size_t fail_count, size_t hint, bool iterators, size_t stride)
{
    for (size_t i = 0; i < rig_kind_count; i++) {
        size_t failures = 0;
        size_t calls = run_script(&rig_kinds[i], 0, 0, hint, iterators, &failures);
        assert_int_equal(failures, 0);
        for (size_t at = 1; at <= calls; at += at < 50 ? 1 : stride)
            run_script(&rig_kinds[i], at, fail_count, hint, iterators, &failures);
        print_message("%s: %zu allocations, %zu refusals\n", rig_kinds[i].name, calls, failures);
        assert_true(failures > 0);
    }
}

static void test_one_failure_at_each_allocation(void **state)
{
    (void)state;
    fail_everywhere(1, 0, false, 1);
}

static void test_a_run_of_failures_from_each_allocation(void **state)
{
    (void)state;
    fail_everywhere(60, 0, false, 9);
}

static void test_failures_with_open_iterators(void **state)
{
    (void)state;
    fail_everywhere(25, 0, true, 5);
}

static void test_failures_with_a_hint(void **state)
{
    (void)state;
    fail_everywhere(3, 100, false, 7);
}

HMAP_TYPE_INT64(numbers, int64_t);

/* No memory for an old chain of two buckets: its entries can still be read, changed and deleted. */
static void test_old_chain_stays_usable_when_it_cannot_be_evacuated(void **state)
{
    (void)state;
    struct test_allocator memory;
    test_allocator_init(&memory);
    struct hmap *map = hmap_create(
        &numbers.type,
        &(struct hmap_options){.allocator = &memory.allocator, .fixed_seed = true, .seed = 1});
    int64_t key = 0;
    /* Arrays have no spare buckets up to B = 3. All keys go into one bucket, before growth to B = 3
     * and after. */
    const uint64_t mask = 7;
    int64_t keys[12];
    unsigned n = 0;
    for (; n < 12; key++)
        if ((hmap_hash_8(&key, sizeof(key), 1) & mask) == 1)
            keys[n++] = key;
    for (unsigned i = 0; i < 12; i++)
        assert_non_null(hmap_put(map, &keys[i], &keys[i]));
    /* Other keys, until growth to B = 3 starts. */
    for (key = 1000; map->B < 3; key++) {
        if ((hmap_hash_8(&key, sizeof(key), 1) & 3) != 1) {
            if (map->count == 26)
                memory.fail_from = memory.calls + 2; /* the new array, then nothing */
            memory.fail_count = SIZE_MAX / 2;
            assert_non_null(hmap_put(map, &key, &key));
        }
    }
    assert_true(is_growing(map));
    size_t count = hmap_count(map);
    struct bmap *old = bucket_at(map->type, map->oldbuckets, 1);
    assert_false(bucket_is_evacuated(old));
    int64_t absent = keys[11] + 1;
    while ((hmap_hash_8(&absent, sizeof(absent), 1) & mask) != 1)
        absent++;
    assert_null(hmap_put(map, &absent, &absent));
    assert_sound(map);
    assert_false(bucket_is_evacuated(old));
    for (unsigned i = 0; i < 12; i++) {
        int64_t value = -keys[i];
        assert_non_null(hmap_put(map, &keys[i], &value));
        assert_int_equal(*(int64_t *)hmap_get(map, &keys[i]), value);
        assert_sound(map);
    }
    assert_false(bucket_is_evacuated(old));
    assert_true(hmap_delete(map, &keys[3]));
    assert_null(hmap_get(map, &keys[3]));
    assert_false(hmap_delete(map, &absent));
    assert_int_equal(hmap_count(map), count - 1);
    assert_sound(map);
    /* With memory again, growth continues. */
    memory.fail_from = 0;
    assert_non_null(hmap_put(map, &absent, &absent));
    assert_true(!is_growing(map) || bucket_is_evacuated(old));
    assert_sound(map);
    hmap_destroy(map);
    assert_int_equal(memory.live, 0);
}

/* Growth that cannot get its array is put off, and inserts continue. */
static void test_growth_is_put_off_without_memory(void **state)
{
    (void)state;
    struct test_allocator memory;
    test_allocator_init(&memory);
    struct hmap *map = hmap_create(
        &numbers.type,
        &(struct hmap_options){
            .allocator = &memory.allocator, .hint = 13 << 4, .fixed_seed = true, .seed = 5});
    int64_t key = 0;
    for (; map->count < 13 << 4; key++)
        assert_non_null(hmap_put(map, &key, &key));
    assert_int_equal(map->B, 5);
    memory.fail_from = memory.calls + 1;
    memory.fail_count = SIZE_MAX / 2;
    size_t refused = 0;
    for (int64_t end = key + 40; key < end; key++)
        refused += hmap_put(map, &key, &key) == NULL;
    assert_int_equal(map->B, 5);
    assert_true(refused < 40);
    assert_sound(map);
    memory.fail_from = 0;
    assert_non_null(hmap_put(map, &key, &key));
    assert_int_equal(map->B, 6);
    assert_sound(map);
    hmap_destroy(map);
    assert_int_equal(memory.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_failure_at_each_allocation),
        cmocka_unit_test(test_a_run_of_failures_from_each_allocation),
        cmocka_unit_test(test_failures_with_open_iterators),
        cmocka_unit_test(test_failures_with_a_hint),
        cmocka_unit_test(test_old_chain_stays_usable_when_it_cannot_be_evacuated),
        cmocka_unit_test(test_growth_is_put_off_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
