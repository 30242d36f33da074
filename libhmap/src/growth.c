/*
 * growth.c - growth and evacuation, one or two buckets with each write.
 *
 * WHEN. An insert that would take the load (entries per main bucket) above 6.5 doubles the array.
 * What that limit costs and saves just before, if the hash is uniform (entries per bucket are
 * Poisson distributed), with keys and elems of 8 bytes each:
 *
 *     load    of 8    overflow buckets    bytes of overhead    buckets read
 *             slots   per 100 main ones       per entry         by a miss
 *     4.0      50 %           2                 20.8               1.02
 *     5.0      63 %           7                 14.8               1.07
 *     6.0      75 %          15                 11.7               1.15
 *     6.5      81 %          21                 10.8               1.21
 *     7.0      88 %          27                 10.2               1.27
 *     8.0     100 %          41                  9.4               1.41
 *
 * At 6.5 of 8 slots, 81 %, one bucket in five has overflowed. A higher limit would save little:
 * most of what main buckets save goes into overflow buckets, and every chain gets longer. A lower
 * one would waste slots. Doubling halves the load, so a map that only grows stays between 3.25 and
 * 6.5. The spare buckets of an array, one for each 16 main ones, last to a load of about 4.9;
 * overflow buckets after them are allocated one by one.
 *
 * A map whose keys come and go can keep its size and still collect overflow buckets, nearly empty
 * ones. When they are as many as the main buckets, an array of the same size replaces the array,
 * which packs the chains.
 *
 * HOW. To move all entries at once would hold up one insert for long. So the old array stays as
 * `oldbuckets`, and each write evacuates the old bucket that it needs, then the first of those that
 * are left (`nevacuate`): growth is over after as many writes as there are old buckets, at most. An
 * old chain moves as a whole (I6). Doubling splits it by one more bit of the hash: 0 keeps its
 * index (half X), 1 goes to the same index in the upper half (half Y). From 4 to 8 buckets, after
 * old buckets 0 and 1 have moved in turn and a write needed old bucket 3:
 *
 *     oldbuckets, B = 2         buckets, B = 3
 *                               half X: hash ...0bb     half Y: hash ...1bb
 *     +---+-----------+         +---+---------+         +---+---------+
 *     | 0 | evacuated | ------> | 0 | entries |         | 4 | entries |
 *     | 1 | evacuated | ------> | 1 | entries |         | 5 | entries |
 *     | 2 | entries   |         | 2 | empty   |         | 6 | empty   |      nevacuate = 2
 *     | 3 | evacuated | ------> | 3 | entries |         | 7 | entries |
 *     +---+-----------+         +---+---------+         +---+---------+
 *
 * A key of bucket 2 or 6 is still in old bucket 2; both new ones stay empty until it moves (I7).
 * All other keys are in the new array. The tophash bytes of an evacuated bucket become marks that
 * say where each entry went (X, Y, or the cell was empty), for iterators that walk the old array.
 * Same-size growth has no half Y.
 *
 * Unlike in Go, memory can run out here. So all that a chain needs is got before its first entry
 * moves. An upper bound is cheap: `live` entries that fit into ceil(live / 8) buckets fit, split in
 * two, into one more, and two of them are the main buckets. If the spare buckets cover the bound
 * there is nothing to get; only otherwise is the split counted.
 */
#include "hash.h"
#include "map.h"

/* runtime/map.go hashGrow() */
bool hmap_growth_start(struct hmap *map)
{
    bool bigger = load_is_over(map->count + 1, map->B);
    uint8_t B = (uint8_t)(map->B + (bigger ? 1 : 0));
    struct bmap *buckets = hmap_array_new(map, B);
    if (buckets == NULL)
        return false;
    map->oldbuckets = map->buckets;
    map->buckets = buckets;
    map->B = B;
    map->nevacuate = 0;
    map->noverflow = 0;
    map->nextOverflow = hmap_array_first_spare(map->type, array_of(buckets));
    if (!bigger)
        flags_store(map, flags_load(map) | HMAP_FLAG_SAME_SIZE_GROW);
    hmap_update_pin_flags(map);
    return true;
}

/* ---- what an evacuation needs ---------------------------------------------------------------- */

/* Overflow buckets allocated in advance, linked by their overflow pointers. */
struct reserve {
    struct bmap *first;
};

static void reserve_release(struct hmap *map, struct reserve *reserve)
{
    while (reserve->first != NULL) {
        struct bmap *b = reserve->first;
        reserve->first = bucket_overflow(map->type, b);
        hmap_overflow_release(map, b);
    }
}

static bool reserve_fill(struct hmap *map, struct reserve *reserve, size_t n)
{
    for (; n > 0; n--) {
        struct bmap *b = hmap_overflow_allocate(map);
        if (b == NULL) {
            reserve_release(map, reserve);
            return false;
        }
        bucket_set_overflow(map->type, b, reserve->first);
        reserve->first = b;
    }
    return true;
}

static size_t overflow_for(size_t live)
{
    return live > HMAP_BUCKET_SLOTS ? (live - 1) / HMAP_BUCKET_SLOTS : 0;
}

/* Whether a live cell moves to Y; `newbit` is 0 in same-size growth. */
static ALWAYS_INLINE bool cell_goes_to_y(const struct hmap *map, enum hmap_key_kind kind,
                                         const struct bmap *b, unsigned i, uint64_t newbit)
{
    return newbit != 0 && (key_hash(map, kind, key_at(map->type, b, i)) & newbit) != 0;
}

/* Allocates the overflow buckets that moving the chain takes, apart from the spare ones. */
static bool reserve_for_chain(struct hmap *map, const struct bmap *main, uint64_t newbit,
                              struct reserve *reserve)
{
    const struct hmap_type *type = map->type;
    enum hmap_key_kind kind = (enum hmap_key_kind)map->key_kind;
    size_t spares = hmap_overflow_spares_left(map);
    size_t live = 0;
    for (const struct bmap *b = main; b != NULL; b = bucket_overflow(type, b))
        for (unsigned i = 0; i < HMAP_BUCKET_SLOTS; i++)
            live += tophash_is_live(b->tophash[i]);
    if (overflow_for(live) <= spares)
        return true;
    size_t y = 0;
    for (const struct bmap *b = main; b != NULL && newbit != 0; b = bucket_overflow(type, b))
        for (unsigned i = 0; i < HMAP_BUCKET_SLOTS; i++)
            if (tophash_is_live(b->tophash[i]))
                y += cell_goes_to_y(map, kind, b, i, newbit);
    size_t need = overflow_for(live - y) + overflow_for(y);
    return need <= spares || reserve_fill(map, reserve, need - spares);
}

static struct bmap *reserve_take(struct hmap *map, struct reserve *reserve)
{
    struct bmap *b = hmap_overflow_take_spare(map);
    if (b == NULL) {
        b = reserve->first;
        if (b == NULL)
            hmap_fatal(map, "the hash of a key changed while it was in the map");
        reserve->first = bucket_overflow(map->type, b);
        bucket_set_overflow(map->type, b, NULL);
    }
    return b;
}

/* ---- evacuation ------------------------------------------------------------------------------ */

/* Where the next entry of one half goes (runtime/map.go evacDst). */
struct destination {
    struct bmap *b;
    unsigned i;
};

/* runtime/map.go evacuate(), the loop */
static void move_chain(struct hmap *map, struct bmap *main, struct destination xy[2],
                       uint64_t newbit, struct reserve *reserve)
{
    const struct hmap_type *type = map->type;
    enum hmap_key_kind kind = (enum hmap_key_kind)map->key_kind;
    for (struct bmap *b = main; b != NULL; b = bucket_overflow(type, b)) {
        for (unsigned i = 0; i < HMAP_BUCKET_SLOTS; i++) {
            uint8_t top = b->tophash[i];
            if (!tophash_is_live(top)) {
                b->tophash[i] = HMAP_TOPHASH_EVACUATED_EMPTY;
                continue;
            }
            unsigned y = cell_goes_to_y(map, kind, b, i, newbit);
            struct destination *to = &xy[y];
            b->tophash[i] = (uint8_t)(HMAP_TOPHASH_EVACUATED_X + y);
            if (to->i == HMAP_BUCKET_SLOTS) {
                struct bmap *overflow = reserve_take(map, reserve);
                hmap_overflow_link(map, to->b, overflow);
                to->b = overflow;
                to->i = 0;
            }
            to->b->tophash[to->i] = top;
            copy_small(key_slot(type, to->b, to->i), key_slot(type, b, i), type->key_slot_size);
            copy_small(elem_slot(type, to->b, to->i), elem_slot(type, b, i), type->elem_slot_size);
            to->i++;
        }
    }
}

/*
 * The last old bucket has been evacuated: the old array is retired if an iterator walks it,
 * otherwise freed; its overflow buckets were freed with each chain.
 */
static void growth_finish(struct hmap *map)
{
    struct hmap_array *old = array_of(map->oldbuckets);
    map->oldbuckets = NULL;
    flags_store(map, flags_load(map) & ~(unsigned)HMAP_FLAG_SAME_SIZE_GROW);
    hmap_array_retire(map, old);
}

void hmap_array_retire(struct hmap *map, struct hmap_array *array)
{
    if (array->pins > 0) {
        array->next = map->retired;
        map->retired = array;
    } else {
        hmap_array_free(map, array);
    }
    hmap_update_pin_flags(map);
}

/* runtime/map.go advanceEvacuationMark(): at most 1024 buckets, to bound the time of one write. */
static void advance_evacuation_mark(struct hmap *map, size_t noldbuckets)
{
    map->nevacuate++;
    size_t stop = noldbuckets - map->nevacuate > 1024 ? map->nevacuate + 1024 : noldbuckets;
    while (map->nevacuate != stop &&
           bucket_is_evacuated(bucket_at(map->type, map->oldbuckets, map->nevacuate)))
        map->nevacuate++;
    if (map->nevacuate == noldbuckets)
        growth_finish(map);
}

/* runtime/map.go evacuate(), all or nothing. False: out of memory, and nothing has changed. */
static bool evacuate(struct hmap *map, size_t oldbucket)
{
    const struct hmap_type *type = map->type;
    struct bmap *main = bucket_at(type, map->oldbuckets, oldbucket);
    size_t noldbuckets = bucket_count(map_old_B(map));
    bool bigger = !(flags_load(map) & HMAP_FLAG_SAME_SIZE_GROW);
    if (!bucket_is_evacuated(main)) {
        struct destination xy[2] = {{bucket_at(type, map->buckets, oldbucket), 0}, {NULL, 0}};
        uint64_t newbit = 0;
        struct reserve reserve = {NULL};
        if (bigger) {
            newbit = noldbuckets;
            xy[1].b = bucket_at(type, map->buckets, oldbucket + noldbuckets);
            __builtin_prefetch(xy[1].b);
        }
        __builtin_prefetch(xy[0].b);
        /* The entries of a single bucket fit into one bucket, whichever half they go to. */
        if (bucket_overflow(type, main) != NULL && !reserve_for_chain(map, main, newbit, &reserve))
            return false;
        move_chain(map, main, xy, newbit, &reserve);
        /* A hash function that is not a function of the key may have left some over. */
        reserve_release(map, &reserve);
        /* Iterators may still read the old chain; otherwise it is freed now (Go clears it for its
         * collector). */
        if (!(flags_load(map) & HMAP_FLAG_OLD_ITERATOR)) {
            hmap_chain_free_overflow(map, array_of(map->oldbuckets), main);
            bucket_zero_slots(type, main);
        }
    }
    if (oldbucket == map->nevacuate)
        advance_evacuation_mark(map, noldbuckets);
    return true;
}

/* runtime/map.go growWork() */
bool hmap_growth_work(struct hmap *map, size_t bucket)
{
    bool moved = evacuate(map, bucket & (bucket_count(map_old_B(map)) - 1));
    if (map_is_growing(map))
        (void)evacuate(map, map->nevacuate);
    return moved;
}
