/*
 * declarator.h - names of types.
 */
#ifndef HMAP_LAYOUT_DECLARATOR_H
#define HMAP_LAYOUT_DECLARATOR_H

#include "reader.h"

/* A type's name as gdb spells it. */
const char *spell_type(struct reader *reader, uint32_t type);

#endif /* HMAP_LAYOUT_DECLARATOR_H */
