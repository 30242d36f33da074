/*
 * create.c - create, clear, destroy (runtime/map.go makemap(), mapclear()).
 */
#include "hash.h"
#include "map.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

/* ---- create and destroy ---------------------------------------------------------------------- */

static void *default_allocate(void *context, size_t alignment, size_t size)
{
    (void)context;
    /* calloc() does not touch large arrays: the kernel gives them zeroed. */
    if (alignment <= _Alignof(max_align_t))
        return calloc(1, size);
    if (__builtin_add_overflow(size, alignment - 1, &size))
        return NULL;
    size &= ~(alignment - 1);
    void *memory = aligned_alloc(alignment, size);
    if (memory != NULL)
        memset(memory, 0, size);
    return memory;
}

static void default_release(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    free(memory);
}

static uint64_t process_random(const void *salt)
{
    uint64_t random;
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) == (ssize_t)sizeof(random))
        return random;
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return ((uint64_t)now.tv_nsec << 32) ^ (uint64_t)now.tv_sec ^ (uint64_t)(uintptr_t)salt;
}

static enum hmap_key_kind key_kind_of(const struct hmap_type *type)
{
    if (type->hash == hmap_hash_4 && type->equal == hmap_equal_4 && type->key_size == 4)
        return HMAP_KEY_4;
    if (type->hash == hmap_hash_8 && type->equal == hmap_equal_8 && type->key_size == 8)
        return HMAP_KEY_8;
    if (type->hash == hmap_hash_string && type->equal == hmap_equal_string &&
        type->key_size == sizeof(char *))
        return HMAP_KEY_STRING;
    return HMAP_KEY_GENERIC;
}

void hmap_reseed(struct hmap *map)
{
    if (!(flags_load(map) & HMAP_FLAG_FIXED_SEED) && map->niterators == 0)
        map->hash0 = hmap_random(map);
}

/* Not inlined, so that its return address is the creation site. */
__attribute__((noinline)) struct hmap *hmap_create(const struct hmap_type *type,
                                                   const struct hmap_options *options)
{
    static const struct hmap_options default_options;
    static const struct hmap_allocator default_allocator = {default_allocate, default_release,
                                                            NULL};
    if (options == NULL)
        options = &default_options;
    const struct hmap_allocator *allocator =
        options->allocator != NULL ? options->allocator : &default_allocator;

    struct hmap *map = hmap_memory_allocate(allocator, _Alignof(struct hmap), sizeof(*map));
    if (map == NULL)
        return NULL;
    map->type = type;
    map->allocator = *allocator;
    map->key_kind = (uint8_t)key_kind_of(type);
    map->created_at = __builtin_return_address(0);
    if (options->fixed_seed) {
        map->flags = HMAP_FLAG_FIXED_SEED;
        map->hash0 = options->seed;
        map->random = options->seed;
    } else {
        map->random = process_random(map);
        map->hash0 = hmap_random(map);
    }
    if (options->name != NULL) {
        size_t size = strlen(options->name) + 1;
        map->name = hmap_memory_allocate(allocator, 1, size);
        if (map->name == NULL)
            goto fail;
        memcpy(map->name, options->name, size);
    }
    while (map->B < 8 * sizeof(size_t) - 1 && load_is_over(options->hint, map->B))
        map->B++;
    /* The one bucket of B = 0 is allocated by the first write. */
    if (map->B != 0) {
        map->buckets = hmap_array_new(map, map->B);
        if (map->buckets == NULL)
            goto fail;
        map->nextOverflow = hmap_array_first_spare(type, array_of(map->buckets));
    }
    hmap_registry_add(map);
    return map;

fail:
    hmap_free(map);
    return NULL;
}

static void array_free_all(struct hmap *map, struct hmap_array *array)
{
    if (type_has_boxes(map->type))
        hmap_array_end_boxes(map, array);
    hmap_array_free_chains(map, array);
    hmap_array_free(map, array);
}

void hmap_free(struct hmap *map)
{
    struct hmap_allocator allocator = map->allocator;
    if (map->oldbuckets != NULL)
        array_free_all(map, array_of(map->oldbuckets));
    if (map->buckets != NULL)
        array_free_all(map, array_of(map->buckets));
    while (map->retired != NULL) {
        struct hmap_array *array = map->retired;
        map->retired = array->next;
        array_free_all(map, array);
    }
    hmap_graveyard_free(map);
    if (map->name != NULL)
        hmap_memory_release(&allocator, map->name, strlen(map->name) + 1);
    hmap_memory_release(&allocator, map, sizeof(*map));
}

/* runtime/map.go mapclear(). Arrays that iterators walk keep their chains, all cells emptyRest, so
 * that an iterator finds neither an entry in them nor a stale key to look up. */
static void map_empty(struct hmap *map)
{
    const struct hmap_type *type = map->type;
    for (struct hmap_array *array = map->retired; array != NULL; array = array->next)
        hmap_array_mark_empty(map, array);
    if (map->oldbuckets != NULL) {
        struct hmap_array *old = array_of(map->oldbuckets);
        if (type_has_boxes(type))
            hmap_array_end_boxes(map, old);
        if (old->pins > 0)
            hmap_array_mark_empty(map, old);
        else
            hmap_array_free_chains(map, old);
        map->oldbuckets = NULL;
        hmap_array_retire(map, old);
    }
    flags_store(map, flags_load(map) & ~(unsigned)HMAP_FLAG_SAME_SIZE_GROW);
    map->nevacuate = 0;
    if (map->buckets != NULL) {
        struct hmap_array *array = array_of(map->buckets);
        if (type_has_boxes(type))
            hmap_array_end_boxes(map, array);
        if (array->pins > 0) {
            hmap_array_mark_empty(map, array);
        } else {
            hmap_array_free_chains(map, array);
            hmap_array_reset(type, array);
            map->nextOverflow = hmap_array_first_spare(type, array);
            map->noverflow = 0;
        }
    }
    map->count = 0;
    hmap_reseed(map);
}

void hmap_clear(struct hmap *map)
{
    write_check(map);
    if (map->count == 0)
        return;
    write_begin(map);
    map_empty(map);
    write_end(map);
}

void hmap_destroy(struct hmap *map)
{
    if (map == NULL)
        return;
    write_begin(map);
    hmap_registry_remove(map);
    if (map->niterators == 0) {
        hmap_free(map);
        return;
    }
    map_empty(map);
    flags_store(map, flags_load(map) | HMAP_FLAG_DESTROYED);
    write_end(map);
}
