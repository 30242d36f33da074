/*
 * compare.h - what has changed between two layouts.
 */
#ifndef HMAP_LAYOUT_COMPARE_H
#define HMAP_LAYOUT_COMPARE_H

#include "layout.h"

#include <stdio.h>

/*
 * Prints a line for each difference and returns their number. What every build changes (identity,
 * addresses) is not a difference, and neither is a new struct.
 */
size_t compare_layouts(const struct layout *old, const struct layout *now, struct arena *arena,
                       FILE *stream);

#endif /* HMAP_LAYOUT_COMPARE_H */
