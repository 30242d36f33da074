/*
 * array.c - the memory of a map: bucket arrays, overflow buckets, boxes, the graveyard.
 *
 *     array:  | padding | struct hmap_array | main 0 ... main 2^B-1 | spare 0 ... spare 2^(B-4)-1 |
 *     box:    | padding | struct hmap_box   | payload |
 *
 * Spare buckets are used in order (runtime/map.go makeBucketArray(), newoverflow()). An unused
 * one's overflow pointer is NULL if another follows, and `buckets` in the last one: an end mark,
 * not a link (I12). When all are used, overflow buckets are allocated one by one.
 *
 * Without a garbage collector, what an iterator may still read is kept explicitly:
 * - an array by its pins: one that is replaced while it is pinned goes on the retired list (I15);
 * - boxes and owned strings by the graveyard, since replaced arrays hold stale pointers to them.
 */
#include "map.h"

#include <stdlib.h>

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* `alignment` is a power of two and `size` that of a header, so this does not overflow. */
static size_t round_up(size_t size, size_t alignment)
{
    return (size + alignment - 1) & ~(alignment - 1);
}

void *hmap_memory_allocate(const struct hmap_allocator *allocator, size_t alignment, size_t size)
{
    return allocator->allocate(allocator->context, alignment, size);
}

void hmap_memory_release(const struct hmap_allocator *allocator, void *memory, size_t size)
{
    allocator->release(allocator->context, memory, size);
}

/* ---- arrays ---------------------------------------------------------------------------------- */

static size_t array_alignment(const struct hmap_type *type)
{
    return max_size(type->bucket_align, _Alignof(struct hmap_array));
}

static size_t array_prefix(const struct hmap_type *type)
{
    return round_up(sizeof(struct hmap_array), array_alignment(type));
}

static void array_mark_end_of_spares(const struct hmap_type *type, struct hmap_array *array)
{
    if (array->nalloc > bucket_count(array->B))
        bucket_set_overflow(type, bucket_at(type, array->buckets, array->nalloc - 1),
                            array->buckets);
}

struct bmap *hmap_array_new(const struct hmap *map, uint8_t B)
{
    const struct hmap_type *type = map->type;
    size_t prefix = array_prefix(type);
    size_t nalloc, size;
    if (B >= 8 * sizeof(size_t))
        return NULL;
    nalloc = bucket_count(B);
    /* Small arrays rarely overflow, so they get no spare buckets. */
    if (B >= 4 && __builtin_add_overflow(nalloc, bucket_count((uint8_t)(B - 4)), &nalloc))
        return NULL;
    if (__builtin_mul_overflow(nalloc, type->bucket_size, &size) ||
        __builtin_add_overflow(size, prefix, &size) || size > PTRDIFF_MAX)
        return NULL;
    char *memory = hmap_memory_allocate(&map->allocator, array_alignment(type), size);
    if (memory == NULL)
        return NULL;
    struct bmap *buckets = (struct bmap *)(memory + prefix);
    struct hmap_array *array = array_of(buckets);
    array->next = NULL;
    array->buckets = buckets;
    array->pins = 0;
    array->nalloc = nalloc;
    array->size = size;
    array->B = B;
    array_mark_end_of_spares(type, array);
    return buckets;
}

struct bmap *hmap_array_first_spare(const struct hmap_type *type, const struct hmap_array *array)
{
    size_t main = bucket_count(array->B);
    return array->nalloc > main ? bucket_at(type, array->buckets, main) : NULL;
}

void hmap_array_reset(const struct hmap_type *type, struct hmap_array *array)
{
    memset(array->buckets, 0, array->nalloc * type->bucket_size);
    array_mark_end_of_spares(type, array);
}

void hmap_array_free(const struct hmap *map, struct hmap_array *array)
{
    char *memory = (char *)array->buckets - array_prefix(map->type);
    hmap_memory_release(&map->allocator, memory, array->size);
}

/* ---- chains ---------------------------------------------------------------------------------- */

void hmap_chain_free_overflow(const struct hmap *map, const struct hmap_array *array,
                              struct bmap *main)
{
    const struct hmap_type *type = map->type;
    struct bmap *b = bucket_overflow(type, main);
    bucket_set_overflow(type, main, NULL);
    while (b != NULL) {
        struct bmap *next = bucket_overflow(type, b);
        if (!array_holds(type, array, b))
            hmap_overflow_release(map, b);
        b = next;
    }
}

void hmap_array_free_chains(const struct hmap *map, const struct hmap_array *array)
{
    size_t n = bucket_count(array->B);
    for (size_t i = 0; i < n; i++)
        hmap_chain_free_overflow(map, array, bucket_at(map->type, array->buckets, i));
}

struct bmap *hmap_overflow_allocate(const struct hmap *map)
{
    return hmap_memory_allocate(&map->allocator, array_alignment(map->type),
                                map->type->bucket_size);
}

void hmap_overflow_release(const struct hmap *map, struct bmap *b)
{
    hmap_memory_release(&map->allocator, b, map->type->bucket_size);
}

size_t hmap_overflow_spares_left(const struct hmap *map)
{
    if (map->nextOverflow == NULL)
        return 0;
    const struct hmap_array *array = array_of(map->buckets);
    size_t used = (size_t)((char *)map->nextOverflow - (char *)array->buckets);
    return array->nalloc - used / map->type->bucket_size;
}

/* runtime/map.go newoverflow(), first half */
struct bmap *hmap_overflow_take_spare(struct hmap *map)
{
    struct bmap *spare = map->nextOverflow;
    if (spare == NULL)
        return NULL;
    if (bucket_overflow(map->type, spare) == NULL) {
        map->nextOverflow = bucket_at(map->type, spare, 1);
    } else {
        /* The last one: remove the end mark. */
        bucket_set_overflow(map->type, spare, NULL);
        map->nextOverflow = NULL;
    }
    return spare;
}

/*
 * runtime/map.go incrnoverflow(): the count is exact while 16 bits can count to 2^B. From B = 16 on
 * one bucket in 2^(B-15) is counted, chosen at random, so that as many overflow buckets as main
 * ones count about 2^15: the limit at which same-size growth starts. The count stops at its
 * maximum, which only growth that is put off for lack of memory can reach.
 */
static void overflow_count_one(struct hmap *map)
{
    if (map->B >= 16) {
        uint64_t mask = (UINT64_C(1) << (map->B - 15)) - 1;
        if ((hmap_random(map) & mask) != 0)
            return;
    }
    if (map->noverflow < UINT16_MAX)
        map->noverflow++;
}

void hmap_overflow_link(struct hmap *map, struct bmap *b, struct bmap *overflow)
{
    bucket_set_overflow(map->type, b, overflow);
    overflow_count_one(map);
}

/* ---- boxes ----------------------------------------------------------------------------------- */

/* One alignment for all boxes of a map: a box can be freed without knowing what it holds. */
static size_t box_alignment(const struct hmap_type *type)
{
    size_t alignment = _Alignof(struct hmap_box);
    if (key_is_boxed(type))
        alignment = max_size(alignment, type->key_align);
    if (elem_is_boxed(type))
        alignment = max_size(alignment, type->elem_align);
    return alignment;
}

static size_t box_prefix(const struct hmap_type *type)
{
    return round_up(sizeof(struct hmap_box), box_alignment(type));
}

static void box_release(const struct hmap *map, struct hmap_box *box)
{
    char *memory = (char *)(box + 1) - box_prefix(map->type);
    hmap_memory_release(&map->allocator, memory, box->size);
}

void *hmap_box_new(const struct hmap *map, size_t size)
{
    size_t prefix = box_prefix(map->type);
    if (__builtin_add_overflow(size, prefix, &size) || size > PTRDIFF_MAX)
        return NULL;
    char *memory = hmap_memory_allocate(&map->allocator, box_alignment(map->type), size);
    if (memory == NULL)
        return NULL;
    struct hmap_box *box = (struct hmap_box *)(void *)(memory + prefix) - 1;
    box->next = NULL;
    box->size = size;
    return memory + prefix;
}

void hmap_box_free(const struct hmap *map, void *payload)
{
    if (payload != NULL)
        box_release(map, (struct hmap_box *)payload - 1);
}

void hmap_box_end(struct hmap *map, void *payload)
{
    if (payload == NULL)
        return;
    struct hmap_box *box = (struct hmap_box *)payload - 1;
    if (map->niterators == 0) {
        box_release(map, box);
    } else {
        box->next = map->graveyard;
        map->graveyard = box;
    }
}

void hmap_graveyard_free(struct hmap *map)
{
    struct hmap_box *box = map->graveyard;
    map->graveyard = NULL;
    while (box != NULL) {
        struct hmap_box *next = box->next;
        box_release(map, box);
        box = next;
    }
}

void hmap_cell_end_boxes(struct hmap *map, struct bmap *b, unsigned i)
{
    const struct hmap_type *type = map->type;
    if (key_is_boxed(type) || key_is_owned(type)) {
        void *slot = key_slot(type, b, i);
        hmap_box_end(map, slot_pointer(slot));
        slot_set_pointer(slot, NULL);
    }
    if (elem_is_boxed(type)) {
        void *slot = elem_slot(type, b, i);
        hmap_box_end(map, slot_pointer(slot));
        slot_set_pointer(slot, NULL);
    }
}

void hmap_array_end_boxes(struct hmap *map, const struct hmap_array *array)
{
    const struct hmap_type *type = map->type;
    size_t n = bucket_count(array->B);
    for (size_t index = 0; index < n; index++) {
        struct bmap *b = bucket_at(type, array->buckets, index);
        for (; b != NULL; b = bucket_overflow(type, b))
            for (unsigned i = 0; i < HMAP_BUCKET_SLOTS; i++)
                if (tophash_is_live(b->tophash[i]))
                    hmap_cell_end_boxes(map, b, i);
    }
}

void hmap_array_mark_empty(const struct hmap *map, const struct hmap_array *array)
{
    const struct hmap_type *type = map->type;
    size_t n = bucket_count(array->B);
    for (size_t index = 0; index < n; index++) {
        struct bmap *b = bucket_at(type, array->buckets, index);
        for (; b != NULL; b = bucket_overflow(type, b)) {
            memset(b->tophash, HMAP_TOPHASH_EMPTY_REST, sizeof(b->tophash));
            bucket_zero_slots(type, b);
        }
    }
}

/* ---- state that several files keep ----------------------------------------------------------- */

void hmap_update_pin_flags(struct hmap *map)
{
    unsigned flags = flags_load(map);
    flags &= ~(unsigned)(HMAP_FLAG_ITERATOR | HMAP_FLAG_OLD_ITERATOR);
    if (map->buckets != NULL && array_of(map->buckets)->pins > 0)
        flags |= HMAP_FLAG_ITERATOR;
    if (map->oldbuckets != NULL && array_of(map->oldbuckets)->pins > 0)
        flags |= HMAP_FLAG_OLD_ITERATOR;
    flags_store(map, flags);
}

/* splitmix64 */
uint64_t hmap_random(struct hmap *map)
{
    uint64_t z = map->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}
