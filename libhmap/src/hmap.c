/*
 * hmap.c - look up, insert, delete (runtime/map.go mapaccess1(), mapassign(), mapdelete()).
 *
 * Each begins with the key's hash. Its low B bits choose the bucket, and its top byte is the
 * tophash to search the bucket's chain for (hmap_internal.h); only keys with that tophash are
 * compared:
 *
 *     look up   read the chain up to the first emptyRest; the key is there or nowhere
 *     insert    the same, and note the first empty slot on the way: a new key goes there, if
 *               there is one, and otherwise into a new overflow bucket
 *     delete    look up, and leave emptyOne, or emptyRest if nothing follows (chain_remove())
 *
 * While the map grows, insert and delete first evacuate the old bucket of that hash, and look up
 * reads the old bucket if it has not been evacuated (growth.c).
 *
 * What differs from Go:
 * - a bucket's eight tophash bytes are compared as one word (bucket.h), and the built-in kinds of
 *   keys have code of their own that calls nothing by pointer (hash.h);
 * - memory can run out. An insert gets all that it needs before it changes anything, so a failure
 *   leaves every entry where it was. Growth that cannot start is put off. If an old chain cannot be
 *   evacuated, updates and deletes work in it and only a new key is refused: new keys never enter
 *   an old bucket;
 * - key and elem arguments may be in the map itself (hmap_delete(map, iter.key) is the idiom).
 *   If growth is about to move it, it is copied first;
 * - the seed is kept while an iterator is open: during growth the hash tells an iterator which
 *   half of an old bucket an entry belongs to.
 */
#include "hash.h"
#include "map.h"

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
    /* First, since a writer may change all but the flags. */
    if (UNLIKELY(flags_load(map) & HMAP_FLAG_WRITING))
        hmap_fatal(map, "concurrent map read and map write");
    if (map->count == 0)
        return NULL;
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

/* Boxes and strings stay where they are: only what is in a slot has to be copied. */
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

/* runtime/map.go mapassign(). Sets the elem to *elem; if `elem` is NULL, a new elem is zero and a
 * present one is kept. */
static ALWAYS_INLINE void *assign(struct hmap *map, const void *key, const void *elem,
                                  bool *inserted, enum hmap_key_kind kind)
{
    const struct hmap_type *type = map->type;
    struct room key_room, elem_room;
    void *result = NULL;
    write_check(map); /* first, as in lookup() */
    /* Before the flag is set, as in Go: a hash function may leave by longjmp(). */
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
        goto again; /* all buckets have changed */

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
    /* From here on nothing can fail. */
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
    /* An empty slot's elem is zero: it was never used, or delete zeroed it. */
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

/* `b` has become all emptyRest, so the buckets before it may now end in tombstones: sweeps them
 * too. */
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
 * to the last live cell (I5):
 *
 *                     9f 4a 3c 00 00 00 00 00
 *     delete slot 1:  9f 01 3c 00 00 00 00 00    a tombstone, since slot 2 is live
 *     delete slot 2:  9f 00 00 00 00 00 00 00    nothing live follows slot 0 any more
 *
 * Go's loop does this cell by cell, this does it for the whole word, without a branch: whether the
 * deleted cell was its bucket's last live one is unpredictable, and a wrong guess would wait for
 * memory.
 */
static ALWAYS_INLINE void chain_remove(const struct hmap_type *type, struct bmap *main,
                                       struct bmap *b, unsigned i)
{
    uint64_t word = tophash_word(b);
    bool ends = word_ends_chain(word);
    word = word_set(word, i, HMAP_TOPHASH_EMPTY_ONE);
    if (UNLIKELY(!ends & (i == HMAP_BUCKET_SLOTS - 1))) {
        /* The bucket's last slot was live: the chain ends here unless something follows. */
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
    write_check(map); /* first, as in lookup() */
    if (map->count == 0)
        return false;
    uint64_t hash = key_hash(map, kind, key);
    write_begin(map);
    if (UNLIKELY(map_is_growing(map))) {
        key = copy_aside(&room, key, type->key_size, type->key_align);
        /* If memory runs out, the key is still in the old chain, where map_chain() finds it. */
        (void)hmap_growth_work(map, bucket_index(hash, map->B));
    }
    struct bmap *main = map_chain(map, hash);
    bucket_prefetch(type, main);
    bool found = chain_find(type, main, key, tophash_of(hash), &place, kind);
    if (found) {
        /* An inline key stays, for a debugger to read. */
        if (type_has_boxes(type))
            hmap_cell_end_boxes(map, place.b, place.i);
        if (!elem_is_boxed(type))
            zero_small(elem_slot(type, place.b, place.i), type->elem_size);
        chain_remove(type, main, place.b, place.i);
        map->count--;
        /* As in Go: makes it harder to cause collisions again and again (its issue 25237). */
        if (map->count == 0)
            hmap_reseed(map);
    }
    write_end(map);
    return found;
}

bool hmap_delete(struct hmap *map, const void *key)
{
    FOR_KEY_KIND(map, erase, key);
}
