/*
 * support.h - what all tests share: cmocka, an allocator that counts and fails, checks of maps.
 */
#ifndef HMAP_TEST_SUPPORT_H
#define HMAP_TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bucket.h"
#include "hmap_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- random numbers, the same in each run ---------------------------------------------------- */

static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline size_t random_below(uint64_t *state, size_t n)
{
    return (size_t)(next_random(state) % n);
}

/* ---- an allocator that counts, checks and fails ---------------------------------------------- */

struct test_allocator {
    struct hmap_allocator allocator;
    size_t calls;      /* allocations asked for */
    size_t live;       /* allocations not released yet */
    size_t live_bytes; /* their bytes */
    size_t fail_from;  /* the first call that fails, counted from 1; 0: none */
    size_t fail_count; /* how many calls fail from there */
};

/* Also checks alignment, and that release() gets the size that allocate() got. */
void test_allocator_init(struct test_allocator *test);

/* ---- time ------------------------------------------------------------------------------------ */

/* Ends the program by SIGPROF after that much processor time; 0: no limit. */
void limit_time(unsigned seconds);

/* ---- maps ------------------------------------------------------------------------------------ */

/* Prints all problems and fails the test unless hmap_check() finds none. */
#define assert_sound(map) assert_sound_at((map), __FILE__, __LINE__)
void assert_sound_at(const struct hmap *map, const char *file, int line);

/* What a writer writes; free() it. */
char *text_of_occupancy(const struct hmap *map);
char *text_of_entries(const struct hmap *map);
char *text_of_value(hmap_write_fn *write, const void *value, size_t size);

static inline bool is_growing(const struct hmap *map)
{
    return map->oldbuckets != NULL;
}

static inline bool is_growing_same_size(const struct hmap *map)
{
    return map->oldbuckets != NULL && (map->flags & HMAP_FLAG_SAME_SIZE_GROW);
}

#endif /* HMAP_TEST_SUPPORT_H */
