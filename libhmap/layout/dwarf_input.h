/*
 * dwarf_input.h - what libdwarf gets to read of a file.
 */
#ifndef HMAP_LAYOUT_DWARF_INPUT_H
#define HMAP_LAYOUT_DWARF_INPUT_H

#include "elf_image.h"

#include <libdwarf.h>

/* Opens the DWARF of a file, in split units if `is_split`. The image must stay open until
 * dwarf_input_close(). False: the arena's error says why. */
bool dwarf_input_open(const struct elf_image *image, struct arena *arena, bool is_split,
                      Dwarf_Debug *out);

void dwarf_input_close(const struct elf_image *image, bool is_split, Dwarf_Debug dbg);

#endif /* HMAP_LAYOUT_DWARF_INPUT_H */
