/*
 * types.c - the built-in hash and equality functions, for use by pointer; hash.h has their code.
 */
#include "hash.h"

uint64_t hmap_hash_4(const void *key, size_t size, uint64_t seed)
{
    (void)size;
    return hash_fixed(key, 4, seed);
}

uint64_t hmap_hash_8(const void *key, size_t size, uint64_t seed)
{
    (void)size;
    return hash_fixed(key, 8, seed);
}

uint64_t hmap_hash_bytes(const void *key, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(key, size, seed);
}

uint64_t hmap_hash_string(const void *key, size_t size, uint64_t seed)
{
    (void)size;
    return hash_string(key, seed);
}

bool hmap_equal_4(const void *a, const void *b, size_t size)
{
    (void)size;
    return equal_4(a, b);
}

bool hmap_equal_8(const void *a, const void *b, size_t size)
{
    (void)size;
    return equal_8(a, b);
}

bool hmap_equal_bytes(const void *a, const void *b, size_t size)
{
    return memcmp(a, b, size) == 0;
}

bool hmap_equal_string(const void *a, const void *b, size_t size)
{
    (void)size;
    return equal_string(a, b);
}
