/*
 * hash.h - hashing and comparing keys, inline for the built-in kinds.
 *
 * xxHash is compiled in, so the library has no dependency at run time. A call through a function
 * pointer costs as much as the rest of a lookup that hits the cache: the functions below take the
 * kind as a constant, and only HMAP_KEY_GENERIC calls through the type.
 */
#ifndef HMAP_HASH_H
#define HMAP_HASH_H

#include "bucket.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static ALWAYS_INLINE uint64_t hash_fixed(const void *key, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(key, size, seed);
}

static ALWAYS_INLINE uint64_t hash_string(const void *key, uint64_t seed)
{
    const char *string = slot_pointer(key);
    return XXH3_64bits_withSeed(string, strlen(string), seed);
}

static ALWAYS_INLINE bool equal_4(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x == y;
}

static ALWAYS_INLINE bool equal_8(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x == y;
}

static ALWAYS_INLINE bool equal_string(const void *a, const void *b)
{
    const char *x = slot_pointer(a), *y = slot_pointer(b);
    return x == y || strcmp(x, y) == 0;
}

static ALWAYS_INLINE uint64_t key_hash(const struct hmap *map, enum hmap_key_kind kind,
                                       const void *key)
{
    switch (kind) {
    case HMAP_KEY_4:
        return hash_fixed(key, 4, map->hash0);
    case HMAP_KEY_8:
        return hash_fixed(key, 8, map->hash0);
    case HMAP_KEY_STRING:
        return hash_string(key, map->hash0);
    case HMAP_KEY_GENERIC:
    default:
        return map->type->hash(key, map->type->key_size, map->hash0);
    }
}

/* Whether `key` equals that of slot `i`, which is live. */
static ALWAYS_INLINE bool key_equals_slot(const struct hmap_type *type, enum hmap_key_kind kind,
                                          const void *key, const struct bmap *b, unsigned i)
{
    /* Keys of built-in kinds are never boxed, and the size of their slots is known. */
    const char *keys = (const char *)b + type->keys_offset;
    switch (kind) {
    case HMAP_KEY_4:
        return equal_4(key, keys + i * (size_t)4);
    case HMAP_KEY_8:
        return equal_8(key, keys + i * (size_t)8);
    case HMAP_KEY_STRING:
        return equal_string(key, keys + i * sizeof(char *));
    case HMAP_KEY_GENERIC:
    default:
        return type->equal(key, key_at(type, b, i), type->key_size);
    }
}

/* Calls `function` with the map's kind as its last argument, a constant: compiled once per kind. */
#define FOR_KEY_KIND(map, function, ...)                           \
    do {                                                           \
        switch ((enum hmap_key_kind)(map)->key_kind) {             \
        case HMAP_KEY_4:                                           \
            return function((map), __VA_ARGS__, HMAP_KEY_4);       \
        case HMAP_KEY_8:                                           \
            return function((map), __VA_ARGS__, HMAP_KEY_8);       \
        case HMAP_KEY_STRING:                                      \
            return function((map), __VA_ARGS__, HMAP_KEY_STRING);  \
        case HMAP_KEY_GENERIC:                                     \
        default:                                                   \
            return function((map), __VA_ARGS__, HMAP_KEY_GENERIC); \
        }                                                          \
    } while (0)

#endif /* HMAP_HASH_H */
