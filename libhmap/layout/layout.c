/*
 * layout.c - functions on a struct layout.
 */
#include "layout.h"

#include <string.h>

static const char *const kind_names[LAYOUT_KINDS] = {
    "integer", "boolean", "float", "enum", "pointer", "array", "struct", "union", "other", "alias",
};

const char *layout_kind_name(enum layout_kind kind)
{
    return kind_names[kind];
}

enum layout_kind layout_kind_of(const char *name)
{
    int kind = 0;
    while (kind < LAYOUT_KINDS && strcmp(kind_names[kind], name) != 0)
        kind++;
    return (enum layout_kind)kind;
}

void layout_add_symbol(struct arena *arena, struct layout_symbols *symbols, const char *name,
                       uint64_t value, uint32_t type)
{
    if (symbols->count == symbols->room) {
        symbols->room = symbols->room == 0 ? 16 : 2 * symbols->room;
        symbols->items = arena_grow(arena, symbols->items, symbols->count, symbols->room,
                                    sizeof(*symbols->items));
    }
    symbols->items[symbols->count++] = (struct layout_symbol){name, value, type};
}

uint32_t layout_real(const struct layout *layout, uint32_t type)
{
    /* Never another alias: build.c and json_read.c see to that. */
    bool is_alias = type != LAYOUT_NONE && layout->types[type].kind == LAYOUT_ALIAS;
    return is_alias ? layout->types[type].target : type;
}

/* Structs nested deeper than in any program contain themselves: the file or the DWARF is
 * malformed. */
enum { MAX_DEPTH = 32 };

struct visit {
    const struct layout *layout;
    layout_visit_fn *function;
    void *context;
};

static bool visit_fields(const struct visit *visit, const struct layout_type *type, uint64_t offset,
                         int depth)
{
    for (size_t i = 0; i < type->field_count; i++) {
        struct layout_field field = type->fields[i];
        uint32_t real = layout_real(visit->layout, field.type);
        const struct layout_type *inner = real == LAYOUT_NONE ? NULL : &visit->layout->types[real];
        bool is_own =
            !field.is_base && (*field.name != '\0' || inner == NULL || inner->field_count == 0);
        if (!is_own && depth < MAX_DEPTH) {
            if (inner != NULL && !visit_fields(visit, inner, offset + field.offset, depth + 1))
                return false;
            continue;
        }
        field.offset += offset;
        if (field.bit_size != 0)
            field.bit_offset += offset * 8;
        if (!visit->function(visit->context, &field))
            return false;
    }
    return true;
}

bool layout_each_field(const struct layout *layout, const struct layout_type *type,
                       layout_visit_fn *visit, void *context)
{
    const struct visit all = {layout, visit, context};
    return visit_fields(&all, type, 0, 0);
}

/* ---- names ----------------------------------------------------------------------------------- */

static void copy_name(struct arena *arena, const char **name)
{
    *name = arena_copy(arena, *name, strlen(*name));
}

static void copy_symbols(struct arena *arena, struct layout_symbols *symbols)
{
    for (size_t i = 0; i < symbols->count; i++)
        copy_name(arena, &symbols->items[i].name);
}

void layout_copy_names(struct layout *layout, struct arena *arena)
{
    for (size_t i = 0; i < layout->type_count; i++) {
        struct layout_type *type = &layout->types[i];
        for (size_t k = 0; k < type->field_count; k++)
            copy_name(arena, &type->fields[k].name);
        for (size_t k = 0; k < type->enumerator_count; k++)
            copy_name(arena, &type->enumerators[k].name);
        copy_name(arena, &type->name);
    }
    for (size_t i = 0; i < layout->section_count; i++)
        copy_name(arena, &layout->sections[i].name);
    copy_symbols(arena, &layout->globals);
    copy_symbols(arena, &layout->constants);
}
