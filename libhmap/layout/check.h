/*
 * check.h - an earlier layout, read from its file, and what has changed since.
 */
#ifndef HMAP_LAYOUT_CHECK_H
#define HMAP_LAYOUT_CHECK_H

#include "layout.h"

#include <stdio.h>

/* Reads a layout file. */
bool read_json(struct layout *layout, struct arena *arena, const char *path);

/*
 * Writes a line for each difference between what is in both; returns their number. What only one
 * build has by its nature (identity, addresses) is no difference, nor is a struct that is new.
 */
size_t compare_layouts(const struct layout *old, const struct layout *now, struct arena *arena,
                       FILE *stream);

#endif /* HMAP_LAYOUT_CHECK_H */
