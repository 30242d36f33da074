/*
 * layout.h - the types that a debugger needs to read a program's maps, and the addresses of the
 * variables that lead to them.
 *
 * The layout file holds it (format hmap-layout/1, docs/layouts.md), the table shows it and --check
 * compares it. It knows nothing of DWARF. The types are those of gdb/hmapdbg/target/types.py.
 */
#ifndef HMAP_LAYOUT_H
#define HMAP_LAYOUT_H

#include "arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAYOUT_FORMAT "hmap-layout/1"

enum layout_kind {
    LAYOUT_INTEGER, /* also char; is_character distinguishes text from bytes */
    LAYOUT_BOOLEAN,
    LAYOUT_FLOAT,
    LAYOUT_ENUM,
    LAYOUT_POINTER, /* also references */
    LAYOUT_ARRAY,
    LAYOUT_STRUCT,
    LAYOUT_UNION,
    LAYOUT_OTHER, /* functions, void, complex numbers */
    LAYOUT_ALIAS, /* another name of `target`: a typedef, or const */
    LAYOUT_KINDS
};

#define LAYOUT_NONE UINT32_MAX /* in place of a type's index */

struct layout_field {
    const char *name; /* empty: an anonymous struct or union, or padding */
    uint64_t offset;  /* bytes from the start of the struct */
    uint32_t type;
    uint64_t bit_offset; /* of a bit field, from the start of the struct */
    uint64_t bit_size;   /* 0: not a bit field */
    bool is_base;        /* a base class */
};

struct layout_enumerator {
    const char *name;
    int64_t value;
};

/* A template argument: a type, or a value if that is LAYOUT_NONE. */
struct layout_argument {
    uint32_t type;
    int64_t value;
};

struct layout_type {
    enum layout_kind kind;
    const char *name; /* as gdb spells it */
    uint64_t size;    /* bytes */
    bool is_signed;
    bool is_character;
    bool is_opaque;  /* a struct or union without its fields: nothing reads it */
    uint64_t count;  /* elements of an array */
    uint32_t target; /* what a pointer points to, an array consists of, an alias stands for */
    struct layout_field *fields;
    size_t field_count;
    struct layout_enumerator *enumerators;
    size_t enumerator_count;
    struct layout_argument *arguments;
    size_t argument_count;
    uint64_t descriptor; /* Go's, in bytes from the mark "types"; 0: unknown */
};

/* A variable or function (of type LAYOUT_NONE) and its address, or a constant and its value. */
struct layout_symbol {
    const char *name;
    uint64_t value;
    uint32_t type;
};

struct layout_symbols {
    struct layout_symbol *items;
    size_t count;
    size_t room;
};

/* A section that the program has in memory. */
struct layout_section {
    const char *name;
    uint64_t address; /* as linked */
    uint64_t size;
    bool is_writable;
    bool is_code;
    bool has_checksum;
    uint32_t checksum; /* CRC-32 of its bytes in the file: only of code */
};

struct layout {
    const char *program;       /* its file's name */
    const char *identity_kind; /* "GNU", "Go" (build ids) or "text" (a hash) */
    const char *identity;
    bool is_big_endian;
    unsigned pointer_size;
    uint64_t text_address; /* of .text, as linked: shows how far a PIE was moved */
    struct layout_section *sections;
    size_t section_count;
    struct layout_symbols marks; /* of Go's linker, named as fields of runtime.moduledata */
    struct layout_type *types;
    size_t type_count;
    struct layout_symbols globals;
    struct layout_symbols constants;
    struct layout_symbols functions;
};

/* The name of a kind in the file, and the kind of a name (LAYOUT_KINDS: none). */
const char *layout_kind_name(enum layout_kind kind);
enum layout_kind layout_kind_of(const char *name);

void layout_add_symbol(struct arena *arena, struct layout_symbols *symbols, const char *name,
                       uint64_t value, uint32_t type);

/* Copies every name into the arena. */
void layout_copy_names(struct layout *layout, struct arena *arena);

/* The type that an alias stands for; any other type itself. */
uint32_t layout_real(const struct layout *layout, uint32_t type);

/*
 * Calls `visit` for each field of a struct, and for those of its anonymous members and base classes
 * as if they were its own, offsets added up. False: visit returned false, which stops the walk.
 */
typedef bool layout_visit_fn(void *context, const struct layout_field *field);
bool layout_each_field(const struct layout *layout, const struct layout_type *type,
                       layout_visit_fn *visit, void *context);

#endif /* HMAP_LAYOUT_H */
