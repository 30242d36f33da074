/*
 * check_buckets.c - the part of hmap_check() that walks chains and their cells.
 */
#include "check.h"

/* ---- links: I11 ------------------------------------------------------------------------------ */

/* Why `b` is not a valid link in a chain of `array`; NULL: it is. */
static const char *link_fault(const struct check *check, const struct hmap_array *array,
                              const struct bmap *b)
{
    const struct hmap_type *type = check->map->type;
    if ((uintptr_t)b % type->bucket_align != 0)
        return "is not aligned as a bucket";
    for (unsigned i = 0; i < 2; i++)
        if (check->arrays[i] != NULL && check->arrays[i] != array &&
            array_holds(type, check->arrays[i], b))
            return "is in another array";
    if (array_holds(type, array, b)) {
        size_t at = (uintptr_t)b - (uintptr_t)array->buckets;
        if (at % type->bucket_size != 0)
            return "points between two buckets of its array";
        if (at / type->bucket_size < bucket_count(array->B))
            return "is a main bucket";
    }
    return NULL;
}

static struct bmap *sound_next(const struct check *check, const struct hmap_array *array,
                               const struct bmap *b)
{
    struct bmap *next = bucket_overflow(check->map->type, b);
    return next != NULL && link_fault(check, array, next) == NULL ? next : NULL;
}

/* Reports a link that is not valid. Returns the number of buckets up to it, each counted once. */
static size_t check_chain(struct check *check, const struct hmap_array *array, size_t index)
{
    const struct hmap_type *type = check->map->type;
    const struct bmap *main = bucket_at(type, array->buckets, index);
    /* Brent's cycle detection: `hare` runs, `tortoise` jumps to it after 1, 2, 4, ... steps. */
    size_t n = 1, lap = 0, power = 1;
    const struct bmap *tortoise = main, *hare = main;
    for (;;) {
        const struct bmap *next = sound_next(check, array, hare);
        if (next == NULL)
            break;
        hare = next;
        n++;
        lap++;
        if (hare == tortoise)
            break;
        if (lap == power) {
            tortoise = hare;
            power *= 2;
            lap = 0;
        }
    }
    const struct bmap *link = bucket_overflow(type, hare);
    if (link == NULL)
        return n;
    const char *fault = link_fault(check, array, link);
    const struct bmap *last = hare;
    if (fault == NULL) {
        /* A cycle of `lap` buckets: find where it begins. */
        const struct bmap *ahead = main, *start = main;
        for (size_t i = 0; i < lap; i++)
            ahead = bucket_overflow(type, ahead);
        for (n = lap; start != ahead; n++) {
            start = bucket_overflow(type, start);
            ahead = bucket_overflow(type, ahead);
        }
        last = main;
        for (size_t i = 1; i < n; i++)
            last = bucket_overflow(type, last);
        link = start;
        fault = "is in the chain already";
    }
    hmap_report(check, 11, (const char *)last + type->overflow_offset,
                "bucket %zu: overflow %p of chain link %zu at %p %s", index, (const void *)link,
                n - 1, (const void *)last, fault);
    return n;
}

/* ---- cells: I4, I5, I8, I9, I14 -------------------------------------------------------------- */

static void check_live_cell(struct check *check, const struct hmap_array *array, size_t index,
                            const struct bmap *b, unsigned i)
{
    const struct hmap *map = check->map;
    const struct hmap_type *type = map->type;
    const void *slot = key_slot(type, b, i), *elem = elem_slot(type, b, i);
    check->live++;
    if (elem_is_boxed(type) && slot_pointer(elem) == NULL)
        hmap_report(check, 14, elem, "bucket %zu slot %u at %p: live, but its elem's box is NULL",
                    index, i, (const void *)b);
    if ((key_is_boxed(type) || key_is_owned(type)) && slot_pointer(slot) == NULL) {
        hmap_report(check, 14, slot, "bucket %zu slot %u at %p: live, but its key's box is NULL",
                    index, i, (const void *)b);
        return;
    }
    const void *key = key_at(type, b, i);
    uint64_t hash = type->hash(key, type->key_size, map->hash0);
    if (bucket_index(hash, array->B) != index)
        hmap_report(check, 8, slot, "bucket %zu slot %u at %p: its key hashes to bucket %zu", index,
                    i, (const void *)b, bucket_index(hash, array->B));
    if (tophash_of(hash) != b->tophash[i])
        hmap_report(check, 9, &b->tophash[i],
                    "bucket %zu slot %u at %p: tophash %u, its key's is %u", index, i,
                    (const void *)b, b->tophash[i], tophash_of(hash));
    struct key_seen *seen = hmap_vector_add(&check->keys, sizeof(*seen));
    if (seen != NULL)
        *seen = (struct key_seen){hash, key};
}

static void check_empty_cell(struct check *check, size_t index, const struct bmap *b, unsigned i)
{
    const struct hmap_type *type = check->map->type;
    const void *slot = key_slot(type, b, i), *elem = elem_slot(type, b, i);
    if ((key_is_boxed(type) || key_is_owned(type)) && slot_pointer(slot) != NULL)
        hmap_report(check, 14, slot, "bucket %zu slot %u at %p: empty, but its key's box is %p",
                    index, i, (const void *)b, slot_pointer(slot));
    if (elem_is_boxed(type) && slot_pointer(elem) != NULL)
        hmap_report(check, 14, elem, "bucket %zu slot %u at %p: empty, but its elem's box is %p",
                    index, i, (const void *)b, slot_pointer(elem));
}

/* The cells of a chain of n buckets that has not been evacuated. */
static void check_cells(struct check *check, const struct hmap_array *array, size_t index, size_t n)
{
    const struct hmap_type *type = check->map->type;
    const struct bmap *b = bucket_at(type, array->buckets, index);
    bool rest = false, told = false;
    for (; n > 0; n--, b = bucket_overflow(type, b)) {
        for (unsigned i = 0; i < HMAP_BUCKET_SLOTS; i++) {
            uint8_t top = b->tophash[i];
            if (rest && top != HMAP_TOPHASH_EMPTY_REST && !told) {
                hmap_report(check, 5, &b->tophash[i],
                            "bucket %zu slot %u at %p: tophash %u after an emptyRest", index, i,
                            (const void *)b, top);
                told = true;
            }
            rest |= top == HMAP_TOPHASH_EMPTY_REST;
            if (tophash_is_evacuated(top))
                hmap_report(check, 4, &b->tophash[i],
                            "bucket %zu slot %u at %p: mark %u in a bucket that is not evacuated",
                            index, i, (const void *)b, top);
            else if (tophash_is_live(top))
                check_live_cell(check, array, index, b, i);
            else
                check_empty_cell(check, index, b, i);
        }
    }
}

/* ---- old buckets: I4, I6, I7 ----------------------------------------------------------------- */

static void check_evacuated(struct check *check, const struct hmap_array *array, size_t index,
                            size_t n)
{
    const struct hmap_type *type = check->map->type;
    bool same_size = check->map->flags & HMAP_FLAG_SAME_SIZE_GROW;
    const struct bmap *b = bucket_at(type, array->buckets, index);
    for (; n > 0; n--, b = bucket_overflow(type, b)) {
        for (unsigned i = 0; i < HMAP_BUCKET_SLOTS; i++) {
            uint8_t top = b->tophash[i];
            if (!tophash_is_evacuated(top))
                hmap_report(check, 6, &b->tophash[i],
                            "old bucket %zu slot %u at %p: tophash %u in an evacuated bucket",
                            index, i, (const void *)b, top);
            else if (same_size && top == HMAP_TOPHASH_EVACUATED_Y)
                hmap_report(
                    check, 4, &b->tophash[i],
                    "old bucket %zu slot %u at %p: mark %u, but same-size growth has no half Y",
                    index, i, (const void *)b, top);
        }
    }
}

/* The new bucket that old bucket `old_index` will move to must be unused. */
static void check_untouched(struct check *check, size_t index, size_t old_index)
{
    const struct hmap_type *type = check->map->type;
    const struct hmap_array *array = check->arrays[0];
    const struct bmap *b = bucket_at(type, array->buckets, index);
    for (unsigned i = 0; i < HMAP_BUCKET_SLOTS; i++) {
        if (b->tophash[i] != HMAP_TOPHASH_EMPTY_REST) {
            hmap_report(check, 7, &b->tophash[i],
                        "bucket %zu slot %u at %p: tophash %u, but old bucket %zu is not evacuated",
                        index, i, (const void *)b, b->tophash[i], old_index);
            return;
        }
    }
    if (bucket_overflow(type, b) != NULL)
        hmap_report(check, 7, (const char *)b + type->overflow_offset,
                    "bucket %zu at %p: has overflow %p, but old bucket %zu is not evacuated", index,
                    (const void *)b, (void *)bucket_overflow(type, b), old_index);
}

/* ---- spare buckets: I12 ---------------------------------------------------------------------- */

static bool is_zero(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static void check_spares(struct check *check, const struct hmap_array *array)
{
    const struct hmap *map = check->map;
    const struct hmap_type *type = map->type;
    if (map->nextOverflow == NULL)
        return;
    size_t at = (uintptr_t)map->nextOverflow - (uintptr_t)array->buckets;
    if (!array_holds(type, array, map->nextOverflow) || at % type->bucket_size != 0 ||
        at / type->bucket_size < bucket_count(array->B)) {
        hmap_report(check, 12, &map->nextOverflow, "nextOverflow %p is not a spare bucket of %p",
                    (void *)map->nextOverflow, (void *)map->buckets);
        return;
    }
    for (size_t i = at / type->bucket_size; i < array->nalloc; i++) {
        const struct bmap *b = bucket_at(type, array->buckets, i);
        const struct bmap *mark = i == array->nalloc - 1 ? map->buckets : NULL;
        size_t behind = type->overflow_offset + sizeof(void *);
        if (bucket_overflow(type, b) != mark)
            hmap_report(check, 12, (const char *)b + type->overflow_offset,
                        "spare bucket %zu at %p: overflow is %p, not %p", i, (const void *)b,
                        (void *)bucket_overflow(type, b), (const void *)mark);
        if (!is_zero((const char *)b, type->overflow_offset) ||
            !is_zero((const char *)b + behind, type->bucket_size - behind))
            hmap_report(check, 12, b, "spare bucket %zu at %p: unused, but not zero", i,
                        (const void *)b);
    }
}

/* ---- whole arrays ---------------------------------------------------------------------------- */

size_t hmap_check_links(struct check *check, const struct hmap_array *array, size_t index)
{
    const struct hmap *map = check->map;
    const struct hmap_type *type = map->type;
    size_t n = check_chain(check, array, index);
    const struct bmap *b = bucket_at(type, array->buckets, index);
    for (size_t i = 1; i < n; i++) {
        struct bmap *link = bucket_overflow(type, b);
        struct bmap **kept = hmap_vector_add(&check->links, sizeof(struct bmap *));
        if (kept != NULL)
            *kept = link;
        if (array == check->arrays[0] && map->nextOverflow != NULL &&
            array_holds(type, array, link) && link >= map->nextOverflow)
            hmap_report(check, 12, (const char *)b + type->overflow_offset,
                        "bucket %zu: spare bucket %p is in its chain, but nextOverflow is %p",
                        index, (void *)link, (void *)map->nextOverflow);
        b = link;
    }
    return n;
}

void hmap_check_buckets(struct check *check, const struct hmap_array *array)
{
    const struct hmap *map = check->map;
    size_t overflow = 0;
    for (size_t index = 0; index < bucket_count(array->B); index++) {
        size_t n = hmap_check_links(check, array, index);
        overflow += n - 1;
        check_cells(check, array, index, n);
    }
    if (overflow > UINT16_MAX)
        overflow = UINT16_MAX;
    if (map->B < 16 && map->noverflow != overflow)
        hmap_report(check, 13, &map->noverflow,
                    "noverflow is %u, the chains have %zu overflow buckets", map->noverflow,
                    overflow);
    check_spares(check, array);
}

void hmap_check_oldbuckets(struct check *check, const struct hmap_array *array)
{
    const struct hmap *map = check->map;
    size_t noldbuckets = bucket_count(array->B);
    for (size_t index = 0; index < noldbuckets; index++) {
        const struct bmap *main = bucket_at(map->type, array->buckets, index);
        size_t n = hmap_check_links(check, array, index);
        if (bucket_is_evacuated(main)) {
            check_evacuated(check, array, index, n);
            continue;
        }
        if (index < map->nevacuate)
            hmap_report(check, 6, main, "old bucket %zu at %p is not evacuated, nevacuate is %zu",
                        index, (const void *)main, map->nevacuate);
        check_cells(check, array, index, n);
        if (check->arrays[0] != NULL) {
            check_untouched(check, index, index);
            if (!(map->flags & HMAP_FLAG_SAME_SIZE_GROW))
                check_untouched(check, index + noldbuckets, index);
        }
    }
}
