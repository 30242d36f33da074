/*
 * check.h - what the two halves of hmap_check() share.
 */
#ifndef HMAP_CHECK_H
#define HMAP_CHECK_H

#include "map.h"

/* What can only be judged in pairs is collected, then sorted. */
struct key_seen {
    uint64_t hash;
    const void *key;
};

struct vector {
    void *items;
    size_t n;
    size_t room;
    bool failed; /* out of memory: not everything was collected */
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

/* Counts a broken invariant and reports it. */
void hmap_report(struct check *check, unsigned invariant, const void *address, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

/* Room for one more item; NULL: out of memory, now or before. */
void *hmap_vector_add(struct vector *vector, size_t item_size);

/* ---- check_buckets.c ------------------------------------------------------------------------- */

/* Checks the links of a chain and collects its overflow buckets. Returns its number of buckets. */
size_t hmap_check_links(struct check *check, const struct hmap_array *array, size_t index);

/* All chains of an array, and for `buckets` the spare buckets. */
void hmap_check_buckets(struct check *check, const struct hmap_array *array);
void hmap_check_oldbuckets(struct check *check, const struct hmap_array *array);

#endif /* HMAP_CHECK_H */
