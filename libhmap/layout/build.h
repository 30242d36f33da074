/*
 * build.h - from what was kept to the struct layout.
 */
#ifndef HMAP_LAYOUT_BUILD_H
#define HMAP_LAYOUT_BUILD_H

#include "reader.h"

/* Fills in everything of the layout but the program's name. The types have been closed. */
bool build_layout(struct reader *reader, struct layout *layout);

#endif /* HMAP_LAYOUT_BUILD_H */
