/*
 * hmap.h - a hash map that a debugger can look into.
 *
 * Go's bucket map (runtime/map.go, up to go1.23) in C: buckets of eight slots, a tophash byte per
 * slot, overflow chains, and growth that moves one or two buckets with each write.
 *
 *     HMAP_TYPE_INT64(sessions_type, struct session *);
 *
 *     struct hmap *sessions =
 *         hmap_create(&sessions_type.type, &(struct hmap_options){.name = "sessions"});
 *     if (hmap_put(sessions, &id, &session) == NULL) ...   // out of memory, the map is unchanged
 *     struct session **found = hmap_get(sessions, &id);    // NULL: absent
 *
 * Threads: a map may have any number of readers or one writer, like a plain struct; the caller
 * locks. To open or close an iterator is a write, to advance it a read. Calls that overlap a write
 * are detected on a best-effort basis and end the program (hmap_set_fatal_handler()). Any thread
 * may create and destroy maps.
 *
 * Failure: a function that can run out of memory says so in its result. The map then has the same
 * entries as before, and hmap_check() passes. Nothing else fails.
 *
 * Pointers to keys and elems that the map returns are valid until the next write to that map, since
 * growth moves entries.
 */
#ifndef HMAP_H
#define HMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HMAP_API __attribute__((visibility("default")))

enum {
    HMAP_BUCKET_SLOTS = 8,      /* slots of a bucket */
    HMAP_MAX_INLINE_BYTES = 128 /* a larger key or elem is in a box; its slot holds a pointer */
};

struct hmap; /* opaque: hmap_create() makes it, hmap_destroy() frees it */

/* ---- types ----------------------------------------------------------------------------------- */

/* The hash of the `size` bytes at `key` with the map's seed. Equal keys have equal hashes. */
typedef uint64_t hmap_hash_fn(const void *key, size_t size, uint64_t seed);

/* Whether two keys are equal. An equivalence relation: a key unequal to itself is never found. */
typedef bool hmap_equal_fn(const void *a, const void *b, size_t size);

/* Writes the text of a key or elem of `size` bytes for hmap_write_entries(), which quotes it. */
typedef void hmap_write_fn(FILE *out, const void *value, size_t size);

enum hmap_ownership {
    /* What a key points to is the caller's. It must stay until the entry is deleted and each iterator
     * that is open then has been closed, since it may still read the key. */
    HMAP_BORROWED = 0,
    /* The key is a char *: insert copies the string, delete frees the copy. */
    HMAP_OWNED_STRING = 1
};

/*
 * What a map holds. Defined by HMAP_TYPE; constant; outlives every map created with it.
 * A debugger takes sizes and offsets from here, and types from `struct TAG` if it agrees with them.
 */
struct hmap_type {
    const char *tag;           /* tag of the bucket's struct, an identifier */
    hmap_hash_fn *hash;        /* never NULL */
    hmap_equal_fn *equal;      /* never NULL */
    hmap_write_fn *write_key;  /* never NULL */
    hmap_write_fn *write_elem; /* never NULL */
    size_t key_size;           /* bytes of a key, at least 1 */
    size_t elem_size;          /* bytes of an elem, at least 1 */
    size_t key_slot_size;      /* bytes of a key's slot: key_size, or a pointer's when boxed */
    size_t elem_slot_size;     /* bytes of an elem's slot, likewise */
    size_t key_align;          /* alignment of a key, a power of two */
    size_t elem_align;         /* alignment of an elem, a power of two */
    size_t keys_offset;        /* of keys[] in the bucket */
    size_t elems_offset;       /* of elems[] in the bucket */
    size_t overflow_offset;    /* of the overflow pointer in the bucket */
    size_t bucket_size;        /* bytes of a bucket */
    size_t bucket_align;       /* alignment of a bucket */
    enum hmap_ownership key_ownership;
};

#ifndef __cplusplus

/* The type of a slot for a T: T, or a pointer to it if it is too large for the bucket. */
#define HMAP_SLOT(T) \
    __typeof__(__builtin_choose_expr(sizeof(T) > HMAP_MAX_INLINE_BYTES, (T *)0, *(T *)0))

/* The type of a T as a value: a pointer if T is an array, otherwise T. */
#define HMAP_DECAYED(T) __typeof__((void)0, *(T *)0)

/* Whether T is a pointer, not an array; 5 is pointer_type_class, in gcc as in clang. */
#define HMAP_IS_POINTER(T) \
    (__builtin_classify_type(*(T *)0) == 5 && __builtin_types_compatible_p(T, HMAP_DECAYED(T)))

/* The writer for a T: integers, bool, floating point, strings, char[N], pointers; anything else as
 * hexadecimal bytes. */
#define HMAP_WRITER(T) \
    _Generic((T *)0,                    \
        char *: (char)-1 < 0 ? hmap_write_signed : hmap_write_unsigned, \
        signed char *: hmap_write_signed, \
        short *: hmap_write_signed,     \
        int *: hmap_write_signed,       \
        long *: hmap_write_signed,      \
        long long *: hmap_write_signed, \
        unsigned char *: hmap_write_unsigned, \
        unsigned short *: hmap_write_unsigned, \
        unsigned int *: hmap_write_unsigned, \
        unsigned long *: hmap_write_unsigned, \
        unsigned long long *: hmap_write_unsigned, \
        bool *: hmap_write_bool,        \
        float *: hmap_write_float,      \
        double *: hmap_write_float,     \
        char **: hmap_write_string,     \
        const char **: hmap_write_string, \
        default: __builtin_choose_expr(  \
            __builtin_types_compatible_p(HMAP_DECAYED(T), char *), hmap_write_chars, \
            __builtin_choose_expr(HMAP_IS_POINTER(T), hmap_write_pointer, hmap_write_bytes)))

/*
 * HMAP_TYPE(name, K, V, hash, equal);
 *
 * At file scope: declares `struct name_bucket`, the bucket of a map from K to V, and defines the
 * constant `name`, whose member `type` is for hmap_create(). K and V are type names that are still
 * type names when a `*` follows (use a typedef for an array type). It may stand in a header.
 *
 * HMAP_TYPE_FULL also takes the two writers and who owns the keys.
 *
 * The member `bucket` is always NULL: it keeps the bucket's type in the debug information.
 */
#define HMAP_TYPE(name, K, V, hash, equal) \
    HMAP_TYPE_FULL(name, K, V, hash, equal, HMAP_WRITER(K), HMAP_WRITER(V), HMAP_BORROWED)

#define HMAP_TYPE_FULL(name, K, V, hash_, equal_, write_key_, write_elem_, key_ownership_) \
    struct name##_bucket {                                                                 \
        uint8_t tophash[HMAP_BUCKET_SLOTS];                                                \
        HMAP_SLOT(K) keys[HMAP_BUCKET_SLOTS];                                              \
        HMAP_SLOT(V) elems[HMAP_BUCKET_SLOTS];                                             \
        struct name##_bucket *overflow;                                                    \
    };                                                                                     \
    static const struct {                                                                  \
        struct hmap_type type;                                                             \
        const struct name##_bucket *bucket;                                                \
    } name __attribute__((unused)) = {                                                     \
        .type =                                                                            \
            {                                                                              \
                .tag = #name "_bucket",                                                    \
                .hash = (hash_),                                                           \
                .equal = (equal_),                                                         \
                .write_key = (write_key_),                                                 \
                .write_elem = (write_elem_),                                               \
                .key_size = sizeof(K),                                                     \
                .elem_size = sizeof(V),                                                    \
                .key_slot_size = sizeof(HMAP_SLOT(K)),                                     \
                .elem_slot_size = sizeof(HMAP_SLOT(V)),                                    \
                .key_align = _Alignof(K),                                                  \
                .elem_align = _Alignof(V),                                                 \
                .keys_offset = offsetof(struct name##_bucket, keys),                       \
                .elems_offset = offsetof(struct name##_bucket, elems),                     \
                .overflow_offset = offsetof(struct name##_bucket, overflow),               \
                .bucket_size = sizeof(struct name##_bucket),                               \
                .bucket_align = _Alignof(struct name##_bucket),                            \
                .key_ownership = (key_ownership_),                                         \
            },                                                                             \
        .bucket = NULL,                                                                    \
    }

/* Common key types, with elems of any type V. */
#define HMAP_TYPE_INT32(name, V)  HMAP_TYPE(name, int32_t, V, hmap_hash_4, hmap_equal_4)
#define HMAP_TYPE_UINT32(name, V) HMAP_TYPE(name, uint32_t, V, hmap_hash_4, hmap_equal_4)
#define HMAP_TYPE_INT64(name, V)  HMAP_TYPE(name, int64_t, V, hmap_hash_8, hmap_equal_8)
#define HMAP_TYPE_UINT64(name, V) HMAP_TYPE(name, uint64_t, V, hmap_hash_8, hmap_equal_8)
/* Compares all bytes of a K, padding too: zero it. */
#define HMAP_TYPE_BYTES(name, K, V) HMAP_TYPE(name, K, V, hmap_hash_bytes, hmap_equal_bytes)
/* Keys are C strings that the caller keeps while they are in the map (see HMAP_BORROWED). */
#define HMAP_TYPE_STRING(name, V) \
    HMAP_TYPE(name, const char *, V, hmap_hash_string, hmap_equal_string)
/* Keys are C strings that the map copies. */
#define HMAP_TYPE_OWNED_STRING(name, V)                                                           \
    HMAP_TYPE_FULL(name, const char *, V, hmap_hash_string, hmap_equal_string, hmap_write_string, \
                   HMAP_WRITER(V), HMAP_OWNED_STRING)

#endif /* !__cplusplus */

HMAP_API uint64_t hmap_hash_4(const void *key, size_t size, uint64_t seed);
HMAP_API uint64_t hmap_hash_8(const void *key, size_t size, uint64_t seed);
HMAP_API uint64_t hmap_hash_bytes(const void *key, size_t size, uint64_t seed);
HMAP_API uint64_t hmap_hash_string(const void *key, size_t size, uint64_t seed);

HMAP_API bool hmap_equal_4(const void *a, const void *b, size_t size);
HMAP_API bool hmap_equal_8(const void *a, const void *b, size_t size);
HMAP_API bool hmap_equal_bytes(const void *a, const void *b, size_t size);
HMAP_API bool hmap_equal_string(const void *a, const void *b, size_t size);

HMAP_API void hmap_write_signed(FILE *out, const void *value, size_t size);   /* 1, 2, 4, 8 bytes */
HMAP_API void hmap_write_unsigned(FILE *out, const void *value, size_t size); /* 1, 2, 4, 8 bytes */
HMAP_API void hmap_write_bool(FILE *out, const void *value, size_t size);     /* true, false */
HMAP_API void hmap_write_float(FILE *out, const void *value, size_t size);    /* shortest */
HMAP_API void hmap_write_pointer(FILE *out, const void *value, size_t size);  /* 0x… */
HMAP_API void hmap_write_string(FILE *out, const void *value, size_t size);   /* NULL is 0x0 */
HMAP_API void hmap_write_chars(FILE *out, const void *value, size_t size);    /* to the NUL */
HMAP_API void hmap_write_bytes(FILE *out, const void *value, size_t size);    /* hexadecimal */

/* ---- maps ------------------------------------------------------------------------------------ */

/* Where a map's memory comes from. */
struct hmap_allocator {
    /* Zeroed memory of `size` > 0 bytes at a multiple of `alignment`, or NULL. */
    void *(*allocate)(void *context, size_t alignment, size_t size);
    /* Frees what allocate() returned; `size` is the same. */
    void (*release)(void *context, void *memory, size_t size);
    void *context;
};

/* Options of a map; all zero is the default. */
struct hmap_options {
    const char *name;                       /* shown by a debugger; copied; may be NULL */
    size_t hint;                            /* room for this many entries from the start */
    const struct hmap_allocator *allocator; /* copied; NULL: calloc and free */
    bool fixed_seed;                        /* use `seed`: the same order in each run */
    uint64_t seed;                          /* without fixed_seed a random one is used */
};

/*
 * A new, empty map; it is in the registry of all maps until it is destroyed. `options` may be NULL.
 * Returns NULL if memory runs out or the hint is too large for any memory.
 */
HMAP_API struct hmap *hmap_create(const struct hmap_type *type, const struct hmap_options *options);

/*
 * Frees the map, its entries and the keys that it owns; NULL does nothing. Iterators that are still
 * open find no further entry, and keep the emptied map in memory until the last one is closed.
 */
HMAP_API void hmap_destroy(struct hmap *map);

HMAP_API size_t hmap_count(const struct hmap *map);

/* The elem of `key`; NULL: the key is absent. */
HMAP_API void *hmap_get(const struct hmap *map, const void *key);

/*
 * Sets the elem of `key` to a copy of *elem and returns its address. NULL: out of memory. In this
 * and all other calls `key` and `elem` may be in the map itself: hmap_delete(map, iter.key) is
 * valid.
 */
HMAP_API void *hmap_put(struct hmap *map, const void *key, const void *elem);

/*
 * The elem of `key`; an absent key is inserted with an elem of zero bytes. `*inserted`, unless
 * NULL, is set to whether it was. NULL: out of memory, and `*inserted` is unchanged.
 */
HMAP_API void *hmap_at(struct hmap *map, const void *key, bool *inserted);

/* Deletes `key`; false: it was absent. Never fails: without memory for evacuation it works in the
 * old array. */
HMAP_API bool hmap_delete(struct hmap *map, const void *key);

/* Deletes every entry and keeps the bucket array. Never fails. */
HMAP_API void hmap_clear(struct hmap *map);

/* ---- iterators ------------------------------------------------------------------------------- */

/*
 * A walk over the entries, from a random one on. Between init and fini the map may be read,
 * written, grown, cleared and destroyed. An entry that is present all the time is returned exactly
 * once; one that is deleted before the iterator reaches it is not returned; one that is inserted
 * meanwhile is returned at most once (a key that is deleted and inserted again is a new entry).
 *
 * An open iterator keeps in memory the bucket arrays that it walks and what deleted entries owned:
 * close it. Do not copy an open iterator.
 */
struct hmap_iter {
    const void *key; /* the current entry, valid until the next write to the map */
    void *elem;
    /* Private, in Go's terms (runtime.hiter). */
    struct hmap *map;
    struct bmap *buckets;    /* array at init, pinned */
    struct bmap *oldbuckets; /* array that was being evacuated at init, pinned; NULL: none */
    struct bmap *bptr;       /* current bucket of the chain */
    size_t startBucket;
    size_t bucket;      /* next main bucket */
    size_t checkBucket; /* new bucket for which an old one is walked; SIZE_MAX: none */
    uint8_t B;          /* log2 of the main buckets of `buckets` */
    uint8_t offset;     /* slot to start from in each bucket */
    uint8_t i;          /* slots of bptr already walked */
    bool wrapped;       /* went past the last bucket to the first */
};

HMAP_API void hmap_iter_init(struct hmap_iter *iter, struct hmap *map);

/* Advances to the next entry and sets key and elem; false: there is none, and both are NULL. */
HMAP_API bool hmap_iter_next(struct hmap_iter *iter);

/* Closes the iterator and frees what only it kept. Once for each init. */
HMAP_API void hmap_iter_fini(struct hmap_iter *iter);

/* ---- the state of a map ---------------------------------------------------------------------- */

/* A broken invariant, with its number in hmap_internal.h and the debugger's hmap-check. */
struct hmap_problem {
    unsigned invariant;  /* 1 for I1, ... */
    const void *address; /* of the field or slot that breaks it */
    const char *text;    /* what is wrong; valid only during the call */
};
typedef void hmap_problem_fn(void *context, const struct hmap_problem *problem);

/*
 * Checks every invariant of the map and calls `report` (unless NULL) for each problem. Returns
 * their number; 0: the map is consistent. Uses malloc(), not the map's allocator; if that fails,
 * only the invariants about pairs of buckets or keys are not checked.
 */
HMAP_API size_t hmap_check(const struct hmap *map, hmap_problem_fn *report, void *context);

/*
 * Write the map's state as CSV: a row per main bucket, or per live entry, in the order array (new
 * before old), bucket, chain, slot. Columns:
 *     array,bucket,address,chain,slots,live,deleted,empty,evacuated,geometry
 *     array,bucket,chain_index,slot,tophash,key,value
 * False: the stream failed, or (entries) memory ran out.
 */
HMAP_API bool hmap_write_occupancy(const struct hmap *map, FILE *out);
HMAP_API bool hmap_write_entries(const struct hmap *map, FILE *out);

/*
 * Sets the function that is called, with the map and a message, when calls overlap that must not
 * ("concurrent map writes"). When it returns, or if it is NULL, the message is printed on standard
 * error and the program aborts. Returns the previous handler.
 */
typedef void hmap_fatal_fn(const struct hmap *map, const char *message);
HMAP_API hmap_fatal_fn *hmap_set_fatal_handler(hmap_fatal_fn *handler);

#ifdef __cplusplus
}
#endif

#endif /* HMAP_H */
