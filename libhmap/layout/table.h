/*
 * table.h - the layout as people read it.
 */
#ifndef HMAP_LAYOUT_TABLE_H
#define HMAP_LAYOUT_TABLE_H

#include "layout.h"

#include <stdio.h>

/* Prints the structs in pahole's style, as gdb's hmap-layout does: all, or those of `names` (which
 * ends with NULL) unless it is NULL or empty. False: there is none of a name. */
bool write_table(const struct layout *layout, struct arena *arena, const char *const *names,
                 FILE *stream);

#endif /* HMAP_LAYOUT_TABLE_H */
