/*
 * elf_image.h - what is needed of an ELF file besides its DWARF: its build id, its symbols, and the
 * links to separate debug files. Nothing in the file is trusted.
 */
#ifndef HMAP_LAYOUT_ELF_IMAGE_H
#define HMAP_LAYOUT_ELF_IMAGE_H

#include "arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_section {
    const char *name;
    uint64_t type;
    uint64_t flags;
    uint64_t address;
    uint64_t size;     /* in memory */
    const char *bytes; /* in the file; NULL: none */
    size_t byte_count;
    uint64_t link;
};

struct elf_image {
    const char *path;
    const char *bytes; /* the whole file, mapped */
    size_t size;
    bool is_wide; /* 64 bits */
    bool is_big_endian;
    bool is_relocatable; /* made by the compiler, not by the linker */
    struct elf_section *sections;
    size_t section_count;
};

struct elf_bytes {
    const char *bytes; /* NULL: there is none */
    size_t size;
};

/* Opens and closes; after a failure the image is closed. */
bool elf_open(struct elf_image *image, struct arena *arena, const char *path);
void elf_close(struct elf_image *image);

/* An unsigned number of `size` bytes at `bytes`, in the file's byte order. */
uint64_t elf_number(const struct elf_image *image, const char *bytes, size_t size);

/* NULL: there is none of that name. */
const struct elf_section *elf_find_section(const struct elf_image *image, const char *name);

/* Whether there is DWARF in the file itself. */
bool elf_has_dwarf(const struct elf_image *image);

/* The build ids of the GNU linker (bytes) and of Go (text). */
struct elf_bytes elf_gnu_build_id(const struct elf_image *image);
struct elf_bytes elf_go_build_id(const struct elf_image *image);

/* Bytes as lower-case hexadecimal. */
const char *elf_hexadecimal(struct arena *arena, struct elf_bytes id);

/* .gnu_debuglink: the name of the file with the DWARF, and its CRC-32; NULL: none. */
const char *elf_debug_link(const struct elf_image *image, uint32_t *checksum);

/* .gnu_debugaltlink: the path of dwz's file of common parts, and its build id; NULL: none. */
const char *elf_alternative_link(const struct elf_image *image, struct elf_bytes *build_id);

/* The address of a defined symbol; false: there is none of that name. */
bool elf_symbol(const struct elf_image *image, const char *name, uint64_t *address);

#endif /* HMAP_LAYOUT_ELF_IMAGE_H */
