/*
 * check.c - hmap_check(): every invariant of hmap_internal.h, I1 to I15. Here are those of the
 * header, of arrays and of iterators; check_buckets.c has those of chains and cells.
 *
 * The map may be broken in any way that leaves its pointers readable, so nothing is used before it
 * is checked: an array is walked only if its header agrees with the map, and a chain only as far as
 * its links are buckets that may stand there.
 */
#include "check.h"

#include <stdarg.h>
#include <stdlib.h>

void hmap_report(struct check *check, unsigned invariant, const void *address, const char *format,
                 ...)
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

void *hmap_vector_add(struct vector *vector, size_t item_size)
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

/* ---- the header: I2 -------------------------------------------------------------------------- */

static void check_header(struct check *check)
{
    const struct hmap *map = check->map;
    unsigned flags = map->flags;
    if (flags & ~(unsigned)HMAP_FLAG_ALL)
        hmap_report(check, 2, &map->flags, "flags 0x%x has unknown bits 0x%x", flags,
                    flags & ~(unsigned)HMAP_FLAG_ALL);
    if (map->oldbuckets == NULL && (flags & HMAP_FLAG_SAME_SIZE_GROW))
        hmap_report(check, 2, &map->flags, "flags 0x%x say same-size growth, oldbuckets is NULL",
                    flags);
    if (map->key_kind > HMAP_KEY_STRING)
        hmap_report(check, 2, &map->key_kind, "key_kind is %u, the last one is %u", map->key_kind,
                    (unsigned)HMAP_KEY_STRING);
    if (map->buckets == NULL) {
        if (map->count != 0)
            hmap_report(check, 2, &map->buckets, "buckets is NULL, count is %zu", map->count);
        if (map->oldbuckets != NULL)
            hmap_report(check, 2, &map->buckets, "buckets is NULL, oldbuckets is %p",
                        (void *)map->oldbuckets);
        if (map->B != 0)
            hmap_report(check, 2, &map->buckets, "buckets is NULL, B is %u", map->B);
    }
    if (map->B >= 8 * sizeof(size_t)) {
        hmap_report(check, 2, &map->B, "B is %u, more than an address has bits", map->B);
        return;
    }
    if (map->oldbuckets == NULL) {
        if (map->nevacuate > bucket_count(map->B))
            hmap_report(check, 2, &map->nevacuate, "nevacuate is %zu of %zu buckets",
                        map->nevacuate, bucket_count(map->B));
    } else if (!(flags & HMAP_FLAG_SAME_SIZE_GROW) && map->B == 0) {
        hmap_report(check, 2, &map->B, "B is 0 while growing from a smaller array");
    } else if (map->nevacuate >= bucket_count(map_old_B(map))) {
        hmap_report(check, 2, &map->nevacuate, "nevacuate is %zu of %zu old buckets, still growing",
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
        hmap_report(check, 3, buckets, "%s %p is not aligned as a bucket", name,
                    (const void *)buckets);
        return false;
    }
    if (array->pins != 0 && check->map->niterators == 0)
        hmap_report(check, 3, &array->pins, "%s %p has %zu pins, no iterator is open", name,
                    (const void *)buckets, array->pins);
    if (array->buckets != buckets) {
        hmap_report(check, 3, &array->buckets, "header of %s %p belongs to %p", name,
                    (const void *)buckets, (const void *)array->buckets);
        return false;
    }
    if (array->B != B) {
        hmap_report(check, 3, &array->B, "header of %s %p has B %u, the map says %u", name,
                    (const void *)buckets, array->B, B);
        return false;
    }
    if (B >= 8 * sizeof(size_t))
        return false;
    size_t nalloc = bucket_count((uint8_t)B) + (B >= 4 ? bucket_count((uint8_t)(B - 4)) : 0);
    if (array->nalloc != nalloc) {
        hmap_report(check, 3, &array->nalloc, "header of %s %p has %zu buckets, B %u needs %zu",
                    name, (const void *)buckets, array->nalloc, B, nalloc);
        return false;
    }
    size_t align = type->bucket_align > _Alignof(struct hmap_array) ? type->bucket_align
                                                                    : _Alignof(struct hmap_array);
    size_t size = (sizeof(*array) + align - 1) / align * align + nalloc * type->bucket_size;
    if (array->size != size) {
        hmap_report(check, 3, &array->size, "header of %s %p has size %zu, %zu buckets need %zu",
                    name, (const void *)buckets, array->size, nalloc, size);
        return false;
    }
    return true;
}

/* ---- iterators: I15 -------------------------------------------------------------------------- */

static void check_retired_array(struct check *check, const struct hmap_array *array)
{
    const struct hmap_type *type = check->map->type;
    struct bmap *buckets = (struct bmap *)(uintptr_t)(array + 1);
    if (array->pins == 0)
        hmap_report(check, 15, &array->pins, "retired array %p is not pinned",
                    (const void *)buckets);
    if (!check_array(check, array, buckets, array->B, "retired array"))
        return;
    for (size_t index = 0; index < bucket_count(array->B); index++) {
        size_t n = hmap_check_links(check, array, index);
        const struct bmap *b = bucket_at(type, buckets, index);
        for (; n > 0; n--, b = bucket_overflow(type, b))
            for (unsigned i = 0; i < HMAP_BUCKET_SLOTS; i++)
                if (tophash_is_live(b->tophash[i]))
                    hmap_report(check, 15, &b->tophash[i],
                                "retired array %p bucket %zu slot %u at %p: live, tophash %u",
                                (void *)buckets, index, i, (const void *)b, b->tophash[i]);
    }
}

static void check_pin_flag(struct check *check, const struct bmap *buckets, unsigned flag,
                           const char *name, size_t *pins)
{
    const struct hmap *map = check->map;
    if ((uintptr_t)buckets % _Alignof(struct hmap_array) != 0)
        return; /* check_array() has told it */
    size_t pinned = buckets != NULL ? array_of(buckets)->pins : 0;
    bool flagged = (map->flags & flag) != 0;
    if (flagged != (pinned != 0))
        hmap_report(check, 15, &map->flags, "flags 0x%x say that %s %s pinned, its pins are %zu",
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
        /* Each is pinned, and an iterator pins two at most: more than that is a cycle. */
        if (n++ > most) {
            hmap_report(check, 15, &map->retired, "%zu open iterators, but over %zu retired arrays",
                        map->niterators, most);
            return;
        }
        if ((uintptr_t)array % _Alignof(struct hmap_array) != 0) {
            hmap_report(check, 15, array, "retired array %p is not aligned", (const void *)array);
            return;
        }
        check_retired_array(check, array);
        pins += array->pins;
    }
    if (pins > most)
        hmap_report(check, 15, &map->niterators, "%zu pins, but only %zu open iterators", pins,
                    map->niterators);
    if (map->graveyard != NULL && map->niterators == 0)
        hmap_report(check, 15, &map->graveyard, "graveyard holds %p, no iterator is open",
                    (void *)map->graveyard);
}

/* ---- pairs: I10, I11 ------------------------------------------------------------------------- */

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

static void check_pairs(struct check *check)
{
    const struct hmap_type *type = check->map->type;
    if (!check->links.failed && check->links.n > 1) {
        struct bmap **links = check->links.items;
        qsort(links, check->links.n, sizeof(*links), compare_links);
        for (size_t i = 1; i < check->links.n; i++)
            if (links[i] == links[i - 1])
                hmap_report(check, 11, links[i], "overflow bucket %p is linked more than once",
                            (void *)links[i]);
    }
    if (!check->keys.failed && check->keys.n > 1) {
        struct key_seen *keys = check->keys.items;
        qsort(keys, check->keys.n, sizeof(*keys), compare_keys_seen);
        for (size_t i = 1; i < check->keys.n; i++)
            for (size_t j = i; j > 0 && keys[j - 1].hash == keys[i].hash; j--)
                if (type->equal(keys[j - 1].key, keys[i].key, type->key_size)) {
                    hmap_report(check, 10, keys[i].key, "the key at %p is also live at %p",
                                keys[i].key, keys[j - 1].key);
                    break;
                }
    }
}

/* ---- all ------------------------------------------------------------------------------------- */

size_t hmap_check(const struct hmap *map, hmap_problem_fn *report, void *context)
{
    struct check check = {.map = map, .report = report, .context = context, .walked_all = true};
    check_header(&check);
    /* Both headers first: whether a link is valid in one array depends on where the other is. */
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
        hmap_check_buckets(&check, check.arrays[0]);
    else if (map->nextOverflow != NULL)
        hmap_report(&check, 12, &map->nextOverflow,
                    "nextOverflow is %p, but its array is not valid", (void *)map->nextOverflow);
    if (check.arrays[1] != NULL)
        hmap_check_oldbuckets(&check, check.arrays[1]);
    check_iterators(&check);
    check_pairs(&check);
    if (check.walked_all && check.live != map->count)
        hmap_report(&check, 1, &map->count, "count is %zu, live cells are %zu", map->count,
                    check.live);
    free(check.keys.items);
    free(check.links.items);
    return check.problems;
}
