/*
 * units.h - the units of all files.
 */
#ifndef HMAP_LAYOUT_UNITS_H
#define HMAP_LAYOUT_UNITS_H

#include "reader.h"

/* Adds a unit; units are added in the order of their places. */
void units_add(struct reader *reader, const struct unit *unit);

/* The unit that a DIE is in; NULL: none. */
const struct unit *units_find(const struct reader *reader, place_t place);

/* Gives each unit of no language that of the program's first unit that has one. */
void units_settle_languages(struct reader *reader);

#endif /* HMAP_LAYOUT_UNITS_H */
