/*
 * reader.h - what the parts that read a program's DWARF share. Each has a header of its own and
 * includes only what stands above it:
 *
 *     units.c        the units of all files, by place
 *     dwarf_input.c  what libdwarf gets to read of a file
 *     form.c         values of attributes by their forms
 *     die.c          one DIE with its attributes
 *     debug_files.c  opens the files that hold DWARF: the program, a separate debug file, the
 *                    common parts that dwz moved out, .dwo files or a .dwp package
 *     open_units.c   reads the header of each unit, and opens the files of split units
 *     types.c        loads types when they are needed, each once
 *     classify.c     knows the map families: which types and names the debugger asks for
 *     scan.c         walks the top of each unit once: names of types, variables, constants
 *     closure.c      decides which of the loaded types to keep, and how much of them
 *     declarator.c   spells a type's name as gdb does
 *     build.c        makes the struct layout of what was kept
 *     program.c      runs all of these for one program
 */
#ifndef HMAP_LAYOUT_READER_H
#define HMAP_LAYOUT_READER_H

#include "arena.h"
#include "elf_image.h"
#include "layout.h"
#include "place.h"
#include "progress.h"

#include "hmap/hmap.h"

#include <dwarf.h>
#include <libdwarf.h>

struct debug_file {
    const char *path;
    struct elf_image image;
    Dwarf_Debug dbg;
    bool is_split;   /* a .dwo or a .dwp: its units have no addresses of their own */
    bool is_package; /* a .dwp */
};

/* Decides how the names of a unit's types are spelled. */
enum language { LANGUAGE_UNKNOWN, LANGUAGE_C, LANGUAGE_CPLUSPLUS, LANGUAGE_GO };

struct unit {
    place_t first; /* of its header */
    place_t end;
    enum language language;
    place_t skeleton; /* of a split unit: the DIE in the program that stands for it */
};

/* A unit of the program whose DWARF is in a .dwo or .dwp. */
struct skeleton {
    place_t place;        /* of its DIE */
    const char *dwo_name; /* of the .dwo that the compiler wrote */
    bool is_matched;      /* its split unit has been found */
};

struct source_field {
    const char *name;
    uint32_t type;
    uint64_t offset;
    uint64_t bit_offset;
    uint64_t bit_size;
    uint64_t storage_size; /* of a bit field in old DWARF, if it differs from its type's */
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

/* A type as DWARF describes it. `tag` 0: void. */
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
    uint64_t descriptor; /* of Go's types; 0: unknown */
    uint64_t count;      /* of an array's dimension */
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
    struct progress *progress;
    const char *const *debug_folders; /* ends with NULL */
    const char *const *also; /* names of types that are kept as those of maps; ends with NULL */
    bool *also_met;          /* for each of them */
    const char *program_path;
    struct elf_image program;
    struct debug_file *files; /* 0: the one with the program's DWARF */
    size_t file_count;
    size_t file_room;
    size_t alternative;  /* index of dwz's file; 0: none */
    const char *refused; /* a separate debug file of another build; NULL: none */
    struct unit *units;  /* in the order of places */
    size_t unit_count;
    size_t unit_room;
    struct hmap *signatures;  /* uint64_t -> place_t: type units */
    struct hmap *skeletons;   /* uint64_t, a dwo id -> struct skeleton */
    struct hmap *scopes;      /* place_t -> const char *: "ns::Class::" before a type's name */
    struct hmap *definitions; /* const char * -> place_t: complete structs, by name */
    struct hmap *indices;     /* place_t -> uint32_t: types met */
    struct source_type *types;
    size_t type_count;
    size_t type_room;
    place_t walked;      /* the last DIE that die_each_child() has visited */
    unsigned walk_depth; /* how many of its calls are in one another */
    uint32_t *roots;     /* types that are kept in full, whatever refers to them */
    size_t root_count;
    size_t root_room;
    struct variables variables;
    struct variables constants;
};

/* Makes a reader without files; false: out of memory. To be released also after a failure. */
bool reader_init(struct reader *reader, struct arena *arena, const char *program_path,
                 const char *const *debug_folders, struct progress *progress,
                 const char *const *also);

/* The place of a name in `also`; -1: it is not there. */
int reader_find_also(const struct reader *reader, const char *name);

/* Frees the maps. The files are debug_files_close()'s. */
void reader_release(struct reader *reader);

/* Sets the arena's error: malformed DWARF in a file, where and what is wrong, and libdwarf's message
 * if there is one (which it frees). Returns false. */
bool reader_fail_at(struct reader *reader, const struct debug_file *file, const char *what,
                    Dwarf_Error error);

/* The same if all that is known of the place is the last DIE that was read. */
bool reader_fail(struct reader *reader, const struct debug_file *file, const char *what,
                 Dwarf_Error error);

bool reader_out_of_memory(struct reader *reader);

/* Room for one more element of an array that lives in the arena: its address. */
#define READER_APPEND(arena, items, count, room)                                                \
    ((count) < (room) ? &(items)[(count)++]                                                     \
                      : ((items) = arena_grow((arena), (items), (count),                        \
                                              (room) == 0 ? 64 : 2 * (room), sizeof(*(items))), \
                         (room) = (room) == 0 ? 64 : 2 * (room), &(items)[(count)++]))

#endif /* HMAP_LAYOUT_READER_H */
