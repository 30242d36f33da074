/*
 * json_read.h - the layout file, read.
 */
#ifndef HMAP_LAYOUT_JSON_READ_H
#define HMAP_LAYOUT_JSON_READ_H

#include "layout.h"

/* Reads the layout file at `path`. */
bool read_json(struct layout *layout, struct arena *arena, const char *path);

#endif /* HMAP_LAYOUT_JSON_READ_H */
