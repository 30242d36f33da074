/*
 * arena.h - memory that is freed all at once, and the one error of a run.
 *
 * Everything that a run builds is in one arena. Only the first error is kept: once `failed` is set
 * functions return false, NULL or nothing useful, so callers need not check at once.
 */
#ifndef HMAP_LAYOUT_ARENA_H
#define HMAP_LAYOUT_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks;
    char *free; /* unused part of the newest block */
    size_t left;
    size_t used;  /* bytes given out so far */
    size_t limit; /* more is an error; 0: there is no limit */
    bool failed;
    char error[8192]; /* with two paths in it */
};

/* Zeroed memory for `count` times `size` bytes. Never NULL: out of memory, the program exits. Above
 * the limit it sets the error, and is there nevertheless. */
void *arena_alloc(struct arena *arena, size_t count, size_t size) __attribute__((returns_nonnull));

/* A copy of an array of `count` elements, with room for `room`. */
void *arena_grow(struct arena *arena, const void *array, size_t count, size_t room, size_t size)
    __attribute__((returns_nonnull));

char *arena_copy(struct arena *arena, const char *text, size_t length);
char *arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Frees everything. */
void arena_release(struct arena *arena);

/* Sets the error, one line without "hmap-layout:", unless there is one already. Returns false. */
bool arena_fail(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif /* HMAP_LAYOUT_ARENA_H */
