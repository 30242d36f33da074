/*
 * closure.h - which types are kept.
 */
#ifndef HMAP_LAYOUT_CLOSURE_H
#define HMAP_LAYOUT_CLOSURE_H

#include "reader.h"

/* Sets `role`, `reaches_map` and `demand` of all loaded types. */
void close_types(struct reader *reader);

/* Whether a variable leads to a map, or is one that a family asks for. */
bool is_kept_variable(const struct reader *reader, const struct variable *variable);

#endif /* HMAP_LAYOUT_CLOSURE_H */
