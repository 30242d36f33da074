/*
 * die.h - one DIE with those of its attributes that matter here, and its children.
 */
#ifndef HMAP_LAYOUT_DIE_H
#define HMAP_LAYOUT_DIE_H

#include "reader.h"

struct die {
    Dwarf_Half tag;
    place_t place;
    const char *name;  /* DW_AT_name; NULL: none */
    place_t type;      /* DW_AT_type */
    place_t origin;    /* DW_AT_specification or DW_AT_abstract_origin */
    place_t signature; /* DW_AT_signature: the type itself is in a type unit */
    uint64_t byte_size;
    uint64_t bit_size;
    uint64_t bit_offset; /* as old DWARF counts, from the most significant end of the storage */
    uint64_t data_bit_offset;
    uint64_t member_offset;
    uint64_t encoding;
    uint64_t count;
    int64_t upper_bound;
    int64_t lower_bound;
    int64_t const_value;
    uint64_t language;
    uint64_t address; /* of DW_AT_location, if that is one fixed address */
    uint64_t dwo_id;
    uint64_t go_descriptor; /* of a type of Go's: from the start of the types' descriptors */
    const char *dwo_name;
    const char *comp_dir;
    bool has_byte_size;
    bool has_bit_offset;
    bool has_data_bit_offset;
    bool has_member_offset;   /* a constant one */
    bool has_computed_offset; /* one that depends on the object, as a virtual base's does */
    bool has_count;
    bool has_upper_bound;
    bool has_const_value;
    bool has_address;
    bool has_dwo_id;
    bool is_declaration;
    bool is_external;
    bool is_enum_class;
};

/* Reads a DIE of a file. */
bool die_read(struct reader *reader, size_t file, Dwarf_Die die, struct die *out);

/* Reads only its name; NULL: none. */
bool die_name(struct reader *reader, size_t file, Dwarf_Die die, const char **name);

/* Calls `visit` for each child of a DIE; false: an error, or visit returned false. */
typedef bool die_visit_fn(struct reader *reader, size_t file, Dwarf_Die child, void *context);
bool die_each_child(struct reader *reader, size_t file, Dwarf_Die die, die_visit_fn *visit,
                    void *context);

/* Opens the DIE at a place; free it with dwarf_dealloc_die(). */
bool die_open(struct reader *reader, place_t place, Dwarf_Die *out);

/* Sets the error of a DIE that was read and makes no sense. Returns false. */
bool die_fail(struct reader *reader, const struct die *die, const char *what);

#endif /* HMAP_LAYOUT_DIE_H */
