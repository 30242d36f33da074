/*
 * dwarf_input.c - libdwarf reads neither the file nor its headers: it gets sections of the mapped
 * file, and only those that types are in. So it copies nothing, and what it does badly it never does:
 *
 * - 20210528 frees broken range lists (.debug_rnglists) twice and starts again, for ever; 0.11 finds
 *   no end in those of a .dwp of DWARF 5 (made by llvm-dwp). Types need neither range lists nor
 *   location lists.
 * - 20210528 refuses a .dwo file with type units, which has several sections of one name, one for
 *   each COMDAT group. A .dwp has such sections one after the other in one, so they are joined.
 * - 20210528 knows of compressed sections only in a file that it reads itself, and refuses what
 *   shrank to less than a sixteenth.
 *
 * A relocatable file it opens itself, and relocates it. 20210528 cannot do both in one process: its
 * reader of ELF files leaves a function behind that is then called for all files.
 */
#include "dwarf_input.h"

#include <dwarf.h>

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

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
    "cu_index",        "tu_index", "info",     "types",     "abbrev",      "str",
    "line_str",        "addr",     "info.dwo", "types.dwo", "str_offsets", "abbrev.dwo",
    "str_offsets.dwo", "str.dwo",
};
enum { CU_INDEX, TU_INDEX, WANTED = sizeof(wanted) / sizeof(*wanted) };

/* A section as libdwarf sees it. */
struct part {
    const char *name; /* NULL: there is none */
    const char *bytes;
    size_t size;
    uint64_t flags;
};

/* A section of the file: one of those that make a part. */
struct piece {
    const struct elf_section *section;
    size_t part;
    const char *bytes; /* decompressed */
    size_t size;
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

/* The pieces of all parts, in the order of the file. Their sizes add up to no more than the file's:
 * sections that overlap one another could make any number of bytes of a small file. NULL: an error. */
static struct piece *find_pieces(const struct input *input, struct arena *arena, size_t *count)
{
    const struct elf_image *image = &input->image;
    size_t room = WANTED;
    size_t left = image->size;
    struct piece *pieces = arena_alloc(arena, room, sizeof(*pieces));
    *count = 0;
    for (size_t i = 0; i < image->section_count; i++) {
        const struct elf_section *section = &image->sections[i];
        size_t part = part_of(section->name);
        if (part == WANTED || section->bytes == NULL || section->byte_count == 0)
            continue;
        if (section->byte_count > left) {
            arena_fail(arena, "malformed DWARF in '%s': section '%s' overlaps another one",
                       image->path, section->name);
            return NULL;
        }
        left -= section->byte_count;
        if (*count == room) {
            room *= 2;
            pieces = arena_grow(arena, pieces, *count, room, sizeof(*pieces));
        }
        pieces[(*count)++] = (struct piece){section, part, section->bytes, section->byte_count};
    }
    return pieces;
}

/* ---- compressed sections --------------------------------------------------------------------- */

enum { MOST_INFLATION = 1032 }; /* of zlib's format */

static bool inflate_piece(const struct elf_image *image, struct arena *arena, struct piece *piece,
                          size_t header, uint64_t size)
{
    const char *name = piece->section->name;
    if (size / MOST_INFLATION > piece->size)
        return arena_fail(arena, "malformed DWARF in '%s': section '%s' is not as large as it says",
                          image->path, name);
    char *bytes = arena_alloc(arena, (size_t)size + 1, 1);
    uLongf inflated = (uLongf)size;
    if (arena->failed)
        return false;
    if (uncompress((Bytef *)bytes, &inflated, (const Bytef *)piece->bytes + header,
                   (uLong)(piece->size - header)) != Z_OK ||
        inflated != size)
        return arena_fail(arena, "malformed DWARF in '%s': section '%s' cannot be decompressed",
                          image->path, name);
    piece->bytes = bytes;
    piece->size = (size_t)size;
    return true;
}

/* Decompresses a piece. What zlib did not compress is libdwarf's, if it can: zstd from 0.8 on. */
static bool decompress(struct input *input, struct arena *arena, struct piece *piece)
{
    const struct elf_image *image = &input->image;
    const struct elf_section *section = piece->section;
    if (strncmp(section->name, ".zdebug_", 8) == 0) {
        /* GNU's old format: "ZLIB" and the size, big-endian */
        uint64_t size = 0;
        if (piece->size < 12 || memcmp(piece->bytes, "ZLIB", 4) != 0)
            return arena_fail(arena, "malformed DWARF in '%s': section '%s' is not compressed",
                              image->path, section->name);
        for (size_t i = 4; i < 12; i++)
            size = size << 8 | (unsigned char)piece->bytes[i];
        return inflate_piece(image, arena, piece, 12, size);
    }
    if ((section->flags & SHF_COMPRESSED) == 0)
        return true;
    size_t header = image->is_wide ? sizeof(Elf64_Chdr) : sizeof(Elf32_Chdr);
    size_t width = image->is_wide ? 8 : 4; /* of the size, which the type and padding precede */
    if (piece->size < header)
        return arena_fail(arena, "malformed DWARF in '%s': section '%s' is cut off", image->path,
                          section->name);
    if (elf_number(image, piece->bytes, 4) == ELFCOMPRESS_ZLIB)
        return inflate_piece(image, arena, piece, header,
                             elf_number(image, piece->bytes + width, width));
#ifdef DW_LIBDWARF_VERSION_MAJOR
    input->parts[piece->part].flags = SHF_COMPRESSED;
    return true;
#else
    return arena_fail(arena,
                      "section '%s' of '%s' is not compressed by zlib: run 'objcopy "
                      "--decompress-debug-sections' on it first",
                      section->name, image->path);
#endif
}

/* ---- parts ----------------------------------------------------------------------------------- */

/* Makes one part of its pieces. */
static bool join(struct input *input, struct arena *arena, size_t which, const struct piece *pieces,
                 size_t count)
{
    struct part *part = &input->parts[which];
    size_t total = 0;
    size_t number = 0;
    for (size_t i = 0; i < count; i++) {
        total += pieces[i].part == which ? pieces[i].size : 0;
        number += pieces[i].part == which;
    }
    char *joined = number > 1 ? arena_alloc(arena, total, 1) : NULL;
    if (arena->failed)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].part != which)
            continue;
        part->name = arena_format(arena, ".debug_%s", wanted[which]);
        part->bytes = joined == NULL ? pieces[i].bytes : joined;
        if (joined != NULL)
            memcpy(joined + part->size, pieces[i].bytes, pieces[i].size);
        part->size += pieces[i].size;
    }
    return number < 2 || part->flags == 0 ||
           arena_fail(
               arena,
               "'%s' has several sections '%s' that are not compressed by zlib: run 'objcopy "
               "--decompress-debug-sections' on it first",
               input->image.path, part->name);
}

/*
 * The index of a package is a hash table: four numbers, of which the last one counts the slots, then
 * eight bytes of key and four of index for each slot. libdwarf (20210528) searches until it meets
 * the key or an empty slot: for ever if there is none, or if its steps do not reach all slots, as they
 * do if these are a power of two.
 */
static bool check_index(const struct input *input, struct arena *arena, struct part *part)
{
    enum { HEADER = 16, KEY = 8, INDEX = 4 };
    static const char empty[KEY];
    if (part->name == NULL || part->flags != 0)
        return true;
    if (part->size < HEADER)
        return arena_fail(arena, "malformed DWARF in '%s': section '%s' is cut off",
                          input->image.path, part->name);
    size_t slots = (size_t)elf_number(&input->image, part->bytes + HEADER - 4, 4);
    if (slots == 0) { /* of no units */
        part->name = NULL;
        return true;
    }
    if (slots > (part->size - HEADER) / (KEY + INDEX) || (slots & (slots - 1)) != 0)
        return arena_fail(arena, "malformed DWARF in '%s': section '%s' has a table of %zu slots",
                          input->image.path, part->name, slots);
    const char *keys = part->bytes + HEADER;
    const char *indices = keys + slots * KEY;
    for (size_t i = 0; i < slots; i++)
        if (memcmp(keys + i * KEY, empty, KEY) == 0 &&
            memcmp(indices + i * INDEX, empty, INDEX) == 0)
            return true;
    return arena_fail(arena,
                      "malformed DWARF in '%s': section '%s' has a table without an empty slot",
                      input->image.path, part->name);
}

static bool make_parts(struct input *input, struct arena *arena)
{
    size_t count = 0;
    struct piece *pieces = find_pieces(input, arena, &count);
    if (pieces == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!decompress(input, arena, &pieces[i]))
            return false;
    for (size_t which = 0; which < WANTED; which++)
        if (!join(input, arena, which, pieces, count))
            return false;
    return check_index(input, arena, &input->parts[CU_INDEX]) &&
           check_index(input, arena, &input->parts[TU_INDEX]);
}

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

bool dwarf_input_open(const struct elf_image *image, struct arena *arena, enum dwarf_input kind,
                      Dwarf_Debug *out)
{
    const unsigned group = kind == DWARF_INPUT_SPLIT ? DW_GROUPNUMBER_DWO : DW_GROUPNUMBER_BASE;
    Dwarf_Error error = NULL;
    int result = DW_DLV_OK;
    *out = NULL;
    if (kind == DWARF_INPUT_RELOCATABLE) {
        result = INIT_PATH(image->path, DW_GROUPNUMBER_ANY, out, &error);
    } else {
        struct input *input = arena_alloc(arena, 1, sizeof(*input));
        input->interface.INTERFACE(object) = input;
        input->interface.INTERFACE(methods) = &methods;
        input->image = *image;
        if (!make_parts(input, arena))
            return false;
        result = dwarf_object_init_b(&input->interface, NULL, NULL, group, out, &error);
    }
    if (result == DW_DLV_OK)
        return true;
    if (result == DW_DLV_NO_ENTRY)
        return arena_fail(arena, "cannot open '%s' as DWARF", image->path);
    arena_fail(arena, "malformed DWARF in '%s': its sections cannot be read: %s", image->path,
               dwarf_errmsg(error));
    dwarf_dealloc_error(NULL, error); /* there is no Dwarf_Debug that owns it */
    return false;
}

void dwarf_input_close(enum dwarf_input kind, Dwarf_Debug dbg)
{
    if (dbg == NULL)
        return;
    if (kind == DWARF_INPUT_RELOCATABLE)
        FINISH(dbg);
    else
        OBJECT_FINISH(dbg);
}
