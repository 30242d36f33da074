/*
 * check.c - hmap_check(): every invariant of hmap_internal.h, I1 to I15.
 *
 * The map may be broken in any way that leaves its pointers readable, so nothing is believed that
 * can be checked first: an array is walked only if its header agrees with the map, a chain only as
 * far as its links are buckets that may stand there, and each bucket of it once, even if it runs in
 * a circle.
 */
#include "map.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

/* What can only be judged pairwise is collected, then sorted. */
struct key_seen {
    uint64_t hash;
    const void *key;
};

struct vector {
    void *items;
    size_t n;
    size_t room;
    bool failed; /* memory ran out: what is collected is not all */
};

struct check {
    const struct hmap *map;
    hmap_problem_fn *report;
    void *context;
    size_t problems;
    size_t live;                        /* live cells met */
    bool walked_all;                    /* no part of the map had to be left out */
    struct vector keys;                 /* struct key_seen, all live keys */
    struct vector links;                /* struct bmap *, all overflow buckets in chains */
    const struct hmap_array *arrays[2]; /* of `buckets` and `oldbuckets`, if they can be walked */
};

__attribute__((format(printf, 4, 5))) static void
problem(struct check *check, unsigned invariant, const void *address, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    check->problems++;
    if (check->report != NULL) {
        struct hmap_problem found = {invariant, address, text};
        check->report(check->context, &found);
    }
}

/* ---- collecting ------------------------------------------------------------------------------ */

static void *vector_add(struct vector *vector, size_t item_size)
{
    if (vector->failed)
        return NULL;
    if (vector->n == vector->room) {
        size_t room = vector->room != 0 ? 2 * vector->room : 64, size;
        void *items = NULL;
        if (!__builtin_mul_overflow(room, item_size, &size))
            items = realloc(vector->items, size);
        if (items == NULL) {
            vector->failed = true;
            return NULL;
        }
        vector->items = items;
        vector->room = room;
    }
    return (char *)vector->items + vector->n++ * item_size;
}

static int compare_keys_seen(const void *a, const void *b)
{
    uint64_t x = ((const struct key_seen *)a)->hash, y = ((const struct key_seen *)b)->hash;
    return (x > y) - (x < y);
}

static int compare_links(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (struct bmap *const *)a, y = (uintptr_t) * (struct bmap *const *)b;
    return (x > y) - (x < y);
}

/* ---- the header: I2 -------------------------------------------------------------------------- */

static void check_header(struct check *check)
{
    const struct hmap *map = check->map;
    unsigned flags = map->flags;
    if (flags & ~(unsigned)HMAP_FLAG_ALL)
        problem(check, 2, &map->flags, "flags 0x%x holds unknown bits 0x%x", flags,
                flags & ~(unsigned)HMAP_FLAG_ALL);
    if (map->oldbuckets == NULL && (flags & HMAP_FLAG_SAME_SIZE_GROW))
        problem(check, 2, &map->flags, "flags 0x%x say same-size growth, oldbuckets is NULL",
                flags);
    if (map->key_kind > HMAP_KEY_STRING)
        problem(check, 2, &map->key_kind, "key_kind is %u, the last one is %u", map->key_kind,
                (unsigned)HMAP_KEY_STRING);
    if (map->buckets == NULL) {
        if (map->count != 0)
            problem(check, 2, &map->buckets, "buckets is NULL, count is %zu", map->count);
        if (map->oldbuckets != NULL)
            problem(check, 2, &map->buckets, "buckets is NULL, oldbuckets is %p",
                    (void *)map->oldbuckets);
        if (map->B != 0)
            problem(check, 2, &map->buckets, "buckets is NULL, B is %u", map->B);
    }
    if (map->B >= 8 * sizeof(size_t)) {
        problem(check, 2, &map->B, "B is %u, more than an address has bits", map->B);
        return;
    }
    if (map->oldbuckets == NULL) {
        if (map->nevacuate > bucket_count(map->B))
            problem(check, 2, &map->nevacuate, "nevacuate is %zu of %zu buckets", map->nevacuate,
                    bucket_count(map->B));
    } else if (!(flags & HMAP_FLAG_SAME_SIZE_GROW) && map->B == 0) {
        problem(check, 2, &map->B, "B is 0 while growing from a smaller array");
    } else if (map->nevacuate >= bucket_count(map_old_B(map))) {
        problem(check, 2, &map->nevacuate, "nevacuate is %zu of %zu old buckets, still growing",
                map->nevacuate, bucket_count(map_old_B(map)));
    }
}

/* ---- array headers: I3 ----------------------------------------------------------------------- */

/* Whether the array can be walked. */
static bool check_array(struct check *check, const struct hmap_array *array,
                        const struct bmap *buckets, unsigned B, const char *name)
{
    const struct hmap_type *type = check->map->type;
    if ((uintptr_t)buckets % type->bucket_align != 0 ||
        (uintptr_t)buckets % _Alignof(struct hmap_array) != 0) {
        problem(check, 3, buckets, "%s %p is not aligned as a bucket", name, (const void *)buckets);
        return false;
    }
    if (array->pins != 0 && check->map->niterators == 0)
        problem(check, 3, &array->pins, "%s %p has %zu pins, no iterator is open", name,
                (const void *)buckets, array->pins);
    if (array->buckets != buckets) {
        problem(check, 3, &array->buckets, "header of %s %p says it is that of %p", name,
                (const void *)buckets, (const void *)array->buckets);
        return false;
    }
    if (array->B != B) {
        problem(check, 3, &array->B, "header of %s %p has B %u, the map says %u", name,
                (const void *)buckets, array->B, B);
        return false;
    }
    if (B >= 8 * sizeof(size_t))
        return false;
    size_t nalloc = bucket_count((uint8_t)B) + (B >= 4 ? bucket_count((uint8_t)(B - 4)) : 0);
    if (array->nalloc != nalloc) {
        problem(check, 3, &array->nalloc, "header of %s %p has %zu buckets, B %u wants %zu", name,
                (const void *)buckets, array->nalloc, B, nalloc);
        return false;
    }
    size_t align = type->bucket_align > _Alignof(struct hmap_array) ? type->bucket_align
                                                                    : _Alignof(struct hmap_array);
    size_t size = (sizeof(*array) + align - 1) / align * align + nalloc * type->bucket_size;
    if (array->size != size) {
        problem(check, 3, &array->size, "header of %s %p has size %zu, %zu buckets want %zu", name,
                (const void *)buckets, array->size, nalloc, size);
        return false;
    }
    return true;
}

/* ---- links: I11 ------------------------------------------------------------------------------ */

/* What is wrong with `b` as a link of a chain of `array`; NULL: nothing. */
static const char *link_fault(const struct check *check, const struct hmap_array *array,
                              const struct bmap *b)
{
    const struct hmap_type *type = check->map->type;
    if ((uintptr_t)b % type->bucket_align != 0)
        return "is not aligned as a bucket";
    for (unsigned i = 0; i < 2; i++)
        if (check->arrays[i] != NULL && check->arrays[i] != array &&
            array_holds(type, check->arrays[i], b))
            return "lies in another array";
    if (array_holds(type, array, b)) {
        size_t at = (uintptr_t)b - (uintptr_t)array->buckets;
        if (at % type->bucket_size != 0)
            return "lies between two buckets of its array";
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

/* Tells what ends the chain but should not. Returns its number of buckets, each counted once. */
static size_t check_chain(struct check *check, const struct hmap_array *array, size_t index)
{
    const struct hmap_type *type = check->map->type;
    const struct bmap *main = bucket_at(type, array->buckets, index);
    /* Brent's way to find a circle: `hare` runs, `tortoise` is put where it was at powers of two.
     */
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
        /* A circle of `lap` buckets: find where it begins, which is the first one met again. */
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
    problem(check, 11, (const char *)last + type->overflow_offset,
            "bucket %zu: overflow %p of chain link %zu at %p %s", index, (const void *)link, n - 1,
            (const void *)last, fault);
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
        problem(check, 14, elem, "bucket %zu slot %u at %p: live, but its elem's box is NULL",
                index, i, (const void *)b);
    if ((key_is_boxed(type) || key_is_owned(type)) && slot_pointer(slot) == NULL) {
        problem(check, 14, slot, "bucket %zu slot %u at %p: live, but its key's box is NULL", index,
                i, (const void *)b);
        return;
    }
    const void *key = key_at(type, b, i);
    uint64_t hash = type->hash(key, type->key_size, map->hash0);
    if (bucket_index(hash, array->B) != index)
        problem(check, 8, slot, "bucket %zu slot %u at %p: its key hashes to bucket %zu", index, i,
                (const void *)b, bucket_index(hash, array->B));
    if (tophash_of(hash) != b->tophash[i])
        problem(check, 9, &b->tophash[i], "bucket %zu slot %u at %p: tophash %u, its key's is %u",
                index, i, (const void *)b, b->tophash[i], tophash_of(hash));
    struct key_seen *seen = vector_add(&check->keys, sizeof(*seen));
    if (seen != NULL)
        *seen = (struct key_seen){hash, key};
}

static void check_empty_cell(struct check *check, size_t index, const struct bmap *b, unsigned i)
{
    const struct hmap_type *type = check->map->type;
    const void *slot = key_slot(type, b, i), *elem = elem_slot(type, b, i);
    if ((key_is_boxed(type) || key_is_owned(type)) && slot_pointer(slot) != NULL)
        problem(check, 14, slot, "bucket %zu slot %u at %p: empty, but its key's box is %p", index,
                i, (const void *)b, slot_pointer(slot));
    if (elem_is_boxed(type) && slot_pointer(elem) != NULL)
        problem(check, 14, elem, "bucket %zu slot %u at %p: empty, but its elem's box is %p", index,
                i, (const void *)b, slot_pointer(elem));
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
                problem(check, 5, &b->tophash[i],
                        "bucket %zu slot %u at %p: tophash %u behind an emptyRest", index, i,
                        (const void *)b, top);
                told = true;
            }
            rest |= top == HMAP_TOPHASH_EMPTY_REST;
            if (tophash_is_evacuated(top))
                problem(check, 4, &b->tophash[i],
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
                problem(check, 6, &b->tophash[i],
                        "old bucket %zu slot %u at %p: tophash %u in an evacuated bucket", index, i,
                        (const void *)b, top);
            else if (same_size && top == HMAP_TOPHASH_EVACUATED_Y)
                problem(check, 4, &b->tophash[i],
                        "old bucket %zu slot %u at %p: mark %u, but same-size growth has no half Y",
                        index, i, (const void *)b, top);
        }
    }
}

/* The new bucket that old bucket `old_index` will move to must be as it was made. */
static void check_untouched(struct check *check, size_t index, size_t old_index)
{
    const struct hmap_type *type = check->map->type;
    const struct hmap_array *array = check->arrays[0];
    const struct bmap *b = bucket_at(type, array->buckets, index);
    for (unsigned i = 0; i < HMAP_BUCKET_SLOTS; i++) {
        if (b->tophash[i] != HMAP_TOPHASH_EMPTY_REST) {
            problem(check, 7, &b->tophash[i],
                    "bucket %zu slot %u at %p: tophash %u, but old bucket %zu is not evacuated",
                    index, i, (const void *)b, b->tophash[i], old_index);
            return;
        }
    }
    if (bucket_overflow(type, b) != NULL)
        problem(check, 7, (const char *)b + type->overflow_offset,
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
        problem(check, 12, &map->nextOverflow, "nextOverflow %p is no spare bucket of %p",
                (void *)map->nextOverflow, (void *)map->buckets);
        return;
    }
    for (size_t i = at / type->bucket_size; i < array->nalloc; i++) {
        const struct bmap *b = bucket_at(type, array->buckets, i);
        const struct bmap *mark = i == array->nalloc - 1 ? map->buckets : NULL;
        size_t behind = type->overflow_offset + sizeof(void *);
        if (bucket_overflow(type, b) != mark)
            problem(check, 12, (const char *)b + type->overflow_offset,
                    "spare bucket %zu at %p: overflow is %p, not %p", i, (const void *)b,
                    (void *)bucket_overflow(type, b), (const void *)mark);
        if (!is_zero((const char *)b, type->overflow_offset) ||
            !is_zero((const char *)b + behind, type->bucket_size - behind))
            problem(check, 12, b, "spare bucket %zu at %p: unused, but not zero", i,
                    (const void *)b);
    }
}

/* ---- pairs: I10, I11 ------------------------------------------------------------------------- */

static void check_pairs(struct check *check)
{
    const struct hmap_type *type = check->map->type;
    if (!check->links.failed && check->links.n > 1) {
        struct bmap **links = check->links.items;
        qsort(links, check->links.n, sizeof(*links), compare_links);
        for (size_t i = 1; i < check->links.n; i++)
            if (links[i] == links[i - 1])
                problem(check, 11, links[i], "overflow bucket %p is linked more than once",
                        (void *)links[i]);
    }
    if (!check->keys.failed && check->keys.n > 1) {
        struct key_seen *keys = check->keys.items;
        qsort(keys, check->keys.n, sizeof(*keys), compare_keys_seen);
        for (size_t i = 1; i < check->keys.n; i++)
            for (size_t j = i; j > 0 && keys[j - 1].hash == keys[i].hash; j--)
                if (type->equal(keys[j - 1].key, keys[i].key, type->key_size)) {
                    problem(check, 10, keys[i].key, "the key at %p is also live at %p", keys[i].key,
                            keys[j - 1].key);
                    break;
                }
    }
}

/* ---- whole arrays ---------------------------------------------------------------------------- */

/* Checks the chain's links and keeps its overflow buckets. Returns its number of buckets. */
static size_t check_links(struct check *check, const struct hmap_array *array, size_t index)
{
    const struct hmap *map = check->map;
    const struct hmap_type *type = map->type;
    size_t n = check_chain(check, array, index);
    const struct bmap *b = bucket_at(type, array->buckets, index);
    for (size_t i = 1; i < n; i++) {
        struct bmap *link = bucket_overflow(type, b);
        struct bmap **kept = vector_add(&check->links, sizeof(struct bmap *));
        if (kept != NULL)
            *kept = link;
        if (array == check->arrays[0] && map->nextOverflow != NULL &&
            array_holds(type, array, link) && link >= map->nextOverflow)
            problem(check, 12, (const char *)b + type->overflow_offset,
                    "bucket %zu: spare bucket %p is in its chain, but nextOverflow is %p", index,
                    (void *)link, (void *)map->nextOverflow);
        b = link;
    }
    return n;
}

static void check_buckets(struct check *check, const struct hmap_array *array)
{
    const struct hmap *map = check->map;
    size_t overflow = 0;
    for (size_t index = 0; index < bucket_count(array->B); index++) {
        size_t n = check_links(check, array, index);
        overflow += n - 1;
        check_cells(check, array, index, n);
    }
    if (overflow > UINT16_MAX)
        overflow = UINT16_MAX;
    if (map->B < 16 && map->noverflow != overflow)
        problem(check, 13, &map->noverflow, "noverflow is %u, the chains have %zu overflow buckets",
                map->noverflow, overflow);
    check_spares(check, array);
}

static void check_oldbuckets(struct check *check, const struct hmap_array *array)
{
    const struct hmap *map = check->map;
    size_t noldbuckets = bucket_count(array->B);
    for (size_t index = 0; index < noldbuckets; index++) {
        const struct bmap *main = bucket_at(map->type, array->buckets, index);
        size_t n = check_links(check, array, index);
        if (bucket_is_evacuated(main)) {
            check_evacuated(check, array, index, n);
            continue;
        }
        if (index < map->nevacuate)
            problem(check, 6, main, "old bucket %zu at %p is not evacuated, nevacuate is %zu",
                    index, (const void *)main, map->nevacuate);
        check_cells(check, array, index, n);
        if (check->arrays[0] != NULL) {
            check_untouched(check, index, index);
            if (!(map->flags & HMAP_FLAG_SAME_SIZE_GROW))
                check_untouched(check, index + noldbuckets, index);
        }
    }
}

/* ---- iterators: I15 -------------------------------------------------------------------------- */

static void check_retired_array(struct check *check, const struct hmap_array *array)
{
    const struct hmap_type *type = check->map->type;
    struct bmap *buckets = (struct bmap *)(uintptr_t)(array + 1);
    if (array->pins == 0)
        problem(check, 15, &array->pins, "retired array %p is not pinned", (const void *)buckets);
    if (!check_array(check, array, buckets, array->B, "retired array"))
        return;
    for (size_t index = 0; index < bucket_count(array->B); index++) {
        size_t n = check_links(check, array, index);
        const struct bmap *b = bucket_at(type, buckets, index);
        for (; n > 0; n--, b = bucket_overflow(type, b))
            for (unsigned i = 0; i < HMAP_BUCKET_SLOTS; i++)
                if (tophash_is_live(b->tophash[i]))
                    problem(check, 15, &b->tophash[i],
                            "retired array %p bucket %zu slot %u at %p: live, tophash %u",
                            (void *)buckets, index, i, (const void *)b, b->tophash[i]);
    }
}

static void check_pin_flag(struct check *check, const struct bmap *buckets, unsigned flag,
                           const char *name, size_t *pins)
{
    const struct hmap *map = check->map;
    size_t pinned = buckets != NULL ? array_of(buckets)->pins : 0;
    bool flagged = (map->flags & flag) != 0;
    if (flagged != (pinned != 0))
        problem(check, 15, &map->flags, "flags 0x%x say that %s %s pinned, its pins are %zu",
                map->flags, name, flagged ? "is" : "is not", pinned);
    *pins += pinned;
}

static void check_iterators(struct check *check)
{
    const struct hmap *map = check->map;
    size_t pins = 0, most = 2 * map->niterators, n = 0;
    check_pin_flag(check, map->buckets, HMAP_FLAG_ITERATOR, "buckets", &pins);
    check_pin_flag(check, map->oldbuckets, HMAP_FLAG_OLD_ITERATOR, "oldbuckets", &pins);
    for (const struct hmap_array *array = map->retired; array != NULL; array = array->next) {
        /* Each is pinned and an iterator pins two at most: more would be a circle. */
        if (n++ > most) {
            problem(check, 15, &map->retired, "%zu open iterators, but over %zu retired arrays",
                    map->niterators, most);
            return;
        }
        check_retired_array(check, array);
        pins += array->pins;
    }
    if (pins > most)
        problem(check, 15, &map->niterators, "%zu pins, but only %zu open iterators", pins,
                map->niterators);
    if (map->graveyard != NULL && map->niterators == 0)
        problem(check, 15, &map->graveyard, "graveyard holds %p, no iterator is open",
                (void *)map->graveyard);
}

/* ---- all ------------------------------------------------------------------------------------- */

size_t hmap_check(const struct hmap *map, hmap_problem_fn *report, void *context)
{
    struct check check = {.map = map, .report = report, .context = context, .walked_all = true};
    check_header(&check);
    /* Both headers first: what may be linked in one depends on where the other lies. */
    if (map->buckets != NULL) {
        if (check_array(&check, array_of(map->buckets), map->buckets, map->B, "buckets"))
            check.arrays[0] = array_of(map->buckets);
        else
            check.walked_all = false;
    }
    if (map->oldbuckets != NULL) {
        if (check_array(&check, array_of(map->oldbuckets), map->oldbuckets, map_old_B(map),
                        "oldbuckets"))
            check.arrays[1] = array_of(map->oldbuckets);
        else
            check.walked_all = false;
    }
    if (check.arrays[0] != NULL)
        check_buckets(&check, check.arrays[0]);
    else if (map->nextOverflow != NULL)
        problem(&check, 12, &map->nextOverflow, "nextOverflow is %p, but there is no sound array",
                (void *)map->nextOverflow);
    if (check.arrays[1] != NULL)
        check_oldbuckets(&check, check.arrays[1]);
    check_iterators(&check);
    check_pairs(&check);
    if (check.walked_all && check.live != map->count)
        problem(&check, 1, &map->count, "count is %zu, live cells are %zu", map->count, check.live);
    free(check.keys.items);
    free(check.links.items);
    return check.problems;
}
