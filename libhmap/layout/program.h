/*
 * program.h - the layout of a program.
 */
#ifndef HMAP_LAYOUT_PROGRAM_H
#define HMAP_LAYOUT_PROGRAM_H

#include "layout.h"
#include "progress.h"

/* Reads the layout of the program at `path`; `debug_folders` and `also`, further types that are kept
 * as those of maps are, end with NULL. It fails if the program lacks one of those. What libdwarf does
 * with malformed DWARF is not known: see isolate.h. */
bool layout_of_program(struct layout *layout, struct arena *arena, const char *path,
                       const char *const *debug_folders, const char *const *also,
                       struct progress *progress);

#endif /* HMAP_LAYOUT_PROGRAM_H */
