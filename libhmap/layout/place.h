/*
 * place.h - where a DIE is, in one number: the file, whether it is in .debug_types, and the offset
 * there. Places sort by file, section and offset.
 */
#ifndef HMAP_LAYOUT_PLACE_H
#define HMAP_LAYOUT_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t place_t;

#define PLACE_NONE UINT64_MAX
enum { PLACE_FILE_SHIFT = 44, PLACE_TYPES_SHIFT = 43 };

static inline place_t place_make(size_t file, bool in_types, uint64_t offset)
{
    return (uint64_t)file << PLACE_FILE_SHIFT | (uint64_t)in_types << PLACE_TYPES_SHIFT | offset;
}

static inline size_t place_file(place_t place)
{
    return (size_t)(place >> PLACE_FILE_SHIFT);
}

static inline bool place_in_types(place_t place)
{
    return (place >> PLACE_TYPES_SHIFT & 1) != 0;
}

static inline uint64_t place_offset(place_t place)
{
    return place & (((uint64_t)1 << PLACE_TYPES_SHIFT) - 1);
}

#endif /* HMAP_LAYOUT_PLACE_H */
