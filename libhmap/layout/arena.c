/*
 * arena.c - a list of blocks, each used from front to back.
 */
#include "arena.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 16, ALIGNMENT = 16 };

struct arena_block {
    struct arena_block *next;
    _Alignas(ALIGNMENT) char bytes[];
};

static _Noreturn void out_of_memory(void)
{
    fputs("hmap-layout: out of memory\n", stderr);
    exit(2);
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2)
        out_of_memory();
    if (bytes == 0)
        bytes = 1; /* also nothing has an address */
    bytes = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (bytes > arena->left) {
        size_t room = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
        struct arena_block *block = calloc(1, sizeof(*block) + room);
        if (block == NULL)
            out_of_memory();
        block->next = arena->blocks;
        arena->blocks = block;
        /* The rest of the block before it stays unused: most pieces are small. */
        arena->free = block->bytes;
        arena->left = room;
    }
    arena->used += bytes;
    if (arena->limit != 0 && arena->used > arena->limit)
        arena_fail(arena, "names and types take over %zu MiB, too much for files of this size",
                   arena->limit >> 20);
    void *memory = arena->free;
    arena->free += bytes;
    arena->left -= bytes;
    return memory;
}

void *arena_grow(struct arena *arena, const void *array, size_t count, size_t room, size_t size)
{
    void *grown = arena_alloc(arena, room, size);
    if (count > 0)
        memcpy(grown, array, count * size);
    return grown;
}

char *arena_copy(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1, 1);
    memcpy(copy, text, length);
    return copy;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        out_of_memory();
    char *text = arena_alloc(arena, (size_t)length + 1, 1);
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

void arena_release(struct arena *arena)
{
    while (arena->blocks != NULL) {
        struct arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    arena->free = NULL;
    arena->left = 0;
}

bool arena_fail(struct arena *arena, const char *format, ...)
{
    if (!arena->failed) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(arena->error, sizeof(arena->error), format, arguments);
        va_end(arguments);
        /* What a file says may be in it: it stays one line, and no command to a terminal. */
        for (char *at = arena->error; *at != '\0'; at++)
            if (iscntrl((unsigned char)*at))
                *at = '?';
        arena->failed = true;
    }
    return false;
}
