/* The registry: newest first, valid from every thread, and unlinked before a map is freed. */
#include "support.h"

#include <pthread.h>

HMAP_TYPE_INT64(numbers, int64_t);

static size_t walk(void)
{
    size_t n = 0;
    const struct hmap *prev = NULL;
    for (const struct hmap *map = hmap_registry.first; map != NULL; map = map->registry_next) {
        assert_ptr_equal(map->registry_prev, prev);
        prev = map;
        n++;
    }
    assert_int_equal(n, hmap_registry.count);
    return n;
}

static void test_maps_are_linked_newest_first(void **state)
{
    (void)state;
    assert_int_equal(walk(), 0);
    struct hmap *maps[3];
    for (unsigned i = 0; i < 3; i++)
        maps[i] =
            hmap_create(&numbers.type, &(struct hmap_options){.name = i == 1 ? "middle" : NULL});
    assert_ptr_equal(hmap_registry.first, maps[2]);
    assert_ptr_equal(maps[2]->registry_next, maps[1]);
    assert_string_equal(maps[1]->name, "middle");
    assert_null(maps[0]->name);
    hmap_destroy(maps[1]);
    assert_int_equal(walk(), 2);
    hmap_destroy(maps[2]);
    assert_int_equal(walk(), 1);
    hmap_destroy(maps[0]);
    assert_int_equal(walk(), 0);
}

static void test_failed_create_is_not_linked(void **state)
{
    (void)state;
    struct test_allocator memory;
    for (size_t at = 1; at <= 3; at++) {
        test_allocator_init(&memory);
        memory.fail_from = at;
        memory.fail_count = 1;
        assert_null(hmap_create(
            &numbers.type, &(struct hmap_options){
                               .name = "some name", .hint = 100, .allocator = &memory.allocator}));
        assert_int_equal(memory.live, 0);
        assert_int_equal(walk(), 0);
    }
}

__attribute__((noinline)) static struct hmap *create_here(void **address)
{
    struct hmap *map = hmap_create(&numbers.type, NULL);
    *address = __builtin_return_address(0);
    return map;
}

static void test_creation_site_lies_in_the_caller(void **state)
{
    (void)state;
    void *unused;
    struct hmap *map = create_here(&unused);
    uintptr_t at = (uintptr_t)map->created_at, function = (uintptr_t)create_here;
    assert_true(at > function && at - function < 512);
    hmap_destroy(map);
}

enum { THREADS = 4, MAPS = 16, ROUNDS = 300 };

static void *create_and_destroy(void *argument)
{
    struct hmap *maps[MAPS] = {NULL};
    uint64_t random = (uint64_t)(uintptr_t)argument;
    for (unsigned round = 0; round < ROUNDS * MAPS; round++) {
        size_t i = random_below(&random, MAPS);
        if (maps[i] == NULL) {
            maps[i] = hmap_create(&numbers.type, NULL);
            for (int64_t key = 0; key < 10; key++)
                hmap_put(maps[i], &key, &key);
        } else {
            hmap_destroy(maps[i]);
            maps[i] = NULL;
        }
    }
    for (unsigned i = 0; i < MAPS; i++)
        hmap_destroy(maps[i]);
    return NULL;
}

static void test_threads_create_and_destroy(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, create_and_destroy, (void *)(i + 1)), 0);
    for (unsigned i = 0; i < 2000; i++) {
        /* Under the lock the list is complete. */
        pthread_mutex_lock(&hmap_registry.lock);
        size_t n = 0;
        for (const struct hmap *map = hmap_registry.first; map != NULL; map = map->registry_next)
            n++;
        size_t count = hmap_registry.count;
        pthread_mutex_unlock(&hmap_registry.lock);
        assert_int_equal(n, count);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(walk(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_maps_are_linked_newest_first),
        cmocka_unit_test(test_failed_create_is_not_linked),
        cmocka_unit_test(test_creation_site_lies_in_the_caller),
        cmocka_unit_test(test_threads_create_and_destroy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
