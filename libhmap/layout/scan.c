/*
 * scan.c - the top of each unit, once. A unit has tens of thousands of DIEs of which few matter, so
 * only tags and names are read, and functions only if they may have static variables (not in Go).
 */
#include "scan.h"

#include "classify.h"
#include "die.h"
#include "open_units.h"
#include "types.h"
#include "units.h"

/* Where a walk through a unit is. */
struct scope {
    const struct unit *unit;
    const char *prefix; /* "ns::Class::" before names; "" at the top */
};

/* Whether a type is kept in full whatever refers to it. */
static bool is_wanted(struct reader *reader, const char *name, enum language language)
{
    int also = reader_find_also(reader, name);
    if (also >= 0)
        reader->also_met[also] = true;
    return also >= 0 || is_wanted_type(name, language);
}

static void add_root(struct reader *reader, place_t place)
{
    *READER_APPEND(reader->arena, reader->roots, reader->root_count, reader->root_room) =
        type_at(reader, place);
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
        return reader_out_of_memory(reader);
    if (!found.is_declaration && scope->unit->language != LANGUAGE_GO) {
        bool inserted = false;
        place_t *place = hmap_at(reader->definitions, &name, &inserted);
        if (place == NULL)
            return reader_out_of_memory(reader);
        if (inserted)
            *place = found.place;
    }
    /* No other type says what an interface of Go may hold. */
    if (scope->unit->language == LANGUAGE_GO)
        type_at(reader, found.place);
    if (!found.is_declaration && is_wanted(reader, name, scope->unit->language))
        add_root(reader, found.place);
    if (scope->unit->language == LANGUAGE_CPLUSPLUS)
        return visit_inside(reader, file, die, scope, found.name);
    return true;
}

/* Typedefs and enums: only those that a family asks for, and Go's; the scopes of those in
 * namespaces. */
static bool visit_named(struct reader *reader, size_t file, Dwarf_Die die,
                        const struct scope *scope)
{
    const char *name = NULL;
    if (!die_name(reader, file, die, &name))
        return false;
    if (name == NULL)
        return true;
    bool is_kept = is_wanted(reader, name, scope->unit->language);
    bool is_go = scope->unit->language == LANGUAGE_GO; /* as of structs */
    if (!is_kept && !is_go && *scope->prefix == '\0')
        return true;
    struct die found;
    if (!die_read(reader, file, die, &found))
        return false;
    if (*scope->prefix != '\0' && hmap_put(reader->scopes, &found.place, &scope->prefix) == NULL)
        return reader_out_of_memory(reader);
    if (is_go)
        type_at(reader, found.place);
    if (is_kept)
        add_root(reader, found.place);
    return true;
}

/* Takes name and type from the DIE that this one completes: a static member's, with LTO any. */
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
    /* A type object that was optimised away still has the type of its bucket. */
    if (!found.has_address && *scope->prefix == '\0')
        type_at(reader, found.type);
    struct scope of = *scope;
    if (found.origin != PLACE_NONE && !complete(reader, &found, &of.prefix))
        return false;
    /* A later DIE may complete this one: its name needs this scope then. */
    if (!found.has_address && *of.prefix != '\0' &&
        hmap_put(reader->scopes, &found.place, &of.prefix) == NULL)
        return reader_out_of_memory(reader);
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
    const char *name = NULL;
    struct die found;
    if (!die_name(reader, file, die, &name))
        return false;
    if (name == NULL || !is_wanted_constant(name))
        return true;
    if (!die_read(reader, file, die, &found))
        return false;
    if (!found.has_const_value || found.type == PLACE_NONE)
        return die_fail(reader, &found,
                        arena_format(reader->arena, "the constant '%s' has no value", name));
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
               reader_out_of_memory(reader);
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
    case DW_TAG_base_type:
        return scope->unit->language != LANGUAGE_GO || visit_named(reader, file, die, scope);
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

static void scan_unit(struct reader *reader, size_t file, Dwarf_Die top,
                      const struct unit_header *header)
{
    (void)header;
    Dwarf_Error error = NULL;
    Dwarf_Off offset = 0;
    if (dwarf_dieoffset(top, &offset, &error) != DW_DLV_OK) {
        reader_fail(reader, &reader->files[file], "a unit cannot be read", error);
        return;
    }
    place_t place = place_make(file, !dwarf_get_die_infotypes_flag(top), offset);
    struct scope scope = {units_find(reader, place), ""};
    if (scope.unit == NULL)
        reader_fail(reader, &reader->files[file], "a unit that was not there before", NULL);
    else
        die_each_child(reader, file, top, visit, &scope);
}

bool scan(struct reader *reader)
{
    return each_unit(reader, scan_unit);
}
