/*
 * dwarf_input.h - what libdwarf gets to read of a file.
 */
#ifndef HMAP_LAYOUT_DWARF_INPUT_H
#define HMAP_LAYOUT_DWARF_INPUT_H

#include "elf_image.h"

#include <libdwarf.h>

enum dwarf_input {
    DWARF_INPUT_LINKED,
    DWARF_INPUT_SPLIT,      /* a .dwo or a .dwp */
    DWARF_INPUT_RELOCATABLE /* an object file: then all files of this process must be of this kind */
};

/* Opens the DWARF of a file. The image and the arena's memory must stay until dwarf_input_close().
 * False: the arena's error says why. */
bool dwarf_input_open(const struct elf_image *image, struct arena *arena, enum dwarf_input kind,
                      Dwarf_Debug *out);

void dwarf_input_close(enum dwarf_input kind, Dwarf_Debug dbg);

#endif /* HMAP_LAYOUT_DWARF_INPUT_H */
