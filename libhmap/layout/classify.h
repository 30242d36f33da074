/*
 * classify.h - the families of maps, as far as DWARF shows them.
 */
#ifndef HMAP_LAYOUT_CLASSIFY_H
#define HMAP_LAYOUT_CLASSIFY_H

#include "reader.h"

bool is_wanted_type(const char *name, enum language language);
bool is_wanted_variable(const char *name);
bool is_wanted_constant(const char *name);
extern const char *const wanted_functions[]; /* ends with NULL */

/* What a loaded struct is, by its name and those of its fields. */
enum role role_of(const struct reader *reader, const struct source_type *type);

/* Whether a loaded struct is an interface of Go, which may lead to anything. */
bool is_interface(const struct source_type *type);

#endif /* HMAP_LAYOUT_CLASSIFY_H */
