/*
 * elf_merge.h - .dwo files with several sections of one name.
 */
#ifndef HMAP_LAYOUT_ELF_MERGE_H
#define HMAP_LAYOUT_ELF_MERGE_H

#include "elf_image.h"

/* Makes a file in memory in which sections of one name are one: its descriptor, to be closed. -1:
 * the image has no such sections, or an error. */
int elf_merge_sections(const struct elf_image *image, struct arena *arena);

#endif /* HMAP_LAYOUT_ELF_MERGE_H */
