/*
 * types.h - DWARF's types, numbered from the moment something refers to them.
 */
#ifndef HMAP_LAYOUT_TYPES_H
#define HMAP_LAYOUT_TYPES_H

#include "reader.h"

/* The index of the type at a place; it is loaded later. LAYOUT_NONE for PLACE_NONE: void. */
uint32_t type_at(struct reader *reader, place_t place);

/* Loads every type that was met, and all that these refer to. */
bool load_types(struct reader *reader);

/* The type behind typedefs and qualifiers; LAYOUT_NONE: void. */
uint32_t strip_type(const struct reader *reader, uint32_t type);

bool is_struct(const struct source_type *type); /* or a class, or a union */

/* Sets the error of a type that makes no sense. Returns false. */
bool type_fail(struct reader *reader, const struct source_type *type, const char *what);

#endif /* HMAP_LAYOUT_TYPES_H */
