/* held.c - maps of libhmap, and by how much each has made malloc's chunks grow. */
#include <malloc.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hmap/hmap.h"

typedef struct {
    char bytes[200];
} large;
typedef struct {
    alignas(64) char bytes[192];
} aligned;

HMAP_TYPE_INT64(numbers, int64_t);
HMAP_TYPE_INT64(boxed, large);
HMAP_TYPE_INT64(lines, aligned);

static size_t in_use; /* bytes of chunks */

static size_t chunk(void *block)
{
    /* malloc's own word. NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
    int is_mapped = (((size_t *)block)[-1] & 2) != 0;
    size_t size = malloc_usable_size(block) + (is_mapped ? 2 : 1) * sizeof(size_t);
    /* From glibc 2.43 on, the last word of a mapping of its own is not counted. */
    return is_mapped ? (size + 4095) / 4096 * 4096 : size;
}

static void *allocate(void *context, size_t alignment, size_t size)
{
    void *block = alignment <= 16
                      ? malloc(size)
                      : aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    (void)context;
    in_use += chunk(block);
    return memset(block, 0, size);
}

static void release(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    in_use -= chunk(memory);
    free(memory);
}

static char room[1 << 20];
static size_t used;

static void *take(void *context, size_t alignment, size_t size)
{
    (void)context;
    used = (used + alignment - 1) / alignment * alignment;
    used += size;
    return room + used - size;
}

static void forget(void *context, void *memory, size_t size)
{
    (void)context;
    (void)memory;
    (void)size;
}

struct hmap *empty, *small, *chained, *growing, *mapped, *boxes, *boxes_of_lines, *pooled, *plain;

void stop(void)
{
    __asm__ volatile("" : : : "memory");
}

static struct hmap *filled(const char *name, const struct hmap_type *type, int64_t count,
                           size_t hint)
{
    static const struct hmap_allocator counting = {allocate, release, NULL};
    static const aligned elem;
    struct hmap_options options = {.allocator = &counting, .hint = hint, .fixed_seed = true};
    size_t before = in_use;
    struct hmap *map = hmap_create(type, &options);
    for (int64_t i = 0; i < count; i++)
        hmap_put(map, &i, &elem);
    printf("held %s %zu\n", name, in_use - before);
    return map;
}

int main(void)
{
    static const struct hmap_allocator pool = {take, forget, NULL};
    struct hmap_options options = {.allocator = &pool};
    setvbuf(stdout, NULL, _IOLBF, 4096);
    empty = filled("empty", &numbers.type, 0, 0);
    small = filled("small", &numbers.type, 5, 0);
    chained = filled("chained", &numbers.type, 3000, 3000);
    growing = filled("growing", &numbers.type, 6 * 1024 + 600, 0);
    mapped = filled("mapped", &numbers.type, 20, 100000);
    boxes = filled("boxes", &boxed.type, 100, 100);
    boxes_of_lines = filled("boxes_of_lines", &lines.type, 100, 100);
    pooled = hmap_create(&numbers.type, &options);
    plain = hmap_create(&numbers.type, NULL);
    for (int64_t i = 0; i < 100; i++) {
        hmap_put(pooled, &i, &i);
        hmap_put(plain, &i, &i);
    }
    stop();
    return 0;
}
