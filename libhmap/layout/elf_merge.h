/*
 * elf_merge.h - .dwo files with several sections of one name, and packages with range lists.
 */
#ifndef HMAP_LAYOUT_ELF_MERGE_H
#define HMAP_LAYOUT_ELF_MERGE_H

#include "elf_image.h"

/* Makes a file in memory in which sections of one name are one, and range lists are left out: its
 * descriptor, to be closed. -1: the image is fine as it is, or an error. */
int elf_merge_sections(const struct elf_image *image, struct arena *arena);

#endif /* HMAP_LAYOUT_ELF_MERGE_H */
