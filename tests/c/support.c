#include "support.h"

#include <sys/time.h>

/* Stores the size before each block, and overwrites what is released. */
static void *test_allocate(void *context, size_t alignment, size_t size)
{
    struct test_allocator *test = context;
    assert_true(size > 0);
    assert_true(alignment != 0 && (alignment & (alignment - 1)) == 0);
    test->calls++;
    if (test->fail_from != 0 && test->calls >= test->fail_from &&
        test->calls - test->fail_from < test->fail_count)
        return NULL;
    size_t before = alignment > 2 * sizeof(size_t) ? alignment : 2 * sizeof(size_t);
    size_t total = (before + size + before - 1) / before * before;
    char *memory = aligned_alloc(before, total);
    if (memory == NULL)
        return NULL;
    memset(memory, 0, total);
    memcpy(memory + before - sizeof(size), &size, sizeof(size));
    memcpy(memory + before - 2 * sizeof(size), &before, sizeof(before));
    test->live++;
    test->live_bytes += size;
    return memory + before;
}

static void test_release(void *context, void *memory, size_t size)
{
    struct test_allocator *test = context;
    size_t before, allocated;
    memcpy(&allocated, (char *)memory - sizeof(allocated), sizeof(allocated));
    memcpy(&before, (char *)memory - 2 * sizeof(before), sizeof(before));
    assert_int_equal(size, allocated);
    test->live--;
    test->live_bytes -= size;
    memset(memory, 0xdd, size);
    free((char *)memory - before);
}

void test_allocator_init(struct test_allocator *test)
{
    *test = (struct test_allocator){.allocator = {test_allocate, test_release, test}};
}

static void print_problem(void *context, const struct hmap_problem *problem)
{
    (void)context;
    fprintf(stderr, "I%u at %p: %s\n", problem->invariant, problem->address, problem->text);
}

void limit_time(unsigned seconds)
{
    const struct itimerval timer = {.it_value = {.tv_sec = (time_t)seconds}};
    assert_int_equal(setitimer(ITIMER_PROF, &timer, NULL), 0);
}

void assert_sound_at(const struct hmap *map, const char *file, int line)
{
    if (hmap_check(map, NULL, NULL) == 0)
        return;
    hmap_check(map, print_problem, NULL);
    _fail(file, line);
}

static char *text_of_map(const struct hmap *map, bool (*write)(const struct hmap *, FILE *))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_true(write(map, out));
    assert_int_equal(fclose(out), 0);
    return text;
}

char *text_of_occupancy(const struct hmap *map)
{
    return text_of_map(map, hmap_write_occupancy);
}

char *text_of_entries(const struct hmap *map)
{
    return text_of_map(map, hmap_write_entries);
}

char *text_of_value(hmap_write_fn *write, const void *value, size_t size)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    write(out, value, size);
    assert_int_equal(fclose(out), 0);
    return text;
}
