/*
 * scan.c - the top of each unit, once: what is there, by name. A unit has tens of thousands of DIEs
 * of which few matter, so only tags and names are looked at, and functions only where they may have
 * static variables (not in Go).
 */
#include "die.h"

#include <string.h>

/* What a walk through a unit knows of where it is. */
struct scope {
    const struct unit *unit;
    const char *prefix; /* "ns::Class::" before names; "" at the top */
};

const struct unit *find_unit(const struct reader *reader, place_t place)
{
    size_t low = 0;
    size_t high = reader->unit_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (reader->units[middle].end <= place)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < reader->unit_count && reader->units[low].first <= place;
    return found ? &reader->units[low] : NULL;
}

static enum language language_of(uint64_t code)
{
    switch (code) {
    case 0:
        return LANGUAGE_UNKNOWN;
    case DW_LANG_C_plus_plus:
    case DW_LANG_C_plus_plus_03:
    case DW_LANG_C_plus_plus_11:
    case DW_LANG_C_plus_plus_14:
        return LANGUAGE_CPLUSPLUS;
    case DW_LANG_Go:
        return LANGUAGE_GO;
    default:
        return LANGUAGE_C;
    }
}

/* ---- DIEs ------------------------------------------------------------------------------------ */

static bool visit(struct reader *reader, size_t file, Dwarf_Die die, void *context);

static const char *qualified(struct reader *reader, const struct scope *scope, const char *name)
{
    return *scope->prefix == '\0' ? name : arena_format(reader->arena, "%s%s", scope->prefix, name);
}

static bool visit_inside(struct reader *reader, size_t file, Dwarf_Die die,
                         const struct scope *outer, const char *name)
{
    struct scope inner = {outer->unit, arena_format(reader->arena, "%s%s::", outer->prefix, name)};
    return die_each_child(reader, file, die, visit, &inner);
}

static bool visit_struct(struct reader *reader, size_t file, Dwarf_Die die,
                         const struct scope *scope)
{
    struct die found;
    if (!die_read(reader, file, die, &found))
        return false;
    if (found.name == NULL)
        return true;
    const char *name = qualified(reader, scope, found.name);
    if (*scope->prefix != '\0' && hmap_put(reader->scopes, &found.place, &scope->prefix) == NULL)
        return arena_fail(reader->arena, "out of memory");
    if (!found.is_declaration && scope->unit->language != LANGUAGE_GO) {
        bool inserted = false;
        place_t *place = hmap_at(reader->definitions, &name, &inserted);
        if (place == NULL)
            return arena_fail(reader->arena, "out of memory");
        if (inserted)
            *place = found.place;
    }
    /* What an interface of Go's holds, no other type tells. */
    if (scope->unit->language == LANGUAGE_GO)
        type_at(reader, found.place);
    if (!found.is_declaration && is_wanted_type(name, scope->unit->language))
        *READER_APPEND(reader->arena, reader->roots, reader->root_count, reader->root_room) =
            type_at(reader, found.place);
    if (scope->unit->language == LANGUAGE_CPLUSPLUS)
        return visit_inside(reader, file, die, scope, found.name);
    return true;
}

/* Typedefs and enums: only those that a family asks for by name; types in namespaces are noted. */
static bool visit_named(struct reader *reader, size_t file, Dwarf_Die die,
                        const struct scope *scope)
{
    Dwarf_Error error = NULL;
    char *name = NULL;
    int result = dwarf_diename(die, &name, &error);
    if (result == DW_DLV_ERROR)
        return reader_fail(reader, &reader->files[file], "a name cannot be read", error);
    if (result == DW_DLV_NO_ENTRY)
        return true;
    bool is_wanted = is_wanted_type(name, scope->unit->language);
    if (!is_wanted && *scope->prefix == '\0')
        return true;
    struct die found;
    if (!die_read(reader, file, die, &found))
        return false;
    if (*scope->prefix != '\0' && hmap_put(reader->scopes, &found.place, &scope->prefix) == NULL)
        return arena_fail(reader->arena, "out of memory");
    if (is_wanted)
        *READER_APPEND(reader->arena, reader->roots, reader->root_count, reader->root_room) =
            type_at(reader, found.place);
    return true;
}

/* Takes name and type from the DIE that this one completes: a static member, or with LTO all. */
static bool complete(struct reader *reader, struct die *found, const char **prefix)
{
    for (int steps = 0; found->origin != PLACE_NONE && steps < 4; steps++) {
        Dwarf_Die origin = NULL;
        if (!die_open(reader, found->origin, &origin))
            return false;
        struct die more;
        bool good = die_read(reader, place_file(found->origin), origin, &more);
        dwarf_dealloc_die(origin);
        if (!good)
            return false;
        const char *const *scope = hmap_get(reader->scopes, &more.place);
        if (scope != NULL)
            *prefix = *scope;
        found->name = found->name != NULL ? found->name : more.name;
        found->type = found->type != PLACE_NONE ? found->type : more.type;
        found->origin = more.origin;
    }
    return true;
}

static bool visit_variable(struct reader *reader, size_t file, Dwarf_Die die,
                           const struct scope *scope)
{
    struct die found;
    if (!die_read(reader, file, die, &found))
        return false;
    /* A type object that was optimised away still tells of its bucket. */
    if (!found.has_address && *scope->prefix == '\0')
        type_at(reader, found.type);
    struct scope of = *scope;
    if (found.origin != PLACE_NONE && !complete(reader, &found, &of.prefix))
        return false;
    /* What may complete it later lies before it: its name needs its scope then. */
    if (!found.has_address && *of.prefix != '\0' &&
        hmap_put(reader->scopes, &found.place, &of.prefix) == NULL)
        return arena_fail(reader->arena, "out of memory");
    if (!found.has_address || found.name == NULL || found.type == PLACE_NONE)
        return true;
    *READER_APPEND(reader->arena, reader->variables.items, reader->variables.count,
                   reader->variables.room) = (struct variable){
        qualified(reader, &of, found.name), found.address, type_at(reader, found.type)};
    return true;
}

/* Constants of Go. */
static bool visit_constant(struct reader *reader, size_t file, Dwarf_Die die)
{
    Dwarf_Error error = NULL;
    char *name = NULL;
    int result = dwarf_diename(die, &name, &error);
    if (result == DW_DLV_ERROR)
        return reader_fail(reader, &reader->files[file], "a name cannot be read", error);
    struct die found;
    if (result == DW_DLV_NO_ENTRY || !is_wanted_constant(name))
        return true;
    if (!die_read(reader, file, die, &found))
        return false;
    if (found.has_const_value && found.type != PLACE_NONE)
        *READER_APPEND(reader->arena, reader->constants.items, reader->constants.count,
                       reader->constants.room) =
            (struct variable){found.name, (uint64_t)found.const_value, type_at(reader, found.type)};
    return true;
}

/* Functions and blocks have static variables, namespaces everything. */
static bool visit_block(struct reader *reader, size_t file, Dwarf_Die die,
                        const struct scope *scope, Dwarf_Half tag)
{
    if (tag == DW_TAG_lexical_block)
        return die_each_child(reader, file, die, visit, (void *)scope);
    struct die found;
    if (!die_read(reader, file, die, &found))
        return false;
    struct scope of = *scope;
    if (found.origin != PLACE_NONE && !complete(reader, &found, &of.prefix))
        return false;
    if (found.is_declaration) /* a method: what defines it elsewhere takes its name from here */
        return hmap_put(reader->scopes, &found.place, &of.prefix) != NULL ||
               arena_fail(reader->arena, "out of memory");
    if (tag == DW_TAG_namespace && found.name == NULL)
        found.name = "(anonymous namespace)";
    return found.name == NULL || visit_inside(reader, file, die, &of, found.name);
}

static bool visit(struct reader *reader, size_t file, Dwarf_Die die, void *context)
{
    const struct scope *scope = context;
    Dwarf_Half tag = 0;
    Dwarf_Error error = NULL;
    if (dwarf_tag(die, &tag, &error) != DW_DLV_OK)
        return reader_fail(reader, &reader->files[file], "a DIE cannot be read", error);
    switch (tag) {
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
    case DW_TAG_union_type:
        return visit_struct(reader, file, die, scope);
    case DW_TAG_typedef:
    case DW_TAG_enumeration_type:
        return visit_named(reader, file, die, scope);
    case DW_TAG_variable:
    case DW_TAG_member: /* static, in C++ */
        return visit_variable(reader, file, die, scope);
    case DW_TAG_constant:
        return visit_constant(reader, file, die);
    case DW_TAG_namespace:
    case DW_TAG_subprogram:
    case DW_TAG_lexical_block:
        return scope->unit->language == LANGUAGE_GO || visit_block(reader, file, die, scope, tag);
    default:
        return true;
    }
}

/* ---- units ----------------------------------------------------------------------------------- */

/* What a unit's header says. */
struct header {
    Dwarf_Half kind;
    Dwarf_Sig8 signature;
    Dwarf_Unsigned type_offset;
};

static uint64_t key_of(const Dwarf_Sig8 *signature)
{
    uint64_t key;
    memcpy(&key, signature, sizeof(key));
    return key;
}

/* What a unit that is split and its skeleton have in common: in the header from DWARF 5 on. */
static uint64_t split_id(const struct header *header, const struct die *found)
{
    uint64_t id = found->dwo_id;
    if (!found->has_dwo_id &&
        (header->kind == DW_UT_skeleton || header->kind == DW_UT_split_compile))
        id = key_of(&header->signature);
    return id;
}

static bool add_unit(struct reader *reader, size_t file, Dwarf_Die top, const struct header *header,
                     const struct die *found)
{
    Dwarf_Error error = NULL;
    Dwarf_Off first = 0;
    Dwarf_Off length = 0;
    if (dwarf_die_CU_offset_range(top, &first, &length, &error) != DW_DLV_OK)
        return reader_fail(reader, &reader->files[file], "a unit cannot be read", error);
    bool in_types = place_in_types(found->place);
    uint64_t id = split_id(header, found);
    const place_t *skeleton =
        reader->files[file].is_split && id != 0 ? hmap_get(reader->skeletons, &id) : NULL;
    if (reader->files[file].is_split && id != 0 && skeleton == NULL)
        return arena_fail(reader->arena, "'%s' is of another build than '%s'",
                          reader->files[file].path, reader->program_path);
    *READER_APPEND(reader->arena, reader->units, reader->unit_count, reader->unit_room) =
        (struct unit){place_make(file, in_types, first), place_make(file, in_types, first + length),
                      language_of(found->language), skeleton == NULL ? PLACE_NONE : *skeleton};
    if (header->type_offset != 0) {
        uint64_t key = key_of(&header->signature);
        place_t place = place_make(file, in_types, first + header->type_offset);
        if (hmap_put(reader->signatures, &key, &place) == NULL)
            return arena_fail(reader->arena, "out of memory");
    }
    return true;
}

/* A unit's own DIE: a skeleton has its split file opened, which is scanned later. */
static bool open_unit(struct reader *reader, size_t file, Dwarf_Die top,
                      const struct header *header)
{
    struct die found;
    size_t index = 0;
    if (!die_read(reader, file, top, &found) || !add_unit(reader, file, top, header, &found))
        return false;
    if (reader->files[file].is_split || found.dwo_name == NULL)
        return true;
    uint64_t id = split_id(header, &found);
    if (hmap_put(reader->skeletons, &id, &found.place) == NULL)
        return arena_fail(reader->arena, "out of memory");
    return debug_files_open_split(reader, found.dwo_name, found.comp_dir, &index);
}

/* Goes through the units of a section, for their headers first: types refer to later units. */
typedef bool unit_fn(struct reader *reader, size_t file, Dwarf_Die top,
                     const struct header *header);

static bool each_unit(struct reader *reader, size_t file, bool in_types, unit_fn *visit_unit)
{
    Dwarf_Debug dbg = reader->files[file].dbg;
    for (;;) {
        struct header header = {0};
        Dwarf_Unsigned length = 0;
        Dwarf_Half version = 0;
        Dwarf_Off abbreviations = 0;
        Dwarf_Half address_size = 0;
        Dwarf_Half length_size = 0;
        Dwarf_Half extension = 0;
        Dwarf_Unsigned next = 0;
        Dwarf_Error error = NULL;
        int result = dwarf_next_cu_header_d(
            dbg, !in_types, &length, &version, &abbreviations, &address_size, &length_size,
            &extension, &header.signature, &header.type_offset, &next, &header.kind, &error);
        if (result == DW_DLV_NO_ENTRY)
            return true;
        if (result != DW_DLV_OK)
            return reader_fail(reader, &reader->files[file], "a unit cannot be read", error);
        if (header.kind != DW_UT_type && header.kind != DW_UT_split_type)
            header.type_offset = 0;
        Dwarf_Die top = NULL;
        result = dwarf_siblingof_b(dbg, NULL, !in_types, &top, &error);
        if (result == DW_DLV_NO_ENTRY)
            continue; /* an empty unit */
        if (result != DW_DLV_OK)
            return reader_fail(reader, &reader->files[file], "a unit cannot be read", error);
        visit_unit(reader, file, top, &header);
        dwarf_dealloc_die(top);
        /* The walk goes to its end also after an error: libdwarf remembers where it was. */
        if (reader->arena->failed)
            return false;
    }
}

static bool scan_unit(struct reader *reader, size_t file, Dwarf_Die top,
                      const struct header *header)
{
    (void)header;
    Dwarf_Error error = NULL;
    Dwarf_Off offset = 0;
    if (dwarf_dieoffset(top, &offset, &error) != DW_DLV_OK)
        return reader_fail(reader, &reader->files[file], "a unit cannot be read", error);
    bool in_types = !dwarf_get_die_infotypes_flag(top);
    struct scope scope = {find_unit(reader, place_make(file, in_types, offset)), ""};
    return scope.unit == NULL || die_each_child(reader, file, top, visit, &scope);
}

bool scan(struct reader *reader)
{
    /* Opening units adds split files to the end. */
    for (size_t file = 0; file < reader->file_count; file++)
        if (!each_unit(reader, file, false, open_unit) || !each_unit(reader, file, true, open_unit))
            return false;
    /* What dwz has made of several units does not name their language. */
    enum language language = LANGUAGE_C;
    for (size_t i = reader->unit_count; i-- > 0;)
        if (reader->units[i].language != LANGUAGE_UNKNOWN)
            language = reader->units[i].language;
    for (size_t i = 0; i < reader->unit_count; i++)
        if (reader->units[i].language == LANGUAGE_UNKNOWN)
            reader->units[i].language = language;
    for (size_t file = 0; file < reader->file_count; file++)
        if (!each_unit(reader, file, false, scan_unit) || !each_unit(reader, file, true, scan_unit))
            return false;
    return true;
}
