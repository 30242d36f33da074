/*
 * Threads. Overlapping calls are a bug of the program; that they are detected must not be one of the
 * library: built with -fsanitize=thread (preset tsan), this finds no data race in the detection.
 */
#include "support.h"

#include <pthread.h>
#include <sched.h>

enum { SECONDS = 120, THREADS = 4, ROUNDS = 200 };

/* Relaxed: nothing that one thread has written is thereby known to the other, so that the sanitizer
 * sees each access that the library does not order itself. */
static int load(const int *at)
{
    return __atomic_load_n(at, __ATOMIC_RELAXED);
}

static void store(int *at, int value)
{
    __atomic_store_n(at, value, __ATOMIC_RELAXED);
}

/* ---- a writer that stays in its write until the other thread has called ----------------------- */

static int is_inside;
static int is_called;
static int is_armed;

static bool equal_that_waits(const void *a, const void *b, size_t size)
{
    if (load(&is_armed)) {
        store(&is_inside, 1);
        while (!load(&is_called))
            sched_yield();
    }
    return hmap_equal_8(a, b, size);
}

HMAP_TYPE(waiting, int64_t, int64_t, hmap_hash_8, equal_that_waits);

static struct hmap *shared;
static struct hmap_iter shared_iter;

static void *write_slowly(void *how)
{
    int64_t key = 1;
    if (*(bool *)how)
        hmap_delete(shared, &key);
    else
        hmap_put(shared, &key, &key);
    return NULL;
}

static _Thread_local jmp_buf caught;
static _Thread_local const char *caught_message;

static void leave(const struct hmap *map, const char *message)
{
    (void)map;
    caught_message = message;
    longjmp(caught, 1);
}

static void put(void)
{
    int64_t key = 4711;
    hmap_put(shared, &key, &key);
}

static void put_at(void)
{
    int64_t key = 4711;
    bool inserted = false;
    hmap_at(shared, &key, &inserted);
}

static void delete (void)
{
    int64_t key = 4711;
    hmap_delete(shared, &key);
}

static void clear(void)
{
    hmap_clear(shared);
}

static void destroy(void)
{
    hmap_destroy(shared);
}

static void get(void)
{
    int64_t key = 4711;
    hmap_get(shared, &key);
}

static void iterate(void)
{
    struct hmap_iter iter;
    hmap_iter_init(&iter, shared);
}

static void next(void)
{
    hmap_iter_next(&shared_iter);
}

static void fini(void)
{
    hmap_iter_fini(&shared_iter);
}

static const struct {
    void (*call)(void);
    const char *message;
} calls[] = {
    {put, "concurrent map writes"},
    {put_at, "concurrent map writes"},
    {delete, "concurrent map writes"},
    {clear, "concurrent map writes"},
    {destroy, "concurrent map writes"},
    {get, "concurrent map read and map write"},
    {iterate, "concurrent map iteration and map write"},
    {next, "concurrent map iteration and map write"},
    {fini, "concurrent map iteration and map write"},
};

static void overlap(size_t which, bool by_delete)
{
    pthread_t writer;
    int64_t key = 1;
    bool how = by_delete;
    store(&is_armed, 0);
    store(&is_inside, 0);
    store(&is_called, 0);
    shared = hmap_create(&waiting.type, NULL);
    hmap_put(shared, &key, &key);
    /* Without one, the writer that deletes the only key also draws another seed. */
    bool is_iterating = calls[which].call == next || calls[which].call == fini;
    if (is_iterating)
        hmap_iter_init(&shared_iter, shared);
    store(&is_armed, 1);
    assert_int_equal(pthread_create(&writer, NULL, write_slowly, &how), 0);
    while (!load(&is_inside))
        sched_yield();
    caught_message = NULL;
    if (setjmp(caught) == 0)
        calls[which].call();
    store(&is_armed, 0);
    store(&is_called, 1);
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_non_null(caught_message);
    assert_string_equal(caught_message, calls[which].message);
    /* The writer knew nothing of the call that was refused, and that call has changed nothing. */
    assert_sound(shared);
    assert_int_equal(hmap_count(shared), !by_delete);
    if (is_iterating)
        hmap_iter_fini(&shared_iter);
    hmap_destroy(shared);
}

static void test_each_call_during_a_write_is_detected(void **state)
{
    (void)state;
    assert_null(hmap_set_fatal_handler(leave));
    for (volatile size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        overlap(i, false);
        overlap(i, true);
    }
    assert_ptr_equal(hmap_set_fatal_handler(NULL), leave);
}

/* ---- what is allowed ------------------------------------------------------------------------- */

HMAP_TYPE_INT64(numbers, int64_t);

static void *use_own_maps(void *result)
{
    for (int64_t round = 0; round < ROUNDS; round++) {
        struct hmap *map = hmap_create(&numbers.type, NULL);
        for (int64_t key = 0; key < 50; key++)
            if (map == NULL || hmap_put(map, &key, &round) == NULL)
                return NULL;
        if (hmap_count(map) != 50)
            return NULL;
        hmap_destroy(map);
    }
    *(bool *)result = true;
    return NULL;
}

static void test_threads_with_maps_of_their_own(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    bool results[THREADS] = {false};
    size_t before = hmap_registry.count;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_own_maps, &results[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(results[i]);
    }
    assert_int_equal(hmap_registry.count, before);
}

static void *read_all(void *result)
{
    int64_t sum = 0;
    for (int64_t round = 0; round < ROUNDS; round++)
        for (int64_t key = 0; key < 100; key++) {
            const int64_t *elem = hmap_get(shared, &key);
            sum += elem == NULL ? -1 : *elem;
        }
    *(bool *)result = sum == (int64_t)ROUNDS * 99 * 50;
    return NULL;
}

static void test_threads_that_only_read(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    bool results[THREADS] = {false};
    shared = hmap_create(&numbers.type, NULL);
    for (int64_t key = 0; key < 100; key++)
        assert_non_null(hmap_put(shared, &key, &key));
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_all, &results[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(results[i]);
    }
    hmap_destroy(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_call_during_a_write_is_detected),
        cmocka_unit_test(test_threads_with_maps_of_their_own),
        cmocka_unit_test(test_threads_that_only_read),
    };
    limit_time(SECONDS);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
