/*
 * iter.c - iterators (runtime/map.go mapiterinit(), mapiternext()).
 *
 * An iterator walks the array that was current when it was opened, from a random bucket on, and in
 * each bucket from a random slot. A cell that has been evacuated since is looked up by its key: the
 * entry may have moved, changed or been deleted.
 *
 * If the map was growing, the iterator walks the new array; but for a new bucket whose old one has
 * not been evacuated it reads the old one, and takes only the entries that will move to that new
 * bucket (in the picture of growth.c, old bucket 2 once for 2 and once for 6). This holds while the
 * same growth lasts. An iterator reads only the two arrays that it has pinned: both stay, with
 * their chains, keys and elems, until they are unpinned (I15).
 *
 * While an iterator is open the map keeps its seed. Go has no such rule: there an iterator may
 * return an entry twice if the map is emptied and filled again, since the halves of an old
 * bucket are told apart by the hash.
 */
#include "hash.h"
#include "map.h"

static void pin(struct bmap *buckets)
{
    if (buckets != NULL)
        array_of(buckets)->pins++;
}

/* Frees what evacuated chains still hold, since no iterator reads it any more (see evacuate()). */
static void array_free_evacuated(const struct hmap *map, const struct hmap_array *array)
{
    size_t n = bucket_count(array->B);
    for (size_t i = 0; i < n; i++) {
        struct bmap *main = bucket_at(map->type, array->buckets, i);
        if (bucket_is_evacuated(main)) {
            hmap_chain_free_overflow(map, array, main);
            bucket_zero_slots(map->type, main);
        }
    }
}

static void unpin(struct hmap *map, struct bmap *buckets)
{
    if (buckets == NULL)
        return;
    struct hmap_array *array = array_of(buckets);
    if (--array->pins > 0 || buckets == map->buckets)
        return;
    if (buckets == map->oldbuckets) {
        array_free_evacuated(map, array);
        return;
    }
    struct hmap_array **link = &map->retired;
    while (*link != array)
        link = &(*link)->next;
    *link = array->next;
    hmap_array_free_chains(map, array);
    hmap_array_free(map, array);
}

static void iteration_begin(struct hmap *map)
{
    uint8_t flags = flags_load(map);
    if (UNLIKELY(flags & HMAP_FLAG_WRITING))
        hmap_fatal(map, "concurrent map iteration and map write");
    flags_store(map, flags | HMAP_FLAG_WRITING);
}

void hmap_iter_init(struct hmap_iter *iter, struct hmap *map)
{
    iteration_begin(map);
    memset(iter, 0, sizeof(*iter));
    iter->map = map;
    iter->buckets = map->buckets;
    iter->oldbuckets = map->oldbuckets;
    iter->B = map->B;
    iter->checkBucket = SIZE_MAX;
    uint64_t random = hmap_random(map);
    iter->startBucket = bucket_index(random, map->B);
    iter->offset = (uint8_t)(random >> 61);
    iter->bucket = iter->startBucket;
    pin(iter->buckets);
    pin(iter->oldbuckets);
    map->niterators++;
    hmap_update_pin_flags(map);
    write_end(map);
}

/* Sets bptr to the chain of the next bucket; false: all have been walked. */
static bool iter_next_chain(struct hmap_iter *iter)
{
    const struct hmap *map = iter->map;
    const struct hmap_type *type = map->type;
    if (iter->buckets == NULL || (iter->wrapped && iter->bucket == iter->startBucket))
        return false;
    iter->bptr = bucket_at(type, iter->buckets, iter->bucket);
    iter->checkBucket = SIZE_MAX;
    if (iter->oldbuckets != NULL && map->oldbuckets == iter->oldbuckets &&
        map->buckets == iter->buckets) {
        size_t mask = bucket_count(array_of(iter->oldbuckets)->B) - 1;
        struct bmap *old = bucket_at(type, iter->oldbuckets, iter->bucket & mask);
        if (!bucket_is_evacuated(old)) {
            iter->bptr = old;
            iter->checkBucket = iter->bucket;
        }
    }
    iter->i = 0;
    iter->bucket++;
    if (iter->bucket == bucket_count(iter->B)) {
        iter->bucket = 0;
        iter->wrapped = true;
    }
    return true;
}

bool hmap_iter_next(struct hmap_iter *iter)
{
    const struct hmap *map = iter->map;
    if (map == NULL || flags_load(map) & HMAP_FLAG_DESTROYED)
        goto end;
    if (UNLIKELY(flags_load(map) & HMAP_FLAG_WRITING))
        hmap_fatal(map, "concurrent map iteration and map write");

    const struct hmap_type *type = map->type;
    enum hmap_key_kind kind = (enum hmap_key_kind)map->key_kind;
    for (;;) {
        if (iter->bptr == NULL && !iter_next_chain(iter))
            goto end;
        const struct bmap *b = iter->bptr;
        while (iter->i < HMAP_BUCKET_SLOTS) {
            unsigned i = (iter->i++ + iter->offset) % HMAP_BUCKET_SLOTS;
            uint8_t top = b->tophash[i];
            if (tophash_is_empty(top) || top == HMAP_TOPHASH_EVACUATED_EMPTY)
                continue;
            const void *key = key_at(type, b, i);
            /* An old bucket is read for each of its new ones: take only the entries of this one. */
            if (iter->checkBucket != SIZE_MAX &&
                bucket_index(key_hash(map, kind, key), iter->B) != iter->checkBucket)
                continue;
            if (tophash_is_live(top)) {
                iter->key = key;
                iter->elem = elem_at(type, b, i);
                return true;
            }
            void *elem = hmap_lookup(map, key, &key);
            if (elem == NULL)
                continue; /* deleted meanwhile */
            iter->key = key;
            iter->elem = elem;
            return true;
        }
        iter->bptr = bucket_overflow(type, b);
        iter->i = 0;
    }

end:
    iter->bptr = NULL;
    iter->key = NULL;
    iter->elem = NULL;
    return false;
}

void hmap_iter_fini(struct hmap_iter *iter)
{
    struct hmap *map = iter->map;
    if (map == NULL)
        return;
    iteration_begin(map);
    iter->map = NULL;
    iter->key = NULL;
    iter->elem = NULL;
    map->niterators--;
    if (flags_load(map) & HMAP_FLAG_DESTROYED) {
        if (map->niterators == 0) {
            hmap_free(map);
            return;
        }
    } else {
        unpin(map, iter->buckets);
        unpin(map, iter->oldbuckets);
        hmap_update_pin_flags(map);
        if (map->niterators == 0)
            hmap_graveyard_free(map);
    }
    write_end(map);
}
