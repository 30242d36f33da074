/*
 * elf_image.c - sections, notes and symbols of a mapped ELF file, of either width and byte order.
 */
#include "elf_image.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NT_GO_BUILD_ID = 4, MAX_SECTIONS = 1 << 20 };

uint64_t elf_number(const struct elf_image *image, const char *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        size_t at = image->is_big_endian ? i : size - 1 - i;
        value = value << 8 | (unsigned char)bytes[at];
    }
    return value;
}

/* A member of a struct in the file, whose layout depends on the width. */
#define MEMBER(image, bytes, type, member)                                            \
    ((image)->is_wide ? elf_number((image), (bytes) + offsetof(Elf64_##type, member), \
                                   sizeof(((Elf64_##type *)0)->member))               \
                      : elf_number((image), (bytes) + offsetof(Elf32_##type, member), \
                                   sizeof(((Elf32_##type *)0)->member)))

#define SIZE_OF(image, type) ((image)->is_wide ? sizeof(Elf64_##type) : sizeof(Elf32_##type))

static bool is_inside(const struct elf_image *image, uint64_t offset, uint64_t size)
{
    return offset <= image->size && size <= image->size - offset;
}

/* The text at the start of a section; empty if it does not end there. */
static const char *first_text(const struct elf_section *section)
{
    bool is_text =
        section->byte_count > 0 && memchr(section->bytes, 0, section->byte_count) != NULL;
    return is_text ? section->bytes : "";
}

/* The text at an offset of a string table, which ends with a NUL; empty if there is none. */
static const char *text_at(const struct elf_section *table, uint64_t offset)
{
    bool is_text = offset < table->byte_count && table->bytes[table->byte_count - 1] == '\0';
    return is_text ? table->bytes + offset : "";
}

static bool map_file(struct elf_image *image, struct arena *arena, const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return arena_fail(arena, "cannot open '%s': %s", path, strerror(errno));
    struct stat status;
    bool done = false;
    if (fstat(file, &status) != 0)
        arena_fail(arena, "cannot read '%s': %s", path, strerror(errno));
    else if (S_ISDIR(status.st_mode))
        arena_fail(arena, "'%s' is a folder: name a program", path);
    else if (!S_ISREG(status.st_mode) || (size_t)status.st_size < sizeof(Elf32_Ehdr))
        arena_fail(arena, "'%s' is not an ELF file: name a program or a shared library", path);
    else {
        image->size = (size_t)status.st_size;
        void *bytes = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE, file, 0);
        if (bytes == MAP_FAILED)
            arena_fail(arena, "cannot read '%s': %s", path, strerror(errno));
        else {
            image->bytes = bytes;
            done = true;
        }
    }
    close(file);
    return done;
}

static void read_section(struct elf_image *image, const char *header, struct elf_section *section)
{
    section->type = MEMBER(image, header, Shdr, sh_type);
    section->flags = MEMBER(image, header, Shdr, sh_flags);
    section->address = MEMBER(image, header, Shdr, sh_addr);
    section->size = MEMBER(image, header, Shdr, sh_size);
    section->link = MEMBER(image, header, Shdr, sh_link);
    uint64_t offset = MEMBER(image, header, Shdr, sh_offset);
    if (section->type != SHT_NOBITS && section->type != SHT_NULL &&
        is_inside(image, offset, section->size)) {
        section->bytes = image->bytes + offset;
        section->byte_count = (size_t)section->size;
    }
}

static bool read_sections(struct elf_image *image, struct arena *arena)
{
    if (memcmp(image->bytes, ELFMAG, SELFMAG) != 0 ||
        (image->bytes[EI_CLASS] != ELFCLASS32 && image->bytes[EI_CLASS] != ELFCLASS64) ||
        (image->bytes[EI_DATA] != ELFDATA2LSB && image->bytes[EI_DATA] != ELFDATA2MSB))
        return arena_fail(arena, "'%s' is not an ELF file: name a program or a shared library",
                          image->path);
    image->is_wide = image->bytes[EI_CLASS] == ELFCLASS64;
    image->is_big_endian = image->bytes[EI_DATA] == ELFDATA2MSB;
    if (image->size < SIZE_OF(image, Ehdr))
        return arena_fail(arena, "'%s' is truncated: its header is incomplete", image->path);
    uint64_t kind = MEMBER(image, image->bytes, Ehdr, e_type);
    image->is_relocatable = kind == ET_REL;
    if (kind == ET_CORE)
        return arena_fail(arena, "'%s' is a core: name the program that dumped it", image->path);
    uint64_t offset = MEMBER(image, image->bytes, Ehdr, e_shoff);
    uint64_t count = MEMBER(image, image->bytes, Ehdr, e_shnum);
    uint64_t names = MEMBER(image, image->bytes, Ehdr, e_shstrndx);
    uint64_t step = SIZE_OF(image, Shdr);
    if (offset == 0)
        return true; /* a program need not have sections */
    if (!is_inside(image, offset, step))
        return arena_fail(arena, "'%s' is truncated: its section headers are missing", image->path);
    const char *first = image->bytes + offset;
    if (count == 0)
        count = MEMBER(image, first, Shdr, sh_size);
    if (names == SHN_XINDEX)
        names = MEMBER(image, first, Shdr, sh_link);
    if (count > MAX_SECTIONS || !is_inside(image, offset, count * step))
        return arena_fail(arena, "'%s' is truncated: its section headers are missing", image->path);
    image->sections = arena_alloc(arena, (size_t)count, sizeof(*image->sections));
    image->section_count = (size_t)count;
    for (size_t i = 0; i < image->section_count; i++)
        read_section(image, first + i * step, &image->sections[i]);
    struct elf_section none = {0};
    const struct elf_section *table = names < count ? &image->sections[names] : &none;
    for (size_t i = 0; i < image->section_count; i++)
        image->sections[i].name = text_at(table, MEMBER(image, first + i * step, Shdr, sh_name));
    return true;
}

bool elf_open(struct elf_image *image, struct arena *arena, const char *path)
{
    *image = (struct elf_image){.path = path};
    if (map_file(image, arena, path) && read_sections(image, arena))
        return true;
    elf_close(image);
    return false;
}

void elf_close(struct elf_image *image)
{
    if (image->bytes != NULL)
        munmap((void *)image->bytes, image->size);
    *image = (struct elf_image){0};
}

const struct elf_section *elf_find_section(const struct elf_image *image, const char *name)
{
    for (size_t i = 0; i < image->section_count; i++)
        if (strcmp(image->sections[i].name, name) == 0)
            return &image->sections[i];
    return NULL;
}

bool elf_has_dwarf(const struct elf_image *image)
{
    /* In a separate debug file, the sections of the program are listed without their bytes. */
    const struct elf_section *info = elf_find_section(image, ".debug_info");
    if (info == NULL)
        info = elf_find_section(image, ".zdebug_info");
    return info != NULL && info->bytes != NULL && info->byte_count > 0;
}

/* ---- notes ----------------------------------------------------------------------------------- */

static struct elf_bytes find_note(const struct elf_image *image, const char *name, uint64_t type)
{
    size_t length = strlen(name);
    size_t unread = image->size; /* less than that if sections overlap: they take no longer */
    for (size_t i = 0; i < image->section_count; i++) {
        const struct elf_section *section = &image->sections[i];
        if (section->type != SHT_NOTE || section->byte_count > unread)
            continue;
        unread -= section->byte_count;
        const char *at = section->bytes;
        size_t left = section->byte_count;
        while (left >= 12) {
            uint64_t name_bytes = elf_number(image, at, 4);
            uint64_t data_bytes = elf_number(image, at + 4, 4);
            uint64_t data = 12 + ((name_bytes + 3) & ~(uint64_t)3);
            uint64_t end = data + ((data_bytes + 3) & ~(uint64_t)3);
            if (data > left || data_bytes > left - data)
                break;
            /* Go's name is followed by two NULs, others by one. */
            bool is_named = name_bytes > length && name_bytes <= length + 4 &&
                            memcmp(at + 12, name, length + 1) == 0;
            if (is_named && elf_number(image, at + 8, 4) == type)
                return (struct elf_bytes){at + data, (size_t)data_bytes};
            if (end > left)
                break;
            at += end;
            left -= (size_t)end;
        }
    }
    return (struct elf_bytes){NULL, 0};
}

struct elf_bytes elf_gnu_build_id(const struct elf_image *image)
{
    return find_note(image, "GNU", NT_GNU_BUILD_ID);
}

struct elf_bytes elf_go_build_id(const struct elf_image *image)
{
    return find_note(image, "Go", NT_GO_BUILD_ID);
}

const char *elf_hexadecimal(struct arena *arena, struct elf_bytes id)
{
    static const char digits[] = "0123456789abcdef";
    char *text = arena_alloc(arena, 2 * id.size + 1, 1);
    for (size_t i = 0; i < id.size; i++) {
        unsigned char byte = (unsigned char)id.bytes[i];
        text[2 * i] = digits[byte >> 4];
        text[2 * i + 1] = digits[byte & 15];
    }
    return text;
}

/* ---- links to other files -------------------------------------------------------------------- */

const char *elf_debug_link(const struct elf_image *image, uint32_t *checksum)
{
    const struct elf_section *section = elf_find_section(image, ".gnu_debuglink");
    if (section == NULL || section->bytes == NULL)
        return NULL;
    const char *name = first_text(section);
    size_t at = (strlen(name) + 4) & ~(size_t)3;
    if (*name == '\0' || section->byte_count < 4 || at > section->byte_count - 4)
        return NULL;
    *checksum = (uint32_t)elf_number(image, section->bytes + at, 4);
    return name;
}

const char *elf_alternative_link(const struct elf_image *image, struct elf_bytes *build_id)
{
    const struct elf_section *section = elf_find_section(image, ".gnu_debugaltlink");
    if (section == NULL || section->bytes == NULL)
        return NULL;
    const char *path = first_text(section);
    if (*path == '\0')
        return NULL;
    size_t at = strlen(path) + 1;
    *build_id = (struct elf_bytes){section->bytes + at, section->byte_count - at};
    return path;
}

/* ---- symbols --------------------------------------------------------------------------------- */

static bool find_symbol(const struct elf_image *image, uint64_t type, const char *name,
                        uint64_t *address)
{
    size_t unread = image->size; /* as of notes */
    for (size_t i = 0; i < image->section_count; i++) {
        const struct elf_section *table = &image->sections[i];
        if (table->type != type || table->byte_count > unread ||
            table->link >= image->section_count)
            continue;
        unread -= table->byte_count;
        const struct elf_section *names = &image->sections[table->link];
        size_t step = SIZE_OF(image, Sym);
        for (size_t at = 0; at + step <= table->byte_count; at += step) {
            const char *symbol = table->bytes + at;
            const char *found = text_at(names, MEMBER(image, symbol, Sym, st_name));
            if (strcmp(found, name) != 0 || MEMBER(image, symbol, Sym, st_shndx) == SHN_UNDEF)
                continue;
            *address = MEMBER(image, symbol, Sym, st_value);
            return true;
        }
    }
    return false;
}

bool elf_symbol(const struct elf_image *image, const char *name, uint64_t *address)
{
    return find_symbol(image, SHT_SYMTAB, name, address) ||
           find_symbol(image, SHT_DYNSYM, name, address);
}
