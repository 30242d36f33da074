/*
 * dwarf_input.c - libdwarf reads neither the file nor its headers: it gets sections of the mapped
 * file, and only those that types are in. So it copies nothing, and what it does badly it never does:
 *
 * - 20210528 frees broken range lists (.debug_rnglists) twice and starts again, for ever; 0.11 finds
 *   no end in those of a .dwp of DWARF 5 (made by llvm-dwp). Types need neither range lists nor
 *   location lists.
 * - 20210528 refuses a .dwo file with type units, which has several sections of one name, one for
 *   each COMDAT group. A .dwp has such sections one after the other in one, so they are joined.
 *
 * libdwarf itself opens a relocatable file that is not split, which it relocates, and 20210528 also
 * split files with compressed sections, which it cannot be given.
 */
#include "dwarf_input.h"

#include <dwarf.h>

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#ifdef DW_LIBDWARF_VERSION_MAJOR /* from 0.3.3 on */
#define INIT_PATH(path, group, dbg, error) \
    dwarf_init_path((path), NULL, 0, (group), NULL, NULL, (dbg), (error))
#define FINISH(dbg)        dwarf_finish(dbg)
#define OBJECT_FINISH(dbg) dwarf_object_finish(dbg)
typedef Dwarf_Obj_Access_Interface_a access_interface;
typedef Dwarf_Obj_Access_Methods_a access_methods;
typedef Dwarf_Obj_Access_Section_a access_section;
typedef Dwarf_Unsigned section_number;
typedef Dwarf_Small byte_order;
enum { BIG_ENDIAN_ORDER = DW_END_big, LITTLE_ENDIAN_ORDER = DW_END_little };
#define METHOD(name)    om_##name
#define INTERFACE(name) ai_##name
#define SECTION(name)   as_##name
#else /* Debian 12 has 20210528 */
#define INIT_PATH(path, group, dbg, error) \
    dwarf_init_path((path), NULL, 0, 0, (group), NULL, NULL, (dbg), NULL, 0, NULL, (error))
#define FINISH_BY(function, dbg)    \
    do {                            \
        Dwarf_Error ignored = NULL; \
        function(dbg, &ignored);    \
    } while (0)
#define FINISH(dbg)        FINISH_BY(dwarf_finish, dbg)
#define OBJECT_FINISH(dbg) FINISH_BY(dwarf_object_finish, dbg)
typedef Dwarf_Obj_Access_Interface access_interface;
typedef Dwarf_Obj_Access_Methods access_methods;
typedef Dwarf_Obj_Access_Section access_section;
typedef Dwarf_Half section_number;
typedef Dwarf_Endianness byte_order;
enum { BIG_ENDIAN_ORDER = DW_OBJECT_MSB, LITTLE_ENDIAN_ORDER = DW_OBJECT_LSB };
#define METHOD(name)       name
#define INTERFACE(name)    name
#define SECTION(name)      name
#endif

/* ---- the sections that types are in ---------------------------------------------------------- */

/* What follows ".debug_", or ".zdebug_" if it is compressed in GNU's old format. */
static const char *const wanted[] = {
    "info",        "types",      "abbrev",          "str",      "line_str",
    "addr",        "cu_index",   "tu_index",        "info.dwo", "types.dwo",
    "str_offsets", "abbrev.dwo", "str_offsets.dwo", "str.dwo",
};
enum { WANTED = sizeof(wanted) / sizeof(*wanted) };

/* A section as libdwarf sees it. */
struct part {
    const char *name; /* NULL: there is none */
    const char *bytes;
    size_t size;
    uint64_t flags;
    size_t pieces; /* sections of the file that it is made of */
};

struct input {
    access_interface interface;
    struct elf_image image; /* a copy: the caller's may move */
    struct part parts[WANTED];
};

static size_t part_of(const char *name)
{
    const char *rest = NULL;
    if (strncmp(name, ".debug_", 7) == 0)
        rest = name + 7;
    else if (strncmp(name, ".zdebug_", 8) == 0)
        rest = name + 8;
    size_t i = 0;
    while (i < WANTED && (rest == NULL || strcmp(rest, wanted[i]) != 0))
        i++;
    return i;
}

static bool is_compressed(const struct elf_section *section)
{
    return (section->flags & SHF_COMPRESSED) != 0 || section->name[1] == 'z';
}

/* Notes of what each part is made; sections that overlap could add up to any size. */
static bool measure(struct input *input, struct arena *arena)
{
    const struct elf_image *image = &input->image;
    size_t left = image->size;
    for (size_t i = 0; i < image->section_count; i++) {
        const struct elf_section *section = &image->sections[i];
        size_t which = part_of(section->name);
        if (which == WANTED || section->bytes == NULL || section->byte_count == 0)
            continue;
        struct part *part = &input->parts[which];
        if (section->byte_count > left)
            return arena_fail(arena, "malformed DWARF in '%s': section '%s' overlaps another one",
                              image->path, section->name);
        left -= section->byte_count;
        if (part->pieces > 0 && (is_compressed(section) || part->flags != 0))
            return arena_fail(arena,
                              "'%s' has several sections '%s', which are compressed: run 'objcopy "
                              "--decompress-debug-sections' on it first",
                              image->path, section->name);
        part->name = section->name;
        part->bytes = section->bytes;
        part->size += section->byte_count;
        part->flags = section->flags & SHF_COMPRESSED;
        part->pieces++;
    }
    return true;
}

static void join(struct input *input, struct arena *arena)
{
    const struct elf_image *image = &input->image;
    for (size_t which = 0; which < WANTED; which++) {
        struct part *part = &input->parts[which];
        if (part->pieces < 2)
            continue;
        char *to = arena_alloc(arena, part->size, 1);
        part->bytes = to;
        for (size_t i = 0; i < image->section_count; i++) {
            const struct elf_section *section = &image->sections[i];
            if (section->bytes == NULL || part_of(section->name) != which)
                continue;
            memcpy(to, section->bytes, section->byte_count);
            to += section->byte_count;
        }
    }
}

/* ---- compressed sections --------------------------------------------------------------------- */

#ifdef DW_LIBDWARF_VERSION_MAJOR
static bool adapt(struct input *input, struct arena *arena)
{
    (void)input;
    (void)arena;
    return true;
}
#else
/*
 * 20210528 sees a section's flags only in a file that it reads itself. It knows a compressed section
 * by its name in GNU's old format, which has another header before the same data: "ZLIB" and the
 * size, big-endian.
 */
static bool adapt_part(const struct elf_image *image, struct part *part, struct arena *arena)
{
    enum { OLD_HEADER = 12 };
    size_t header = image->is_wide ? sizeof(Elf64_Chdr) : sizeof(Elf32_Chdr);
    size_t width = image->is_wide ? 8 : 4; /* of the size, which the type and padding precede */
    if (part->size < header || elf_number(image, part->bytes, 4) != ELFCOMPRESS_ZLIB)
        return arena_fail(arena,
                          "section '%s' of '%s' is compressed, not by zlib: run 'objcopy "
                          "--decompress-debug-sections' on it first",
                          part->name, image->path);
    uint64_t size = elf_number(image, part->bytes + width, width);
    char *bytes = arena_alloc(arena, OLD_HEADER + part->size - header, 1);
    memcpy(bytes, "ZLIB", 4);
    for (size_t i = 0; i < 8; i++)
        bytes[4 + i] = (char)(size >> (8 * (7 - i)) & 0xff);
    memcpy(bytes + OLD_HEADER, part->bytes + header, part->size - header);
    part->bytes = bytes;
    part->size = OLD_HEADER + part->size - header;
    part->name = arena_format(arena, ".z%s", part->name + 1);
    return true;
}

static bool adapt(struct input *input, struct arena *arena)
{
    for (size_t i = 0; i < WANTED; i++)
        if (input->parts[i].flags != 0 && !adapt_part(&input->image, &input->parts[i], arena))
            return false;
    return true;
}
#endif

/* ---- what libdwarf calls --------------------------------------------------------------------- */

/* Section 0 is none, as in ELF; part i is section i + 1. */
static int get_section_info(void *object, section_number number, access_section *out, int *error)
{
    const struct input *input = object;
    (void)error;
    memset(out, 0, sizeof(*out));
    out->SECTION(name) = "";
    if (number == 0 || number > WANTED || input->parts[number - 1].name == NULL)
        return DW_DLV_OK;
    const struct part *part = &input->parts[number - 1];
    out->SECTION(name) = part->name;
    out->SECTION(type) = SHT_PROGBITS;
    out->SECTION(size) = part->size;
#ifdef DW_LIBDWARF_VERSION_MAJOR
    out->as_flags = part->flags;
    out->as_addralign = 1;
#endif
    return DW_DLV_OK;
}

static byte_order get_byte_order(void *object)
{
    const struct input *input = object;
    return (byte_order)(input->image.is_big_endian ? BIG_ENDIAN_ORDER : LITTLE_ENDIAN_ORDER);
}

static Dwarf_Small get_width(void *object)
{
    const struct input *input = object;
    return input->image.is_wide ? 8 : 4;
}

static Dwarf_Unsigned get_section_count(void *object)
{
    (void)object;
    return WANTED + 1;
}

static int load_section(void *object, section_number number, Dwarf_Small **out, int *error)
{
    const struct input *input = object;
    (void)error;
    if (number == 0 || number > WANTED || input->parts[number - 1].bytes == NULL)
        return DW_DLV_NO_ENTRY;
    /* libdwarf only reads it: nothing is relocated. */
    *out = (Dwarf_Small *)(uintptr_t)input->parts[number - 1].bytes;
    return DW_DLV_OK;
}

#ifdef DW_LIBDWARF_VERSION_MAJOR
static Dwarf_Unsigned get_file_size(void *object)
{
    const struct input *input = object;
    return input->image.size;
}
#endif

static const access_methods methods = {
    .METHOD(get_section_info) = get_section_info,
    .METHOD(get_byte_order) = get_byte_order,
    .METHOD(get_length_size) = get_width,
    .METHOD(get_pointer_size) = get_width,
    .METHOD(get_section_count) = get_section_count,
    .METHOD(load_section) = load_section,
#ifdef DW_LIBDWARF_VERSION_MAJOR
    .om_get_filesize = get_file_size,
#endif
};

/* ---- opening and closing --------------------------------------------------------------------- */

static bool is_read_by_libdwarf(const struct elf_image *image, bool is_split)
{
    if (!is_split)
        return image->is_relocatable;
#ifndef DW_LIBDWARF_VERSION_MAJOR
    for (size_t i = 0; i < image->section_count; i++)
        if (part_of(image->sections[i].name) != WANTED && is_compressed(&image->sections[i]))
            return true;
#endif
    return false;
}

bool dwarf_input_open(const struct elf_image *image, struct arena *arena, bool is_split,
                      Dwarf_Debug *out)
{
    unsigned group = is_split ? DW_GROUPNUMBER_DWO : DW_GROUPNUMBER_BASE;
    Dwarf_Error error = NULL;
    int result = DW_DLV_OK;
    *out = NULL;
    if (is_read_by_libdwarf(image, is_split)) {
        result = INIT_PATH(image->path, group, out, &error);
    } else {
        struct input *input = arena_alloc(arena, 1, sizeof(*input));
        input->interface.INTERFACE(object) = input;
        input->interface.INTERFACE(methods) = &methods;
        input->image = *image;
        if (!measure(input, arena) || !adapt(input, arena))
            return false;
        join(input, arena);
        result = dwarf_object_init_b(&input->interface, NULL, NULL, group, out, &error);
    }
    if (result == DW_DLV_OK)
        return true;
    if (result == DW_DLV_NO_ENTRY)
        return arena_fail(arena, "cannot open '%s' as DWARF", image->path);
    arena_fail(arena, "malformed DWARF in '%s': %s", image->path, dwarf_errmsg(error));
    dwarf_dealloc_error(NULL, error); /* there is no Dwarf_Debug that owns it */
    return false;
}

void dwarf_input_close(const struct elf_image *image, bool is_split, Dwarf_Debug dbg)
{
    if (dbg == NULL)
        return;
    if (is_read_by_libdwarf(image, is_split))
        FINISH(dbg);
    else
        OBJECT_FINISH(dbg);
}
