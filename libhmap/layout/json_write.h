/*
 * json_write.h - the layout file, written.
 */
#ifndef HMAP_LAYOUT_JSON_WRITE_H
#define HMAP_LAYOUT_JSON_WRITE_H

#include "layout.h"

#include <stdio.h>

/* False: out of memory. Errors of the stream are left in it. */
bool write_json(const struct layout *layout, struct arena *arena, FILE *stream);

#endif /* HMAP_LAYOUT_JSON_WRITE_H */
