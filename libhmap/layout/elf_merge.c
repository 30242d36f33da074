/*
 * elf_merge.c - a .dwo file with type units has several sections of one name, one for each COMDAT
 * group, and libdwarf (20210528) refuses it. A .dwp has such sections one after the other in one,
 * so that is what is made here: a file in memory with each section once.
 *
 * libdwarf 0.11 finds no end in the range lists of a .dwp of DWARF 5 (made by llvm-dwp), and then
 * refuses its units. Types need no range lists: that file in memory has none.
 */
#include "elf_merge.h"

#include <dwarf.h>
#include <libdwarf.h>

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The file being made. */
struct merged {
    const struct elf_image *image;
    char *bytes;
    size_t size;
    size_t headers; /* where the section headers begin */
    size_t count;   /* sections so far */
};

static void put(const struct merged *merged, size_t at, size_t size, uint64_t value)
{
    for (size_t i = 0; i < size; i++) {
        size_t byte = merged->image->is_big_endian ? size - 1 - i : i;
        merged->bytes[at + byte] = (char)(value >> (8 * i) & 0xff);
    }
}

/* Sets a member of a struct that begins at `at`. */
#define PUT(merged, at, type, member, value)                                         \
    ((merged)->image->is_wide ? put((merged), (at) + offsetof(Elf64_##type, member), \
                                    sizeof(((Elf64_##type *)0)->member), (value))    \
                              : put((merged), (at) + offsetof(Elf32_##type, member), \
                                    sizeof(((Elf32_##type *)0)->member), (value)))

static bool is_first(const struct elf_image *image, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(image->sections[i].name, image->sections[index].name) == 0)
            return false;
    return true;
}

static bool is_range_lists(const struct elf_section *section)
{
#ifdef DW_LIBDWARF_VERSION_MAJOR /* from 0.3.3 on */
    return strcmp(section->name, ".debug_rnglists.dwo") == 0;
#else
    (void)section;
    return false;
#endif
}

static bool is_merged(const struct elf_section *section)
{
    return section->bytes != NULL && strncmp(section->name, ".debug_", 7) == 0 &&
           !is_range_lists(section);
}

/* Appends all sections of the name of section `index` as one, with its header and its name. */
static void add_section(struct merged *merged, size_t index, size_t *names)
{
    const struct elf_image *image = merged->image;
    const struct elf_section *first = &image->sections[index];
    size_t header = merged->headers +
                    merged->count++ * (image->is_wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr));
    size_t begin = merged->size;
    for (size_t i = index; i < image->section_count; i++) {
        const struct elf_section *section = &image->sections[i];
        if (!is_merged(section) || strcmp(section->name, first->name) != 0)
            continue;
        memcpy(merged->bytes + merged->size, section->bytes, section->byte_count);
        merged->size += section->byte_count;
    }
    PUT(merged, header, Shdr, sh_name, *names);
    PUT(merged, header, Shdr, sh_type, SHT_PROGBITS);
    PUT(merged, header, Shdr, sh_flags, first->flags & SHF_COMPRESSED);
    PUT(merged, header, Shdr, sh_offset, begin);
    PUT(merged, header, Shdr, sh_size, merged->size - begin);
    PUT(merged, header, Shdr, sh_addralign, 1);
    *names += strlen(first->name) + 1;
}

/* The table of names, in the order that add_section() assumed, and its own name. */
static void add_names(struct merged *merged)
{
    static const char own[] = ".shstrtab";
    const struct elf_image *image = merged->image;
    size_t step = image->is_wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
    size_t header = merged->headers + merged->count * step;
    size_t begin = merged->size++;
    for (size_t i = 0; i < image->section_count; i++) {
        if (!is_merged(&image->sections[i]) || !is_first(image, i))
            continue;
        size_t length = strlen(image->sections[i].name) + 1;
        memcpy(merged->bytes + merged->size, image->sections[i].name, length);
        merged->size += length;
    }
    PUT(merged, header, Shdr, sh_name, merged->size - begin);
    memcpy(merged->bytes + merged->size, own, sizeof(own));
    merged->size += sizeof(own);
    PUT(merged, header, Shdr, sh_type, SHT_STRTAB);
    PUT(merged, header, Shdr, sh_offset, begin);
    PUT(merged, header, Shdr, sh_size, merged->size - begin);
    PUT(merged, header, Shdr, sh_addralign, 1);
    PUT(merged, 0, Ehdr, e_shnum, merged->count + 1);
    PUT(merged, 0, Ehdr, e_shstrndx, merged->count);
}

static void make(struct merged *merged)
{
    const struct elf_image *image = merged->image;
    size_t head = image->is_wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
    size_t step = image->is_wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
    size_t names = 1;
    memcpy(merged->bytes, image->bytes, head);
    merged->headers = head;
    merged->size = head + (image->section_count + 1) * step;
    merged->count = 1; /* number 0 stands for no section */
    PUT(merged, 0, Ehdr, e_shoff, head);
    PUT(merged, 0, Ehdr, e_shentsize, step);
    for (size_t i = 0; i < image->section_count; i++)
        if (is_merged(&image->sections[i]) && is_first(image, i))
            add_section(merged, i, &names);
    add_names(merged);
}

int elf_merge_sections(const struct elf_image *image, struct arena *arena)
{
    size_t room = sizeof(Elf64_Ehdr) + 64;
    bool is_package = elf_find_section(image, ".debug_cu_index") != NULL;
    bool is_changed = false;
    for (size_t i = 0; i < image->section_count; i++) {
        const struct elf_section *section = &image->sections[i];
        room += sizeof(Elf64_Shdr) + strlen(section->name) + 1;
        is_changed |= is_package && is_range_lists(section);
        if (!is_merged(section))
            continue;
        room += section->byte_count;
        /* Compressed sections cannot be joined. */
        is_changed |= !is_first(image, i) && (section->flags & SHF_COMPRESSED) == 0;
    }
    if (!is_changed)
        return -1;
    int file = memfd_create("hmap-layout", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, (off_t)room) != 0) {
        arena_fail(arena, "cannot make a file in memory: %s", strerror(errno));
    } else {
        struct merged merged = {.image = image};
        void *bytes = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (bytes != MAP_FAILED) {
            merged.bytes = bytes;
            make(&merged);
            munmap(bytes, room);
            return file;
        }
        arena_fail(arena, "cannot make a file in memory: %s", strerror(errno));
    }
    if (file >= 0)
        close(file);
    return -1;
}
