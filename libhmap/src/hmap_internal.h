/*
 * hmap_internal.h - how a map is laid out in memory: the debug contract.
 *
 * The debugger reads these structs by name, through debug information. The design is that of Go's
 * bucket map (runtime/map.go, go1.23), and names are Go's where the meaning is (hmap, bmap,
 * evacuate). A comment that names a function of map.go says where a rule comes from; the rule
 * itself is here.
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
 * A bucket has eight slots: a tophash byte, a key and an elem each. Keys stand together, and so do
 * elems: then no padding separates a key of 8 bytes from an elem of 1. Here one entry has been
 * deleted and three are live:
 *
 *     slot        0    1    2    3    4    5    6    7
 *              +----+----+----+----+----+----+----+----+
 *     tophash  | 9f | 01 | 3c | 9f | 00 | 00 | 00 | 00 |   enum hmap_tophash, or a hash's top byte
 *              +----+----+----+----+----+----+----+----+
 *     keys     | k0 | k1 | k2 | k3 |    |    |    |    |   k1 is stale: delete leaves it
 *              +----+----+----+----+----+----+----+----+
 *     elems    | e0 |  0 | e2 | e3 |    |    |    |    |
 *              +----+----+----+----+----+----+----+----+
 *     overflow | the next bucket of the chain, or NULL |
 *              +---------------------------------------+
 *
 *     01  emptyOne, a tombstone: empty, but later slots of the chain may be live
 *     00  emptyRest: empty, and so is every later slot of the chain, so a search ends here
 *     9f  live: the hash of k0 begins with this byte, and that of k3 by chance too
 *
 * A key's hash says where it is. With B = 3:
 *
 *     bit 63       56                         2  0
 *         +----------+--------------- ... ---+---+
 *         | 10011111 |                       |101|
 *         +----------+--------------- ... ---+---+
 *          tophash 9f                         bucket 5 of 2^3
 *
 * Only keys of bucket 5's chain whose tophash is 9f are compared. A tophash has 251 values (those
 * below MIN are marks, see below), so a key other than the one sought is compared once in about 250
 * live slots.
 *
 * Invariants, by the numbers that hmap_check() and hmap-check report:
 *
 *  I1  count is the number of live cells.
 *  I2  The header is valid: buckets is set if count > 0 or oldbuckets is set; only known flags;
 *      sameSizeGrow only while growing; B and nevacuate in range.
 *  I3  An array header agrees with the map: B, nalloc, array size; pins are 0 if no iterator is
 *      open.
 *  I4  A tophash byte is valid in its place: evacuated marks only in evacuated old buckets.
 *  I5  After emptyRest every further cell of the chain is emptyRest.
 *  I6  An old bucket is evacuated as a whole, and every old bucket below nevacuate is evacuated.
 *  I7  While an old bucket is not evacuated, the new buckets that it will move to are empty.
 *  I8  A live key hashes to the bucket it is in.
 *  I9  A live cell's tophash is that of its key's hash.
 *  I10 No key is live twice.
 *  I11 A chain ends; each of its links is an aligned bucket, and no bucket is in two chains.
 *  I12 nextOverflow is NULL or a spare bucket of the array; it and all later ones are unused and
 *      zero, except that the last one's overflow pointer is `buckets`, the end mark.
 *  I13 noverflow is the number of overflow buckets in the array (from B = 16 on an estimate).
 *  I14 A live cell's box or owned string is not NULL, and a deleted cell's is.
 *  I15 Retired arrays are pinned and hold no live cell that is not evacuated; iterator flags and
 *      pins agree; the graveyard is empty if no iterator is open.
 *
 * (A cell is a slot of a bucket in a chain.)
 */
#ifndef HMAP_INTERNAL_H
#define HMAP_INTERNAL_H

#include "hmap/hmap.h"

#include <pthread.h>

/* The byte of a cell: a mark, or the top byte of its key's hash (plus MIN if that is below MIN). */
enum hmap_tophash {
    HMAP_TOPHASH_EMPTY_REST = 0,      /* empty, and so is every later cell of the chain */
    HMAP_TOPHASH_EMPTY_ONE = 1,       /* a tombstone: empty, its entry was deleted */
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
    HMAP_FLAG_DESTROYED = 32,     /* destroyed; open iterators keep it in memory */
    HMAP_FLAG_ALL = 63
};

/* How keys are hashed and compared: built-in kinds inline, others through the type's pointers. */
enum hmap_key_kind { HMAP_KEY_GENERIC = 0, HMAP_KEY_4 = 1, HMAP_KEY_8 = 2, HMAP_KEY_STRING = 3 };

/* The load factor, 6.5: more entries per bucket on average double the array (growth.c says why). */
enum { HMAP_LOAD_FACTOR_NUM = 13, HMAP_LOAD_FACTOR_DEN = 2 };

/* The fixed part of a bucket; keys, elems and the overflow pointer are at the type's offsets. */
struct bmap {
    uint8_t tophash[HMAP_BUCKET_SLOTS]; /* enum hmap_tophash, or the top byte of the hash */
};

/* Stands directly before an array's first bucket. */
struct hmap_array {
    struct hmap_array *next; /* of the retired list */
    struct bmap *buckets;    /* the first bucket, directly after this header */
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
    uint16_t noverflow;        /* overflow buckets of `buckets`; an estimate if B >= 16 */
    uint8_t key_kind;          /* enum hmap_key_kind */
    uint64_t hash0;            /* hash seed */
    struct bmap *buckets;      /* array of 2^B; NULL until the first write if B is 0 */
    struct bmap *oldbuckets;   /* array that is being evacuated; NULL: not growing */
    size_t nevacuate;          /* old buckets below this one have been evacuated */
    struct bmap *nextOverflow; /* next unused spare bucket of `buckets`; NULL: none left */
    const struct hmap_type *type;
    struct hmap_array *retired;      /* replaced arrays that iterators walk */
    struct hmap_box *graveyard;      /* boxes and owned keys deleted while an iterator is open */
    size_t niterators;               /* open iterators */
    uint64_t random;                 /* state of the generator */
    struct hmap_allocator allocator; /* a copy */
    char *name;                      /* owned; NULL: none */
    void *created_at;                /* return address of hmap_create(): the creation site */
    struct hmap *registry_next;      /* all maps, the newest first */
    struct hmap *registry_prev;
};

/* All maps of the process. Links are set in an order that leaves a walk from `first` along
 * registry_next valid at every moment, even while the lock is held. */
struct hmap_registry {
    struct hmap *first;
    size_t count;
    pthread_mutex_t lock; /* guards the links and count */
};
extern HMAP_API struct hmap_registry hmap_registry;

#endif /* HMAP_INTERNAL_H */
