/*
 * form.h - the values of attributes. Compilers differ in the form that they give an attribute, and
 * libdwarf's calls take some forms and not others, so each form is handled by itself.
 *
 * Each function returns false on failure, with libdwarf's error in `*error` or the arena's set.
 */
#ifndef HMAP_LAYOUT_FORM_H
#define HMAP_LAYOUT_FORM_H

#include "reader.h"

/* A constant of any form. `*known` false: the attribute is not a constant (an expression, a range).
 */
bool form_constant(Dwarf_Attribute attribute, Dwarf_Half form, int64_t *out, bool *known,
                   Dwarf_Error *error);

/* The bytes of an expression. */
struct expression {
    const unsigned char *at; /* NULL: the attribute is not an expression (a list of locations) */
    size_t left;
};

bool form_expression(Dwarf_Debug dbg, Dwarf_Attribute attribute, Dwarf_Half form,
                     struct expression *out, Dwarf_Error *error);

/* Takes numbers off an expression's front; false: it is cut off, or the number is too large. */
bool expression_take_uleb(struct expression *expression, uint64_t *out);
bool expression_take_address(struct expression *expression, const struct elf_image *image,
                             uint64_t *out);

bool form_flag(Dwarf_Attribute attribute, bool *out, Dwarf_Error *error);

/* The text of an attribute of `die`; it is part of the file. */
bool form_text(struct reader *reader, size_t file, Dwarf_Die die, Dwarf_Attribute attribute,
               Dwarf_Half form, const char **out, Dwarf_Error *error);

#endif /* HMAP_LAYOUT_FORM_H */
