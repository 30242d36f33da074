/*
 * debug_files.h - the files that a program's DWARF is in.
 */
#ifndef HMAP_LAYOUT_DEBUG_FILES_H
#define HMAP_LAYOUT_DEBUG_FILES_H

#include "reader.h"

/* Opens the program, the file that its DWARF is in, and dwz's if there is one. */
bool debug_files_open(struct reader *reader);

/* Opens the .dwo file that a skeleton unit names, or the program's .dwp, unless it is open; sets
 * `*index` to its number among the files. */
bool debug_files_open_split(struct reader *reader, const char *name, const char *folder,
                            size_t *index);

void debug_files_close(struct reader *reader);

#endif /* HMAP_LAYOUT_DEBUG_FILES_H */
