/*
 * json_write.c - JSON with one type per line, so that any tool can compare two files. jansson
 * prints each line, but it cannot break lines at one level only, so the frame is printed here.
 * docs/layouts.md describes the file; gdb/hmapdbg/target/layout_file.py reads it too.
 */
#include "json_write.h"

#include "output.h"

#include <jansson.h>

#include <string.h>

struct writer {
    struct arena *arena;
    FILE *stream;
    bool failed; /* out of memory */
};

/* The text with U+FFFD in place of each byte that is not UTF-8. */
static json_t *repaired(struct writer *writer, const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd";
    const unsigned char *at = (const unsigned char *)text;
    char *copy = arena_alloc(writer->arena, 3 * strlen(text) + 1, 1);
    char *end = copy;
    while (*at != '\0') {
        size_t length = *at < 0x80 ? 1 : output_utf8_length(at);
        end = length == 0 ? stpcpy(end, replacement) : mempcpy(end, at, length);
        at += length == 0 ? 1 : length;
    }
    return json_string(copy);
}

static json_t *text(struct writer *writer, const char *bytes)
{
    json_t *string = json_string(bytes); /* NULL also if it is not UTF-8 */
    return string != NULL ? string : repaired(writer, bytes);
}

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *address(struct writer *writer, uint64_t value)
{
    return json_string(arena_format(writer->arena, "0x%llx", (unsigned long long)value));
}

/* Adds a member; takes over `value`. */
static void set(struct writer *writer, json_t *object, const char *key, json_t *value)
{
    writer->failed |= json_object_set_new(object, key, value) != 0;
}

static void append(struct writer *writer, json_t *array, json_t *value)
{
    writer->failed |= json_array_append_new(array, value) != 0;
}

/* Prints a value on one line; takes it over. In ASCII, so that it may be printed on a terminal. */
static void print(struct writer *writer, json_t *value)
{
    int result = json_dumpf(value, writer->stream, JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
    writer->failed |= result != 0 && !ferror(writer->stream);
    json_decref(value);
}

/* ---- types ----------------------------------------------------------------------------------- */

static json_t *field_of(struct writer *writer, const struct layout_field *field)
{
    json_t *object = json_object();
    set(writer, object, "name", text(writer, field->name));
    set(writer, object, "offset", number(field->offset));
    set(writer, object, "type", number(field->type));
    if (field->bit_size != 0) {
        set(writer, object, "bit_offset", number(field->bit_offset));
        set(writer, object, "bit_size", number(field->bit_size));
    }
    if (field->is_base)
        set(writer, object, "base", json_true());
    return object;
}

static void set_fields(struct writer *writer, json_t *object, const struct layout_type *type)
{
    json_t *fields = json_array();
    for (size_t i = 0; i < type->field_count; i++)
        append(writer, fields, field_of(writer, &type->fields[i]));
    set(writer, object, "fields", fields);
    if (type->argument_count == 0)
        return;
    json_t *arguments = json_array();
    for (size_t i = 0; i < type->argument_count; i++) {
        const struct layout_argument *from = &type->arguments[i];
        json_t *argument = json_object();
        if (from->type != LAYOUT_NONE)
            set(writer, argument, "type", number(from->type));
        else
            set(writer, argument, "value", json_integer(from->value));
        append(writer, arguments, argument);
    }
    set(writer, object, "arguments", arguments);
}

static void set_enumerators(struct writer *writer, json_t *object, const struct layout_type *type)
{
    json_t *enumerators = json_array();
    for (size_t i = 0; i < type->enumerator_count; i++) {
        json_t *pair = json_array();
        append(writer, pair, text(writer, type->enumerators[i].name));
        append(writer, pair, json_integer(type->enumerators[i].value));
        append(writer, enumerators, pair);
    }
    set(writer, object, "enumerators", enumerators);
}

/* Whether the descriptor of a type is worth a look: a map's, or that of a struct in full. */
static bool is_checked(const struct layout_type *type)
{
    bool is_map = type->kind == LAYOUT_ALIAS && strncmp(type->name, "map[", 4) == 0;
    return type->descriptor != 0 && (is_map || (type->kind == LAYOUT_STRUCT && !type->is_opaque));
}

static json_t *type_of(struct writer *writer, const struct layout_type *type)
{
    json_t *object = json_object();
    set(writer, object, "kind", json_string(layout_kind_name(type->kind)));
    set(writer, object, "name", text(writer, type->name));
    set(writer, object, "size", number(type->size));
    if (type->is_signed)
        set(writer, object, "signed", json_true());
    if (type->is_character)
        set(writer, object, "character", json_true());
    if (type->kind == LAYOUT_ARRAY)
        set(writer, object, "count", number(type->count));
    if (type->target != LAYOUT_NONE)
        set(writer, object, "target", number(type->target));
    if (type->is_opaque)
        set(writer, object, "opaque", json_true());
    else if (type->kind == LAYOUT_STRUCT || type->kind == LAYOUT_UNION)
        set_fields(writer, object, type);
    if (is_checked(type))
        set(writer, object, "descriptor", number(type->descriptor));
    if (type->kind == LAYOUT_ENUM)
        set_enumerators(writer, object, type);
    return object;
}

/* ---- the file -------------------------------------------------------------------------------- */

static void print_member(struct writer *writer, const char *key, json_t *value)
{
    fprintf(writer->stream, "\"%s\": ", key);
    print(writer, value);
    fputs(",\n", writer->stream);
}

static void print_symbols(struct writer *writer, const char *key,
                          const struct layout_symbols *symbols, bool are_addresses)
{
    fprintf(writer->stream, "\"%s\": [", key);
    for (size_t i = 0; i < symbols->count; i++) {
        const struct layout_symbol *symbol = &symbols->items[i];
        json_t *object = json_object();
        set(writer, object, "name", text(writer, symbol->name));
        if (are_addresses)
            set(writer, object, "address", address(writer, symbol->value));
        else
            set(writer, object, "value", number(symbol->value));
        if (symbol->type != LAYOUT_NONE)
            set(writer, object, "type", number(symbol->type));
        fputs(i == 0 ? "\n" : ",\n", writer->stream);
        print(writer, object);
    }
    fputs(symbols->count == 0 ? "]" : "\n]", writer->stream);
}

static void print_sections(struct writer *writer, const struct layout *layout)
{
    fputs("\"sections\": [", writer->stream);
    for (size_t i = 0; i < layout->section_count; i++) {
        const struct layout_section *section = &layout->sections[i];
        json_t *object = json_object();
        set(writer, object, "name", text(writer, section->name));
        set(writer, object, "address", address(writer, section->address));
        set(writer, object, "size", number(section->size));
        if (section->is_writable)
            set(writer, object, "writable", json_true());
        if (section->is_code)
            set(writer, object, "code", json_true());
        if (section->has_checksum)
            set(writer, object, "crc32", address(writer, section->checksum));
        fputs(i == 0 ? "\n" : ",\n", writer->stream);
        print(writer, object);
    }
    fputs(layout->section_count == 0 ? "],\n" : "\n],\n", writer->stream);
}

bool write_json(const struct layout *layout, struct arena *arena, FILE *stream)
{
    struct writer writer = {.arena = arena, .stream = stream};
    json_t *identity = json_object();
    set(&writer, identity, "kind", json_string(layout->identity_kind));
    set(&writer, identity, "value", text(&writer, layout->identity));
    fputs("{\n", stream);
    print_member(&writer, "format", json_string(LAYOUT_FORMAT));
    print_member(&writer, "program", text(&writer, layout->program));
    print_member(&writer, "identity", identity);
    print_member(&writer, "byte_order", json_string(layout->is_big_endian ? "big" : "little"));
    print_member(&writer, "pointer_size", json_integer(layout->pointer_size));
    print_member(&writer, "text", address(&writer, layout->text_address));
    print_sections(&writer, layout);
    print_symbols(&writer, "marks", &layout->marks, true);
    fputs(",\n", stream);
    fputs("\"types\": [", stream);
    for (size_t i = 0; i < layout->type_count; i++) {
        fputs(i == 0 ? "\n" : ",\n", stream);
        print(&writer, type_of(&writer, &layout->types[i]));
    }
    fputs("\n],\n", stream);
    print_symbols(&writer, "globals", &layout->globals, true);
    fputs(",\n", stream);
    print_symbols(&writer, "functions", &layout->functions, true);
    fputs(",\n", stream);
    print_symbols(&writer, "constants", &layout->constants, false);
    fputs("\n}\n", stream);
    return !writer.failed || arena_fail(arena, "out of memory");
}
