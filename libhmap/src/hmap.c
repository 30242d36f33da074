/*
 * hmap.c - create, destroy, look up, insert, delete, clear.
 *
 * Each follows its counterpart of runtime/map.go (go1.23: makemap, mapaccess, mapassign, mapdelete,
 * mapclear). What differs:
 * - a bucket's eight tophash bytes are compared as one word (bucket.h), and the built-in kinds of
 * keys have paths of their own that call nothing by pointer (hash.h);
 * - memory can run out. An insert gets all that it needs before it commits anything, so a failure
 *   leaves every entry where it was. Growth that cannot start is put off. Where an old chain cannot
 * be evacuated, updates and deletes work in it and only a new key is refused: new keys never enter
 * an old bucket, since I7 wants all that its new buckets get to come from one evacuation;
 * - key and elem arguments may lie in the map itself (hmap_delete(map, iter.key) is the idiom).
 * What growth is about to move is copied aside first;
 * - the seed is not drawn anew while an iterator is open: in the middle of growth an iterator tells
 * by the hash which half of an old bucket it has met.
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
    /* calloc() gets large arrays from the kernel zeroed already, and touched by nobody. */
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

static void map_reseed(struct hmap *map)
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
    /* The one bucket of B 0 comes with the first write. */
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

/*
 * runtime/map.go mapclear(). Arrays that iterators walk keep their chains, with all cells
 * emptyRest: then an iterator finds nothing in them, nor a stale key to look up.
 */
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
    map_reseed(map);
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

size_t hmap_count(const struct hmap *map)
{
    return map->count;
}

/* ---- look up --------------------------------------------------------------------------------- */

struct place {
    struct bmap *b;
    unsigned i;
};

/* runtime/map.go mapaccessK(), the loop */
static ALWAYS_INLINE bool chain_find(const struct hmap_type *type, struct bmap *b, const void *key,
                                     uint8_t top, struct place *place, enum hmap_key_kind kind)
{
    do {
        uint64_t word = tophash_word(b);
        for (uint64_t m = word_matches(word, top); m != 0; m &= m - 1) {
            unsigned i = word_first_slot(m);
            if (LIKELY(key_equals_slot(type, kind, key, b, i))) {
                place->b = b;
                place->i = i;
                return true;
            }
        }
        if (word_ends_chain(word))
            return false;
        b = bucket_overflow(type, b);
    } while (b != NULL);
    return false;
}

static ALWAYS_INLINE void *lookup(const struct hmap *map, const void *key, const void **found,
                                  enum hmap_key_kind kind)
{
    const struct hmap_type *type = map->type;
    struct place place;
    if (map->count == 0)
        return NULL;
    if (UNLIKELY(flags_load(map) & HMAP_FLAG_WRITING))
        hmap_fatal(map, "concurrent map read and map write");
    uint64_t hash = key_hash(map, kind, key);
    struct bmap *b = map_chain(map, hash);
    bucket_prefetch(type, b);
    if (!chain_find(type, b, key, tophash_of(hash), &place, kind))
        return NULL;
    if (found != NULL)
        *found = key_at(type, place.b, place.i);
    return elem_at(type, place.b, place.i);
}

void *hmap_lookup(const struct hmap *map, const void *key, const void **found)
{
    FOR_KEY_KIND(map, lookup, key, found);
}

void *hmap_get(const struct hmap *map, const void *key)
{
    FOR_KEY_KIND(map, lookup, key, NULL);
}

/* ---- arguments that growth could move -------------------------------------------------------- */

/* Room for an inline key or elem of any alignment. */
struct room {
    unsigned char bytes[2 * HMAP_MAX_INLINE_BYTES];
};

/* Boxes and strings stay where they are: only what lies in a slot needs the copy. */
static const void *copy_aside(struct room *room, const void *value, size_t size, size_t alignment)
{
    uintptr_t at = ((uintptr_t)room->bytes + alignment - 1) & ~(uintptr_t)(alignment - 1);
    if (value == NULL || size > HMAP_MAX_INLINE_BYTES || at == (uintptr_t)value)
        return value;
    return memcpy((void *)at, value, size);
}

/* ---- insert ---------------------------------------------------------------------------------- */

/* What a new cell owns, made before the cell. */
struct cell_boxes {
    void *key;
    void *elem;
};

static bool cell_boxes_new(const struct hmap *map, const void *key, struct cell_boxes *boxes)
{
    const struct hmap_type *type = map->type;
    if (key_is_boxed(type)) {
        boxes->key = hmap_box_new(map, type->key_size);
        if (boxes->key == NULL)
            return false;
        memcpy(boxes->key, key, type->key_size);
    } else if (key_is_owned(type)) {
        const char *string = slot_pointer(key);
        size_t size = strlen(string) + 1;
        boxes->key = hmap_box_new(map, size);
        if (boxes->key == NULL)
            return false;
        memcpy(boxes->key, string, size);
    }
    if (elem_is_boxed(type)) {
        boxes->elem = hmap_box_new(map, type->elem_size);
        if (boxes->elem == NULL) {
            hmap_box_free(map, boxes->key);
            return false;
        }
    }
    return true;
}

/* runtime/map.go newoverflow() */
static struct bmap *overflow_append(struct hmap *map, struct bmap *last)
{
    struct bmap *overflow = hmap_overflow_take_spare(map);
    if (overflow == NULL)
        overflow = hmap_overflow_allocate(map);
    if (overflow != NULL)
        hmap_overflow_link(map, last, overflow);
    return overflow;
}

/*
 * runtime/map.go mapassign(). Sets the elem to *elem; with `elem` NULL a new one is zero, and one
 * that is there stays.
 */
static ALWAYS_INLINE void *assign(struct hmap *map, const void *key, const void *elem,
                                  bool *inserted, enum hmap_key_kind kind)
{
    const struct hmap_type *type = map->type;
    struct room key_room, elem_room;
    void *result = NULL;
    /* Before the flag is set, as in Go: a hash function that leaves by longjmp has written nothing.
     */
    uint64_t hash = key_hash(map, kind, key);
    uint8_t top = tophash_of(hash);
    write_begin(map);
    if (UNLIKELY(map->buckets == NULL)) {
        map->buckets = hmap_array_new(map, 0);
        if (map->buckets == NULL)
            goto done;
    }

again:;
    bool may_insert = true;
    if (UNLIKELY(map_is_growing(map))) {
        key = copy_aside(&key_room, key, type->key_size, type->key_align);
        elem = copy_aside(&elem_room, elem, type->elem_size, type->elem_align);
        may_insert = hmap_growth_work(map, bucket_index(hash, map->B));
    }
    struct bmap *b = map_chain(map, hash);
    bucket_prefetch(type, b);
    struct place place = {NULL, 0}; /* the first empty slot */
    for (;;) {
        uint64_t word = tophash_word(b);
        for (uint64_t m = word_matches(word, top); m != 0; m &= m - 1) {
            unsigned i = word_first_slot(m);
            if (LIKELY(key_equals_slot(type, kind, key, b, i))) {
                result = elem_at(type, b, i);
                if (elem != NULL)
                    memmove(result, elem, type->elem_size);
                if (inserted != NULL)
                    *inserted = false;
                goto done;
            }
        }
        uint64_t empties = word_empties(word);
        if (place.b == NULL && empties != 0) {
            place.b = b;
            place.i = word_first_slot(empties);
        }
        if (word_ends_chain(word))
            break;
        struct bmap *next = bucket_overflow(type, b);
        if (next == NULL)
            break;
        b = next;
    }

    if (UNLIKELY(!may_insert))
        goto done;
    if (!map_is_growing(map) &&
        (load_is_over(map->count + 1, map->B) || overflow_is_too_much(map)) &&
        hmap_growth_start(map))
        goto again; /* everything is elsewhere now */

    struct cell_boxes boxes = {NULL, NULL};
    if (type_has_boxes(type) && !cell_boxes_new(map, key, &boxes))
        goto done;
    if (place.b == NULL) {
        place.b = overflow_append(map, b);
        place.i = 0;
        if (place.b == NULL) {
            hmap_box_free(map, boxes.key);
            hmap_box_free(map, boxes.elem);
            goto done;
        }
    }
    /* From here on nothing fails. */
    void *slot = key_slot(type, place.b, place.i);
    if (boxes.key != NULL)
        slot_set_pointer(slot, boxes.key);
    else
        copy_small(slot, key, type->key_slot_size);
    result = elem_slot(type, place.b, place.i);
    if (boxes.elem != NULL) {
        slot_set_pointer(result, boxes.elem);
        result = boxes.elem;
    }
    /* An empty slot's elem is zero: it never was used, or delete zeroed it. */
    if (elem != NULL)
        copy_small(result, elem, type->elem_size);
    place.b->tophash[place.i] = top;
    map->count++;
    if (inserted != NULL)
        *inserted = true;

done:
    write_end(map);
    return result;
}

void *hmap_put(struct hmap *map, const void *key, const void *elem)
{
    FOR_KEY_KIND(map, assign, key, elem, NULL);
}

void *hmap_at(struct hmap *map, const void *key, bool *inserted)
{
    FOR_KEY_KIND(map, assign, key, NULL, inserted);
}

/* ---- delete ---------------------------------------------------------------------------------- */

/* The buckets of the chain up to and with `b` hold no live cell at their end: see chain_remove().
 */
static __attribute__((noinline)) void chain_sweep_back(const struct hmap_type *type,
                                                       struct bmap *main, struct bmap *b)
{
    while (b != main) {
        struct bmap *behind = b;
        for (b = main; bucket_overflow(type, b) != behind;)
            b = bucket_overflow(type, b);
        uint64_t word = word_sweep(tophash_word(b));
        bucket_set_tophash_word(b, word);
        if (word != 0)
            return;
    }
}

/*
 * Makes slot `i` of `b` emptyOne. If the chain then ends in emptyOnes, they become emptyRests, back
 * to the last live cell (I5). That is Go's loop, a word at a time: whether the deleted cell was its
 * bucket's last is a coin toss, and a branch on it would stall each delete for a read from memory.
 */
static ALWAYS_INLINE void chain_remove(const struct hmap_type *type, struct bmap *main,
                                       struct bmap *b, unsigned i)
{
    uint64_t word = tophash_word(b);
    bool ends = word_ends_chain(word);
    word = word_set(word, i, HMAP_TOPHASH_EMPTY_ONE);
    if (UNLIKELY(!ends & (i == HMAP_BUCKET_SLOTS - 1))) {
        /* The bucket was full to its last slot: the chain ends here unless something follows. */
        const struct bmap *next = bucket_overflow(type, b);
        ends = next == NULL || next->tophash[0] == HMAP_TOPHASH_EMPTY_REST;
    }
    uint64_t kept = word_sweep(word) ^ word;
    word ^= kept & -(uint64_t)ends;
    bucket_set_tophash_word(b, word);
    if (UNLIKELY(word == 0 && b != main))
        chain_sweep_back(type, main, b);
}

/* runtime/map.go mapdelete(). */
static ALWAYS_INLINE bool erase(struct hmap *map, const void *key, enum hmap_key_kind kind)
{
    const struct hmap_type *type = map->type;
    struct room room;
    struct place place;
    if (map->count == 0)
        return false;
    uint64_t hash = key_hash(map, kind, key);
    write_begin(map);
    if (UNLIKELY(map_is_growing(map))) {
        key = copy_aside(&room, key, type->key_size, type->key_align);
        /* Where memory for it runs out, the key is still in the old chain, which map_chain() finds.
         */
        (void)hmap_growth_work(map, bucket_index(hash, map->B));
    }
    struct bmap *main = map_chain(map, hash);
    bucket_prefetch(type, main);
    bool found = chain_find(type, main, key, tophash_of(hash), &place, kind);
    if (found) {
        /* Keys without memory of their own stay readable, to a debugger. */
        if (type_has_boxes(type))
            hmap_cell_end_boxes(map, place.b, place.i);
        if (!elem_is_boxed(type))
            zero_small(elem_slot(type, place.b, place.i), type->elem_size);
        chain_remove(type, main, place.b, place.i);
        map->count--;
        /* Go: makes it harder to collide on purpose again and again (issue 25237). */
        if (map->count == 0)
            map_reseed(map);
    }
    write_end(map);
    return found;
}

bool hmap_delete(struct hmap *map, const void *key)
{
    FOR_KEY_KIND(map, erase, key);
}

void hmap_clear(struct hmap *map)
{
    if (map->count == 0)
        return;
    write_begin(map);
    map_empty(map);
    write_end(map);
}
