/*
 * scan.h - what the units define, by name.
 */
#ifndef HMAP_LAYOUT_SCAN_H
#define HMAP_LAYOUT_SCAN_H

#include "reader.h"

/* Notes variables, constants, complete structs, and the types that a family asks for. The units
 * have been opened. */
bool scan(struct reader *reader);

#endif /* HMAP_LAYOUT_SCAN_H */
