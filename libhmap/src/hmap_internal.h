/*
 * hmap_internal.h - how a map lies in memory: the debug contract.
 *
 * The debugger reads these structs by name, through debug information. Names follow Go's runtime
 * where the meaning is Go's (runtime/map.go, go1.23: hmap, bmap, evacuate, growWork).
 *
 *     struct hmap
 *     +-----------+        array (struct hmap_array, then its buckets)
 *     | count     |       +--------+----------+----------+-----+----------+---------+-----+
 *     | B         |       | pins   | bucket 0 | bucket 1 | ... | 2^B - 1  | spare 0 | ... |
 *     | buckets   |------>| nalloc |          |          |     |          |         |     |
 *     | nextOverflow ----------------------------------------------------->|         |     |
 *     | oldbuckets|--+    +--------+----|-----+----------+-----+----------+---------+-----+
 *     | retired   |  |                  | overflow
 *     +-----------+  |                  v
 *                    |           bucket (spare of the array, or from the allocator) -> ... -> NULL
 *                    +--> the array that growth is emptying, of 2^(B-1) or, same-size, 2^B buckets
 *
 *     a bucket:  tophash[8] | keys[8] | elems[8] | overflow     at the offsets of struct hmap_type
 *
 * Invariants, the numbers that hmap_check() and hmap-check speak of:
 *
 *  I1  count is the number of live cells.
 *  I2  The header makes sense: buckets is set where count > 0 or oldbuckets is set; known flags
 *      only; sameSizeGrow only while growing; B and nevacuate in range.
 *  I3  An array header agrees with the map: B, nalloc, array size; pins 0 where no iterator is
 *      open.
 *  I4  A tophash byte is one that may stand there: evacuated marks in evacuated old buckets alone.
 *  I5  After emptyRest every further cell of the chain is emptyRest.
 *  I6  An old bucket is evacuated as a whole, and every old bucket below nevacuate is evacuated.
 *  I7  While an old bucket is not evacuated, the new buckets it will move to are empty.
 *  I8  A live key hashes to the bucket it is in.
 *  I9  A live cell's tophash is that of its key's hash.
 *  I10 No key is live twice.
 *  I11 A chain ends; each of its links is an aligned bucket, and no bucket is in two chains.
 *  I12 nextOverflow is NULL or a spare bucket of the array; it and those behind it are unused and
 *      zero, but for the last one's overflow pointer, which holds `buckets` as the end mark.
 *  I13 noverflow is the number of overflow buckets in the array (B below 16; an estimate above).
 *  I14 A live cell's box or owned string is there (not NULL), a deleted cell's is NULL.
 *  I15 Retired arrays are pinned and hold no live cell that is not evacuated; iterator flags and
 *      pins agree; the graveyard is empty where no iterator is open.
 */
#ifndef HMAP_INTERNAL_H
#define HMAP_INTERNAL_H

#include "hmap/hmap.h"

#include <pthread.h>

/* The byte of a cell: a mark, or the top byte of its key's hash, raised to at least MIN. */
enum hmap_tophash {
    HMAP_TOPHASH_EMPTY_REST = 0,      /* empty, and so is each later cell of the chain */
    HMAP_TOPHASH_EMPTY_ONE = 1,       /* empty by deletion: a tombstone */
    HMAP_TOPHASH_EVACUATED_X = 2,     /* moved to the bucket of the same index */
    HMAP_TOPHASH_EVACUATED_Y = 3,     /* moved to the bucket of the upper half */
    HMAP_TOPHASH_EVACUATED_EMPTY = 4, /* was empty when its bucket was evacuated */
    HMAP_TOPHASH_MIN = 5              /* the least tophash of a live cell */
};

enum hmap_flags {
    HMAP_FLAG_ITERATOR = 1,       /* `buckets` is pinned */
    HMAP_FLAG_OLD_ITERATOR = 2,   /* `oldbuckets` is pinned */
    HMAP_FLAG_WRITING = 4,        /* a write is under way */
    HMAP_FLAG_SAME_SIZE_GROW = 8, /* the growth under way keeps the size */
    HMAP_FLAG_FIXED_SEED = 16,    /* hash0 was given and stays */
    HMAP_FLAG_DESTROYED = 32,     /* destroyed; iterators keep the remains */
    HMAP_FLAG_ALL = 63
};

/* How keys are hashed and compared: built-in kinds are inlined, the rest called by pointer. */
enum hmap_key_kind { HMAP_KEY_GENERIC = 0, HMAP_KEY_4 = 1, HMAP_KEY_8 = 2, HMAP_KEY_STRING = 3 };

/* The growth rule: more than 13/2 entries a bucket on average doubles the array. */
enum { HMAP_LOAD_FACTOR_NUM = 13, HMAP_LOAD_FACTOR_DEN = 2 };

/* The fixed part of a bucket; keys, elems and the overflow pointer lie at the type's offsets. */
struct bmap {
    uint8_t tophash[HMAP_BUCKET_SLOTS]; /* enum hmap_tophash, or the top byte of the hash */
};

/* Stands directly before an array's first bucket. */
struct hmap_array {
    struct hmap_array *next; /* of the retired list */
    struct bmap *buckets;    /* the first bucket, behind this header */
    size_t pins;             /* open iterators that walk this array */
    size_t nalloc;           /* buckets in the array, spare overflow buckets included */
    size_t size;             /* bytes allocated, this header and padding included */
    uint8_t B;               /* log2 of the number of main buckets */
};

/* Stands directly before a boxed key or elem, and before an owned string. */
struct hmap_box {
    struct hmap_box *next; /* of the graveyard */
    size_t size;           /* bytes allocated, padding before this header included */
};

struct hmap {
    size_t count;              /* live entries */
    uint8_t flags;             /* enum hmap_flags */
    uint8_t B;                 /* log2 of the number of main buckets */
    uint16_t noverflow;        /* overflow buckets of `buckets`; an estimate where B >= 16 */
    uint8_t key_kind;          /* enum hmap_key_kind */
    uint64_t hash0;            /* hash seed */
    struct bmap *buckets;      /* array of 2^B; NULL until the first write where B is 0 */
    struct bmap *oldbuckets;   /* array that is being evacuated; NULL: not growing */
    size_t nevacuate;          /* old buckets below this one have been evacuated */
    struct bmap *nextOverflow; /* next unused spare bucket of `buckets`; NULL: none left */
    const struct hmap_type *type;
    struct hmap_array *retired;      /* superseded arrays that iterators walk */
    struct hmap_box *graveyard;      /* boxes and owned keys deleted while an iterator is open */
    size_t niterators;               /* open iterators */
    uint64_t random;                 /* state of the generator */
    struct hmap_allocator allocator; /* a copy */
    char *name;                      /* owned; NULL: none */
    void *created_at;                /* return address of hmap_create(): the creation site */
    struct hmap *registry_next;      /* of all maps; the newest first */
    struct hmap *registry_prev;
};

/* All maps of the process. Links are set so that a walk from `first` along registry_next is sound
 * at any moment, even with the lock held. */
struct hmap_registry {
    struct hmap *first;
    size_t count;
    pthread_mutex_t lock; /* guards the links and count */
};
extern HMAP_API struct hmap_registry hmap_registry;

#endif /* HMAP_INTERNAL_H */
