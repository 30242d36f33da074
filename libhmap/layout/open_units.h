/*
 * open_units.h - the units of all files, by their headers.
 */
#ifndef HMAP_LAYOUT_OPEN_UNITS_H
#define HMAP_LAYOUT_OPEN_UNITS_H

#include "reader.h"

/* Notes each unit and each type unit, before any DIE below a unit's own is read, since types refer
 * to later units. Opens the .dwo or .dwp of each split unit. */
bool open_units(struct reader *reader);

/* What a unit's header says. */
struct unit_header {
    Dwarf_Half kind;
    Dwarf_Sig8 signature;
    Dwarf_Unsigned type_offset; /* of a type unit; 0: it is none */
};

/* Calls `visit` with the DIE of each unit, of each file in turn; false: an error. */
typedef void unit_visit_fn(struct reader *reader, size_t file, Dwarf_Die top,
                           const struct unit_header *header);
bool each_unit(struct reader *reader, unit_visit_fn *visit);

#endif /* HMAP_LAYOUT_OPEN_UNITS_H */
