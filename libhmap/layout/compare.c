/*
 * compare.c - structs by name, and their fields by name.
 */
#include "compare.h"

#include "hmap/hmap.h"

#include <stdarg.h>
#include <string.h>

HMAP_TYPE_STRING(name_to_type, uint32_t);
HMAP_TYPE_STRING(name_to_field, struct layout_field);

struct comparison {
    const struct layout *old;
    const struct layout *now;
    struct arena *arena;
    FILE *stream;
    const char *subject; /* the struct under comparison */
    size_t differences;
};

static void report(struct comparison *comparison, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void report(struct comparison *comparison, const char *format, ...)
{
    va_list arguments;
    comparison->differences++;
    fprintf(comparison->stream, "%s: ", comparison->subject);
    va_start(arguments, format);
    vfprintf(comparison->stream, format, arguments);
    va_end(arguments);
    putc('\n', comparison->stream);
}

/* ---- structs --------------------------------------------------------------------------------- */

enum { MAX_DEPTH = 32 }; /* of nested structs without names */

/* The fields of a struct, in order and by name. */
struct field_list {
    struct arena *arena;
    const struct layout *layout;
    const char *prefix; /* "field." of the struct without a name that is being listed */
    uint64_t offset;    /* of that struct */
    int depth;
    struct hmap *index; /* name -> struct layout_field */
    struct layout_field *fields;
    size_t count;
    size_t room;
};

static bool add_fields_within(struct field_list *list, const struct layout_field *field);

/* Adds a field. Fields of one name (Go's "_") are numbered from the second on. */
static bool add_field(void *context, const struct layout_field *found)
{
    struct field_list *list = context;
    struct layout_field field = *found;
    if (*field.name == '\0')
        return true;
    const char *name = arena_format(list->arena, "%s%s", list->prefix, found->name);
    field.name = name;
    field.offset += list->offset;
    for (int number = 2; hmap_get(list->index, &field.name) != NULL; number++)
        field.name = arena_format(list->arena, "%s (%d)", name, number);
    if (hmap_put(list->index, &field.name, &field) == NULL)
        return arena_fail(list->arena, "out of memory");
    if (list->count == list->room) {
        size_t room = list->room == 0 ? 16 : 2 * list->room;
        list->fields =
            arena_grow(list->arena, list->fields, list->count, room, sizeof(*list->fields));
        list->room = room;
    }
    list->fields[list->count++] = field;
    return add_fields_within(list, &field);
}

/* A struct without a name is compared as a part of each field that has it as its type. */
static bool add_fields_within(struct field_list *list, const struct layout_field *field)
{
    const struct layout *layout = list->layout;
    const struct layout_type *type = &layout->types[layout_real(layout, field->type)];
    for (int steps = 0; type->kind == LAYOUT_ARRAY && steps < MAX_DEPTH; steps++)
        type = &layout->types[layout_real(layout, type->target)];
    if (type->field_count == 0 || strstr(type->name, "{...}") == NULL || list->depth == MAX_DEPTH)
        return true;
    const char *prefix = list->prefix;
    uint64_t offset = list->offset;
    list->prefix = arena_format(list->arena, "%s.", field->name);
    list->offset = field->offset;
    list->depth++;
    bool good = layout_each_field(layout, type, add_field, list);
    list->depth--;
    list->prefix = prefix;
    list->offset = offset;
    return good;
}

static bool list_fields(struct arena *arena, const struct layout *layout,
                        const struct layout_type *type, struct field_list *list)
{
    *list = (struct field_list){.arena = arena,
                                .layout = layout,
                                .prefix = "",
                                .index = hmap_create(&name_to_field.type, NULL)};
    if (list->index == NULL)
        return arena_fail(arena, "out of memory");
    return layout_each_field(layout, type, add_field, list);
}

static void compare_field(struct comparison *comparison, const struct layout_field *old,
                          const struct layout_field *now)
{
    const struct layout_type *old_type = &comparison->old->types[old->type];
    const struct layout_type *now_type = &comparison->now->types[now->type];
    if (old->offset != now->offset)
        report(comparison, "field '%s': offset %llu -> %llu", old->name,
               (unsigned long long)old->offset, (unsigned long long)now->offset);
    if (old->bit_size != now->bit_size || old->bit_offset != now->bit_offset)
        report(comparison, "field '%s': bit offset %llu, %llu bits -> %llu, %llu bits", old->name,
               (unsigned long long)old->bit_offset, (unsigned long long)old->bit_size,
               (unsigned long long)now->bit_offset, (unsigned long long)now->bit_size);
    if (old_type->size != now_type->size)
        report(comparison, "field '%s': size %llu -> %llu", old->name,
               (unsigned long long)old_type->size, (unsigned long long)now_type->size);
    if (strcmp(old_type->name, now_type->name) != 0)
        report(comparison, "field '%s': type '%s' -> '%s'", old->name, old_type->name,
               now_type->name);
}

static void compare_fields(struct comparison *comparison, const struct field_list *old,
                           const struct field_list *now)
{
    for (size_t i = 0; i < old->count; i++) {
        const struct layout_field *other = hmap_get(now->index, &old->fields[i].name);
        if (other == NULL)
            report(comparison, "field '%s' removed", old->fields[i].name);
        else
            compare_field(comparison, &old->fields[i], other);
    }
    for (size_t i = 0; i < now->count; i++)
        if (hmap_get(old->index, &now->fields[i].name) == NULL)
            report(comparison, "field '%s' added, at offset %llu", now->fields[i].name,
                   (unsigned long long)now->fields[i].offset);
}

static void compare_structs(struct comparison *comparison, const struct layout_type *old,
                            const struct layout_type *now)
{
    struct field_list old_fields = {0};
    struct field_list now_fields = {0};
    if (old->size != now->size)
        report(comparison, "size %llu -> %llu", (unsigned long long)old->size,
               (unsigned long long)now->size);
    if (list_fields(comparison->arena, comparison->old, old, &old_fields) &&
        list_fields(comparison->arena, comparison->now, now, &now_fields))
        compare_fields(comparison, &old_fields, &now_fields);
    hmap_destroy(old_fields.index);
    hmap_destroy(now_fields.index);
}

/* ---- enums and constants --------------------------------------------------------------------- */

static void compare_enums(struct comparison *comparison, const struct layout_type *old,
                          const struct layout_type *now)
{
    for (size_t i = 0; i < old->enumerator_count; i++) {
        size_t k = 0;
        while (k < now->enumerator_count &&
               strcmp(old->enumerators[i].name, now->enumerators[k].name) != 0)
            k++;
        if (k == now->enumerator_count)
            report(comparison, "'%s' removed", old->enumerators[i].name);
        else if (old->enumerators[i].value != now->enumerators[k].value)
            report(comparison, "'%s': %lld -> %lld", old->enumerators[i].name,
                   (long long)old->enumerators[i].value, (long long)now->enumerators[k].value);
    }
}

static void compare_constants(struct comparison *comparison)
{
    const struct layout_symbols *old = &comparison->old->constants;
    const struct layout_symbols *now = &comparison->now->constants;
    for (size_t i = 0; i < old->count; i++)
        for (size_t k = 0; k < now->count; k++)
            if (strcmp(old->items[i].name, now->items[k].name) == 0 &&
                old->items[i].value != now->items[k].value) {
                comparison->subject = old->items[i].name;
                report(comparison, "%lld -> %lld", (long long)old->items[i].value,
                       (long long)now->items[k].value);
            }
}

/* ---- all ------------------------------------------------------------------------------------- */

static bool is_compared(const struct layout_type *type)
{
    bool is_struct = type->kind == LAYOUT_STRUCT || type->kind == LAYOUT_UNION;
    return ((is_struct && !type->is_opaque) || type->kind == LAYOUT_ENUM) &&
           strstr(type->name, "{...}") == NULL;
}

/* Several structs, of several source files, may have one name: the first is compared. */
static bool index_types(struct hmap *index, const struct layout *layout)
{
    for (uint32_t i = 0; i < layout->type_count; i++) {
        bool inserted = false;
        uint32_t *found = NULL;
        if (!is_compared(&layout->types[i]))
            continue;
        found = hmap_at(index, &layout->types[i].name, &inserted);
        if (found == NULL)
            return false;
        if (inserted)
            *found = i;
    }
    return true;
}

static void compare_types(struct comparison *comparison, const struct hmap *old_types,
                          const struct hmap *now_types)
{
    for (uint32_t i = 0; i < comparison->old->type_count; i++) {
        const struct layout_type *old = &comparison->old->types[i];
        const uint32_t *own = is_compared(old) ? hmap_get(old_types, &old->name) : NULL;
        if (own == NULL || *own != i)
            continue;
        comparison->subject = old->name;
        const uint32_t *found = hmap_get(now_types, &old->name);
        if (found == NULL)
            report(comparison, "removed");
        else if (old->kind == LAYOUT_ENUM)
            compare_enums(comparison, old, &comparison->now->types[*found]);
        else
            compare_structs(comparison, old, &comparison->now->types[*found]);
    }
}

size_t compare_layouts(const struct layout *old, const struct layout *now, struct arena *arena,
                       FILE *stream)
{
    struct comparison comparison = {old, now, arena, stream, now->program, 0};
    if (old->pointer_size != now->pointer_size)
        report(&comparison, "pointer size %u -> %u", old->pointer_size, now->pointer_size);
    if (old->is_big_endian != now->is_big_endian)
        report(&comparison, "byte order %s -> %s", old->is_big_endian ? "big" : "little",
               now->is_big_endian ? "big" : "little");
    struct hmap *old_types = hmap_create(&name_to_type.type, NULL);
    struct hmap *now_types = hmap_create(&name_to_type.type, NULL);
    if (old_types != NULL && now_types != NULL && index_types(old_types, old) &&
        index_types(now_types, now))
        compare_types(&comparison, old_types, now_types);
    else
        arena_fail(arena, "out of memory");
    hmap_destroy(old_types);
    hmap_destroy(now_types);
    compare_constants(&comparison);
    return comparison.differences;
}
