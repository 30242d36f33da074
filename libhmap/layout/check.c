/*
 * check.c - what has drifted: structs by name, their fields by name.
 */
#include "check.h"

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

static void tell(struct comparison *comparison, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void tell(struct comparison *comparison, const char *format, ...)
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

/* The fields of a struct by name. */
struct field_list {
    struct arena *arena;
    struct hmap *fields;
};

static bool add_field(void *context, const struct layout_field *field)
{
    struct field_list *list = context;
    if (*field->name != '\0' && hmap_put(list->fields, &field->name, field) == NULL)
        arena_fail(list->arena, "out of memory");
    return !list->arena->failed;
}

static bool list_fields(struct arena *arena, const struct layout *layout,
                        const struct layout_type *type, struct field_list *list)
{
    *list = (struct field_list){arena, hmap_create(&name_to_field.type, NULL)};
    if (list->fields == NULL)
        return arena_fail(arena, "out of memory");
    return layout_each_field(layout, type, add_field, list);
}

static void compare_field(struct comparison *comparison, const struct layout_field *old,
                          const struct layout_field *now)
{
    const struct layout_type *old_type = &comparison->old->types[old->type];
    const struct layout_type *now_type = &comparison->now->types[now->type];
    if (old->offset != now->offset)
        tell(comparison, "field '%s': offset %llu -> %llu", old->name,
             (unsigned long long)old->offset, (unsigned long long)now->offset);
    if (old->bit_size != now->bit_size || old->bit_offset != now->bit_offset)
        tell(comparison, "field '%s': bits %llu, %llu of them -> %llu, %llu of them", old->name,
             (unsigned long long)old->bit_offset, (unsigned long long)old->bit_size,
             (unsigned long long)now->bit_offset, (unsigned long long)now->bit_size);
    if (old_type->size != now_type->size)
        tell(comparison, "field '%s': size %llu -> %llu", old->name,
             (unsigned long long)old_type->size, (unsigned long long)now_type->size);
    if (strcmp(old_type->name, now_type->name) != 0)
        tell(comparison, "field '%s': type '%s' -> '%s'", old->name, old_type->name,
             now_type->name);
}

/* For each field of the old struct, and for those that are only in the new one. */
struct fields_of_both {
    struct comparison *comparison;
    const struct field_list *others;
    bool is_new;
};

static bool visit_field(void *context, const struct layout_field *field)
{
    const struct fields_of_both *both = context;
    if (*field->name == '\0')
        return true;
    const struct layout_field *other = hmap_get(both->others->fields, &field->name);
    if (!both->is_new && other == NULL)
        tell(both->comparison, "field '%s' is gone", field->name);
    else if (!both->is_new)
        compare_field(both->comparison, field, other);
    else if (other == NULL)
        tell(both->comparison, "field '%s' is new, at offset %llu", field->name,
             (unsigned long long)field->offset);
    return true;
}

static void compare_structs(struct comparison *comparison, const struct layout_type *old,
                            const struct layout_type *now)
{
    struct field_list old_fields = {0};
    struct field_list now_fields = {0};
    if (old->size != now->size)
        tell(comparison, "size %llu -> %llu", (unsigned long long)old->size,
             (unsigned long long)now->size);
    if (list_fields(comparison->arena, comparison->old, old, &old_fields) &&
        list_fields(comparison->arena, comparison->now, now, &now_fields)) {
        struct fields_of_both both = {comparison, &now_fields, false};
        layout_each_field(comparison->old, old, visit_field, &both);
        both = (struct fields_of_both){comparison, &old_fields, true};
        layout_each_field(comparison->now, now, visit_field, &both);
    }
    hmap_destroy(old_fields.fields);
    hmap_destroy(now_fields.fields);
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
            tell(comparison, "'%s' is gone", old->enumerators[i].name);
        else if (old->enumerators[i].value != now->enumerators[k].value)
            tell(comparison, "'%s': %lld -> %lld", old->enumerators[i].name,
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
                tell(comparison, "%lld -> %lld", (long long)old->items[i].value,
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

/* Several structs may have one name, in several files of a program: the first stands for it. */
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
            tell(comparison, "it is gone");
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
        tell(&comparison, "pointers have %u bytes -> %u", old->pointer_size, now->pointer_size);
    if (old->is_big_endian != now->is_big_endian)
        tell(&comparison, "byte order %s -> %s", old->is_big_endian ? "big" : "little",
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
