/*
 * json_read.c - layout files, parsed by jansson. They are kept in repositories and edited by hand:
 * nothing in one is trusted.
 */
#include "json_read.h"

#include <jansson.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct input {
    struct arena *arena;
    const char *path;
    uint64_t type_count;
};

static bool is_wrong(const struct input *input, const char *what)
{
    return arena_fail(input->arena,
                      "'%s' is not a layout file: %s: make it with 'hmap-layout PROGRAM "
                      "--json FILE'",
                      input->path, what);
}

static const char *text_of(const struct input *input, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (text == NULL) {
        is_wrong(input, arena_format(input->arena, "\"%s\" is missing or not a string", key));
        return "";
    }
    return arena_copy(input->arena, text, strlen(text));
}

/* A number that is not negative. If it is missing, `otherwise`; an error if that is -1. */
static uint64_t number_of(const struct input *input, const json_t *object, const char *key,
                          int64_t otherwise)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL && otherwise >= 0)
        return (uint64_t)otherwise;
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        is_wrong(input, arena_format(input->arena, "\"%s\" is missing or not a number", key));
        return 0;
    }
    return (uint64_t)json_integer_value(value);
}

static uint64_t address_of(const struct input *input, const json_t *object, const char *key)
{
    const char *text = text_of(input, object, key);
    char *end = NULL;
    errno = 0;
    uint64_t address = strtoull(text, &end, 16);
    if (strncmp(text, "0x", 2) != 0 || *end != '\0' || errno != 0)
        is_wrong(input, arena_format(input->arena, "\"%s\" is not an address", key));
    return address;
}

/* A type's index. `otherwise` as in number_of(); LAYOUT_NONE for what may be missing. */
static uint32_t type_of(const struct input *input, const json_t *object, const char *key,
                        int64_t otherwise)
{
    uint64_t index = number_of(input, object, key, otherwise);
    if (index >= input->type_count && index != (uint64_t)otherwise)
        is_wrong(input, arena_format(input->arena, "\"%s\" is not the number of a type", key));
    return (uint32_t)index;
}

static bool flag_of(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

static const json_t *array_of(const struct input *input, const json_t *object, const char *key)
{
    const json_t *array = json_object_get(object, key);
    if (!json_is_array(array))
        is_wrong(input, arena_format(input->arena, "\"%s\" is missing or not a list", key));
    return array;
}

static void read_fields(const struct input *input, const json_t *object, struct layout_type *type)
{
    const json_t *fields = array_of(input, object, "fields");
    type->field_count = json_array_size(fields);
    type->fields = arena_alloc(input->arena, type->field_count, sizeof(*type->fields));
    for (size_t i = 0; i < type->field_count; i++) {
        const json_t *field = json_array_get(fields, i);
        type->fields[i] = (struct layout_field){
            .name = text_of(input, field, "name"),
            .offset = number_of(input, field, "offset", -1),
            .type = type_of(input, field, "type", -1),
            .bit_offset = number_of(input, field, "bit_offset", 0),
            .bit_size = number_of(input, field, "bit_size", 0),
            .is_base = flag_of(field, "base"),
        };
    }
}

static void read_enumerators(const struct input *input, const json_t *object,
                             struct layout_type *type)
{
    const json_t *pairs = array_of(input, object, "enumerators");
    type->enumerator_count = json_array_size(pairs);
    type->enumerators =
        arena_alloc(input->arena, type->enumerator_count, sizeof(*type->enumerators));
    for (size_t i = 0; i < type->enumerator_count; i++) {
        const json_t *pair = json_array_get(pairs, i);
        const char *name = json_string_value(json_array_get(pair, 0));
        const json_t *value = json_array_get(pair, 1);
        if (name == NULL || !json_is_integer(value)) {
            is_wrong(input, "an enumerator is not a name and a number");
            return;
        }
        type->enumerators[i] = (struct layout_enumerator){
            arena_copy(input->arena, name, strlen(name)), json_integer_value(value)};
    }
}

static void read_type(const struct input *input, const json_t *object, struct layout_type *type)
{
    const char *kind = text_of(input, object, "kind");
    type->kind = layout_kind_of(kind);
    if (type->kind == LAYOUT_KINDS) {
        is_wrong(input, arena_format(input->arena, "there is no kind of type '%s'", kind));
        return;
    }
    bool has_target = type->kind == LAYOUT_ALIAS || type->kind == LAYOUT_ARRAY;
    type->name = text_of(input, object, "name");
    type->size = number_of(input, object, "size", -1);
    type->is_signed = flag_of(object, "signed");
    type->is_character = flag_of(object, "character");
    type->is_opaque = flag_of(object, "opaque");
    type->count = number_of(input, object, "count", 0);
    type->target = type_of(input, object, "target", has_target ? -1 : (int64_t)LAYOUT_NONE);
    if ((type->kind == LAYOUT_STRUCT || type->kind == LAYOUT_UNION) && !type->is_opaque)
        read_fields(input, object, type);
    if (type->kind == LAYOUT_ENUM)
        read_enumerators(input, object, type);
}

static void read_symbols(const struct input *input, const json_t *object, const char *key,
                         struct layout_symbols *symbols)
{
    const json_t *array = array_of(input, object, key);
    for (size_t i = 0; i < json_array_size(array) && !input->arena->failed; i++) {
        const json_t *symbol = json_array_get(array, i);
        const json_t *value = json_object_get(symbol, "value");
        if (value != NULL && !json_is_integer(value))
            is_wrong(input, "\"value\" is not a number");
        layout_add_symbol(input->arena, symbols, text_of(input, symbol, "name"),
                          value != NULL ? (uint64_t)json_integer_value(value)
                                        : address_of(input, symbol, "address"),
                          type_of(input, symbol, "type", (int64_t)LAYOUT_NONE));
    }
}

static void read_document(struct input *input, const json_t *document, struct layout *layout)
{
    const char *format = json_string_value(json_object_get(document, "format"));
    if (format == NULL || strcmp(format, LAYOUT_FORMAT) != 0) {
        is_wrong(input, format == NULL ? "it has no \"format\""
                                       : arena_format(input->arena, "its format is '%s', not '%s'",
                                                      format, LAYOUT_FORMAT));
        return;
    }
    layout->program = text_of(input, document, "program");
    layout->pointer_size = (unsigned)number_of(input, document, "pointer_size", -1);
    const char *byte_order = text_of(input, document, "byte_order");
    layout->is_big_endian = strcmp(byte_order, "big") == 0;
    if (!layout->is_big_endian && strcmp(byte_order, "little") != 0)
        is_wrong(input, "\"byte_order\" is neither \"little\" nor \"big\"");
    layout->text_address = address_of(input, document, "text");
    const json_t *types = array_of(input, document, "types");
    layout->type_count = json_array_size(types);
    input->type_count = layout->type_count;
    layout->types = arena_alloc(input->arena, layout->type_count, sizeof(*layout->types));
    for (size_t i = 0; i < layout->type_count && !input->arena->failed; i++)
        read_type(input, json_array_get(types, i), &layout->types[i]);
    for (size_t i = 0; i < layout->type_count && !input->arena->failed; i++)
        if (layout->types[i].kind == LAYOUT_ALIAS &&
            layout->types[layout->types[i].target].kind == LAYOUT_ALIAS)
            is_wrong(input, "an alias of another alias");
    read_symbols(input, document, "globals", &layout->globals);
    read_symbols(input, document, "functions", &layout->functions);
    read_symbols(input, document, "constants", &layout->constants);
}

bool read_json(struct layout *layout, struct arena *arena, const char *path)
{
    *layout = (struct layout){0};
    struct input input = {.arena = arena, .path = path};
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return arena_fail(arena, "cannot open '%s': %s", path, strerror(errno));
    json_error_t error;
    json_t *document = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
    fclose(file);
    if (document == NULL)
        return is_wrong(&input, arena_format(arena, "%s at line %d", error.text, error.line));
    read_document(&input, document, layout);
    json_decref(document);
    return !arena->failed;
}
