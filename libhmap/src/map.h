/*
 * map.h - what the library's files call of one another. All names that the linker sees have the
 * prefix hmap_, since a static library cannot hide them; not all of them are public.
 */
#ifndef HMAP_MAP_H
#define HMAP_MAP_H

#include "bucket.h"

/* ---- array.c: bucket arrays, overflow buckets, boxes, the graveyard -------------------------- */

void *hmap_memory_allocate(const struct hmap_allocator *allocator, size_t alignment, size_t size);
void hmap_memory_release(const struct hmap_allocator *allocator, void *memory, size_t size);

/* An empty array of 2^B main buckets and its spare ones; NULL: out of memory. */
struct bmap *hmap_array_new(const struct hmap *map, uint8_t B);

/* The first spare bucket of an array that has not used any; NULL: it was made without. */
struct bmap *hmap_array_first_spare(const struct hmap_type *type, const struct hmap_array *array);

/* Makes all buckets empty and all spare buckets unused; the caller has freed the chains. */
void hmap_array_reset(const struct hmap_type *type, struct hmap_array *array);

/* Frees the allocated overflow buckets of one chain or of all, and unlinks them and spare ones. */
void hmap_chain_free_overflow(const struct hmap *map, const struct hmap_array *array,
                              struct bmap *main);
void hmap_array_free_chains(const struct hmap *map, const struct hmap_array *array);

/* Frees the array itself. */
void hmap_array_free(const struct hmap *map, struct hmap_array *array);

/* An unlinked overflow bucket from the allocator, or the next spare one of `buckets`; or NULL. */
struct bmap *hmap_overflow_allocate(const struct hmap *map);
struct bmap *hmap_overflow_take_spare(struct hmap *map);
size_t hmap_overflow_spares_left(const struct hmap *map);
void hmap_overflow_release(const struct hmap *map, struct bmap *b);

/* Links `overflow` to `b`, the end of a chain of `buckets`, and counts it. */
void hmap_overflow_link(struct hmap *map, struct bmap *b, struct bmap *overflow);

/* `size` zeroed bytes that follow a struct hmap_box; NULL: out of memory. */
void *hmap_box_new(const struct hmap *map, size_t size);
/* Frees what hmap_box_new() gave; while an iterator is open, puts it on the graveyard. NULL: does
 * nothing. */
void hmap_box_end(struct hmap *map, void *payload);
/* Frees it although iterators may be open: nothing refers to it yet. */
void hmap_box_free(const struct hmap *map, void *payload);
void hmap_graveyard_free(struct hmap *map);

/* hmap_box_end() for what slot `i` owns; its pointers become NULL. */
void hmap_cell_end_boxes(struct hmap *map, struct bmap *b, unsigned i);

/* The same for all live cells of the array's chains. */
void hmap_array_end_boxes(struct hmap *map, const struct hmap_array *array);

/* Makes every cell of the chains emptyRest, key and elem zero; the chains stay linked. */
void hmap_array_mark_empty(const struct hmap *map, const struct hmap_array *array);

/* Sets the two iterator flags by the pins (I15). */
void hmap_update_pin_flags(struct hmap *map);

/* The next number of the map's random generator. */
uint64_t hmap_random(struct hmap *map);

/* ---- growth.c -------------------------------------------------------------------------------- */

/* runtime/map.go overLoadFactor() */
static inline bool load_is_over(size_t count, uint8_t B)
{
    size_t limit;
    if (count <= HMAP_BUCKET_SLOTS)
        return false;
    if (__builtin_mul_overflow((size_t)HMAP_LOAD_FACTOR_NUM, bucket_count(B) / HMAP_LOAD_FACTOR_DEN,
                               &limit))
        return false;
    return count > limit;
}

/* runtime/map.go tooManyOverflowBuckets() */
static inline bool overflow_is_too_much(const struct hmap *map)
{
    unsigned B = map->B < 15 ? map->B : 15;
    return map->noverflow >= 1u << B;
}

/* Starts growth; false: out of memory, and nothing has changed. */
bool hmap_growth_start(struct hmap *map);

/*
 * Evacuates the old bucket of `bucket`, then one more. False: out of memory for the former, whose
 * entries are still in the old chain.
 */
bool hmap_growth_work(struct hmap *map, size_t bucket);

/* Puts an array that is no longer `buckets` or `oldbuckets` on the retired list, or frees it. */
void hmap_array_retire(struct hmap *map, struct hmap_array *array);

/* ---- create.c -------------------------------------------------------------------------------- */

/* Draws a new seed, unless it is fixed or an iterator is open. */
void hmap_reseed(struct hmap *map);

/* Frees all that the map holds, and the map. */
void hmap_free(struct hmap *map);

/* ---- hmap.c ---------------------------------------------------------------------------------- */

/* The elem of `key` and, in `*found`, the key in the map; NULL: absent. */
void *hmap_lookup(const struct hmap *map, const void *key, const void **found);

/* ---- registry.c ------------------------------------------------------------------------------ */

void hmap_registry_add(struct hmap *map);
void hmap_registry_remove(struct hmap *map);

/* ---- fatal.c: overlapping calls -------------------------------------------------------------- */

void hmap_fatal(const struct hmap *map, const char *message) __attribute__((noreturn, cold));

/* runtime/map.go hashWriting: set during a write, and checked when it begins and ends. */
static ALWAYS_INLINE uint8_t write_check(const struct hmap *map)
{
    uint8_t flags = flags_load(map);
    if (UNLIKELY(flags & HMAP_FLAG_WRITING))
        hmap_fatal(map, "concurrent map writes");
    return flags;
}

static ALWAYS_INLINE void write_begin(struct hmap *map)
{
    flags_store(map, write_check(map) | HMAP_FLAG_WRITING);
}

static ALWAYS_INLINE void write_end(struct hmap *map)
{
    uint8_t flags = flags_load(map);
    if (UNLIKELY(!(flags & HMAP_FLAG_WRITING)))
        hmap_fatal(map, "concurrent map writes");
    flags_store(map, flags & ~(unsigned)HMAP_FLAG_WRITING);
}

#endif /* HMAP_MAP_H */
