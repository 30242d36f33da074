/*
 * reader.h - a run over a program's DWARF: what its parts share.
 *
 *     debug_files.c  opens the files that DWARF lies in: the program, a separate debug file, the
 *                    common parts that dwz moved out, .dwo files or a .dwp package
 *     scan.c         walks the top of each unit once: names of types, variables, constants
 *     die.c          decodes the attributes of one DIE
 *     types.c        loads types by need, each once
 *     classify.c     knows the families: which types and names the debugger side asks for
 *     closure.c      which of the types loaded are worth keeping, and how much of them
 *     declarator.c   spells a type's name as gdb does
 *     build.c        makes the struct layout of what was kept
 */
#ifndef HMAP_LAYOUT_READER_H
#define HMAP_LAYOUT_READER_H

#include "arena.h"
#include "elf_image.h"
#include "layout.h"

#include "hmap/hmap.h"

#include <dwarf.h>
#include <libdwarf.h>

/* Where a DIE is, in one number: the file, whether in .debug_types, and the offset there. */
typedef uint64_t place_t;

#define PLACE_NONE UINT64_MAX
enum { PLACE_FILE_SHIFT = 44, PLACE_TYPES_SHIFT = 43 };

static inline place_t place_make(size_t file, bool in_types, Dwarf_Off offset)
{
    return (uint64_t)file << PLACE_FILE_SHIFT | (uint64_t)in_types << PLACE_TYPES_SHIFT | offset;
}

static inline size_t place_file(place_t place)
{
    return (size_t)(place >> PLACE_FILE_SHIFT);
}

static inline bool place_in_types(place_t place)
{
    return (place >> PLACE_TYPES_SHIFT & 1) != 0;
}

static inline Dwarf_Off place_offset(place_t place)
{
    return place & (((uint64_t)1 << PLACE_TYPES_SHIFT) - 1);
}

struct debug_file {
    const char *path;
    struct elf_image image;
    Dwarf_Debug dbg;
    bool is_split; /* a .dwo or a .dwp: units without addresses of their own */
};

/* What decides how a unit's types are spelled. */
enum language { LANGUAGE_UNKNOWN, LANGUAGE_C, LANGUAGE_CPLUSPLUS, LANGUAGE_GO };

struct unit {
    place_t first; /* of its header */
    place_t end;
    enum language language;
    place_t skeleton; /* of a unit in a .dwo or .dwp: the unit in the program that it belongs to */
};

struct source_field {
    const char *name;
    uint32_t type;
    uint64_t offset;
    uint64_t bit_offset;
    uint64_t bit_size;
    uint64_t storage_size; /* of an old bit field, where it is not its type's */
    bool is_old_bit_offset;
    bool is_base;
};

/* How much of a type is kept. */
enum demand {
    DEMAND_NONE,
    DEMAND_NAME,  /* kind, name and size: something points to it */
    DEMAND_FULL,  /* with fields */
    DEMAND_FOLLOW /* with fields, and what its pointers lead to, in full */
};

/* What a struct is to a family. */
enum role {
    ROLE_NONE,
    ROLE_PART, /* read on the way to the entries: a bucket, a table, a type object */
    ROLE_MAP   /* a map's own header */
};

/* A type as DWARF has it. `tag` 0: void. */
struct source_type {
    place_t place;
    bool is_loaded;
    Dwarf_Half tag;
    enum language language;
    const char *name; /* with namespaces; NULL: none */
    uint64_t size;
    bool has_size;
    bool is_declaration;
    Dwarf_Unsigned encoding;
    uint64_t count; /* of an array's dimension */
    bool has_count;
    uint32_t target; /* LAYOUT_NONE: void */
    struct source_field *fields;
    size_t field_count;
    struct layout_enumerator *enumerators;
    size_t enumerator_count;
    struct layout_argument *arguments; /* template arguments; parameters of a function */
    size_t argument_count;
    bool is_variadic;
    enum role role;
    bool reaches_map;
    enum demand demand;
    uint32_t built; /* index in struct layout; LAYOUT_NONE: not there */
};

struct variable {
    const char *name;
    uint64_t address;
    uint32_t type;
};

struct variables {
    struct variable *items;
    size_t count;
    size_t room;
};

struct reader {
    struct arena *arena;
    const char *const *debug_folders; /* ends with NULL */
    const char *program_path;
    struct elf_image program;
    struct debug_file *files; /* 0: where the program's DWARF is */
    size_t file_count;
    size_t file_room;
    size_t alternative; /* index of dwz's file; 0: none */
    struct unit *units; /* in the order of places */
    size_t unit_count;
    size_t unit_room;
    struct hmap *signatures; /* uint64_t -> place_t: type units */
    struct hmap *skeletons;  /* uint64_t -> place_t: units that are split, by their dwo ids */
    struct hmap *scopes;     /* place_t -> const char *: "ns::Class::" before a type's name */
    struct hmap
        *definitions;     /* const char * -> place_t: complete structs, for those that declare */
    struct hmap *indices; /* place_t -> uint32_t: types met */
    struct source_type *types;
    size_t type_count;
    size_t type_room;
    uint32_t *roots; /* types that are kept in full whoever refers to them */
    size_t root_count;
    size_t root_room;
    struct variables variables;
    struct variables constants;
};

/* Room for one more element of an array that lives in the arena: its address. */
#define READER_APPEND(arena, items, count, room)                                                \
    ((count) < (room) ? &(items)[(count)++]                                                     \
                      : ((items) = arena_grow((arena), (items), (count),                        \
                                              (room) == 0 ? 64 : 2 * (room), sizeof(*(items))), \
                         (room) = (room) == 0 ? 64 : 2 * (room), &(items)[(count)++]))

/* An error of libdwarf's, in our words; frees it. Returns false. */
bool reader_fail(struct reader *reader, const struct debug_file *file, const char *what,
                 Dwarf_Error error);

/* ---- debug_files.c --------------------------------------------------------------------------- */

/* Opens the program and the file that its DWARF is in, and dwz's where there is one. */
bool debug_files_open(struct reader *reader);

/* Opens the .dwo file that a skeleton unit names, or the program's .dwp, unless it is open; sets
 * `*index` to its number among the files. */
bool debug_files_open_split(struct reader *reader, const char *name, const char *folder,
                            size_t *index);

void debug_files_close(struct reader *reader);

/* ---- scan.c ---------------------------------------------------------------------------------- */

bool scan(struct reader *reader);

/* The unit that a DIE is in; NULL: none. */
const struct unit *find_unit(const struct reader *reader, place_t place);

/* ---- types.c --------------------------------------------------------------------------------- */

/* The index of the type at a place; it is loaded later. LAYOUT_NONE for PLACE_NONE: void. */
uint32_t type_at(struct reader *reader, place_t place);

/* Loads every type that was met, and all that these refer to. */
bool load_types(struct reader *reader);

/* The type behind typedefs and qualifiers; LAYOUT_NONE: void. */
uint32_t strip_type(const struct reader *reader, uint32_t type);

/* ---- classify.c ------------------------------------------------------------------------------ */

bool is_wanted_type(const char *name, enum language language);
bool is_wanted_variable(const char *name);
bool is_wanted_constant(const char *name);
extern const char *const wanted_functions[]; /* ends with NULL */

/* What a loaded struct is, by the names of its fields and its own. */
enum role role_of(const struct reader *reader, const struct source_type *type);

/* ---- closure.c ------------------------------------------------------------------------------- */

/* Decides what is kept: sets `demand` of all types. */
void close_types(struct reader *reader);

/* Whether a variable leads to a map, or is one that a family asks for. */
bool is_kept_variable(const struct reader *reader, const struct variable *variable);

/* ---- declarator.c ---------------------------------------------------------------------------- */

/* A type's name as gdb spells it. */
const char *spell_type(struct reader *reader, uint32_t type);

/* ---- build.c --------------------------------------------------------------------------------- */

/* Reads the layout of the program at `path`. */
bool layout_of_program(struct layout *layout, struct arena *arena, const char *path,
                       const char *const *debug_folders);

#endif /* HMAP_LAYOUT_READER_H */
