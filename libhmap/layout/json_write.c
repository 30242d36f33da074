/*
 * json_write.c - the layout file: JSON with a type a line, so that two of them can be compared by
 * any tool. docs/layouts.md describes it; json_read.c and gdb/hmapdbg/target/layout_file.py read it.
 */
#include "output.h"

/* A text in quotes. Bytes that are no UTF-8 become U+FFFD. */
static void write_text(FILE *stream, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    putc('"', stream);
    while (*at != '\0') {
        if (*at == '"' || *at == '\\')
            fprintf(stream, "\\%c", *at++);
        else if (*at < 0x20 || *at == 0x7f)
            fprintf(stream, "\\u%04x", *at++);
        else if (*at < 0x80)
            putc(*at++, stream);
        else {
            size_t length = output_utf8_length(at);
            if (length == 0) {
                fputs("\\ufffd", stream);
                at++;
            }
            while (length-- > 0)
                putc(*at++, stream);
        }
    }
    putc('"', stream);
}

static void write_fields(const struct layout_type *type, FILE *stream)
{
    fputs(", \"fields\": [", stream);
    for (size_t i = 0; i < type->field_count; i++) {
        const struct layout_field *field = &type->fields[i];
        fputs(i == 0 ? "{\"name\": " : ", {\"name\": ", stream);
        write_text(stream, field->name);
        fprintf(stream, ", \"offset\": %llu, \"type\": %u", (unsigned long long)field->offset,
                field->type);
        if (field->bit_size != 0)
            fprintf(stream, ", \"bit_offset\": %llu, \"bit_size\": %llu",
                    (unsigned long long)field->bit_offset, (unsigned long long)field->bit_size);
        fputs(field->is_base ? ", \"base\": true}" : "}", stream);
    }
    putc(']', stream);
    if (type->argument_count == 0)
        return;
    fputs(", \"arguments\": [", stream);
    for (size_t i = 0; i < type->argument_count; i++) {
        const struct layout_argument *argument = &type->arguments[i];
        fputs(i == 0 ? "" : ", ", stream);
        if (argument->type != LAYOUT_NONE)
            fprintf(stream, "{\"type\": %u}", argument->type);
        else
            fprintf(stream, "{\"value\": %lld}", (long long)argument->value);
    }
    putc(']', stream);
}

static void write_enumerators(const struct layout_type *type, FILE *stream)
{
    fputs(", \"enumerators\": [", stream);
    for (size_t i = 0; i < type->enumerator_count; i++) {
        fputs(i == 0 ? "[" : ", [", stream);
        write_text(stream, type->enumerators[i].name);
        fprintf(stream, ", %lld]", (long long)type->enumerators[i].value);
    }
    putc(']', stream);
}

static void write_type(const struct layout_type *type, FILE *stream)
{
    fprintf(stream, "{\"kind\": \"%s\", \"name\": ", layout_kind_name(type->kind));
    write_text(stream, type->name);
    fprintf(stream, ", \"size\": %llu", (unsigned long long)type->size);
    if (type->is_signed)
        fputs(", \"signed\": true", stream);
    if (type->is_character)
        fputs(", \"character\": true", stream);
    if (type->kind == LAYOUT_ARRAY)
        fprintf(stream, ", \"count\": %llu", (unsigned long long)type->count);
    if (type->target != LAYOUT_NONE)
        fprintf(stream, ", \"target\": %u", type->target);
    if (type->is_opaque)
        fputs(", \"opaque\": true", stream);
    else if (type->kind == LAYOUT_STRUCT || type->kind == LAYOUT_UNION)
        write_fields(type, stream);
    if (type->kind == LAYOUT_ENUM)
        write_enumerators(type, stream);
    putc('}', stream);
}

static void write_symbols(const char *title, const struct layout_symbols *symbols,
                          bool are_addresses, FILE *stream)
{
    fprintf(stream, "\"%s\": [", title);
    for (size_t i = 0; i < symbols->count; i++) {
        const struct layout_symbol *symbol = &symbols->items[i];
        fputs(i == 0 ? "\n{\"name\": " : ",\n{\"name\": ", stream);
        write_text(stream, symbol->name);
        if (are_addresses)
            fprintf(stream, ", \"address\": \"0x%llx\"", (unsigned long long)symbol->value);
        else
            fprintf(stream, ", \"value\": %lld", (long long)symbol->value);
        if (symbol->type != LAYOUT_NONE)
            fprintf(stream, ", \"type\": %u", symbol->type);
        putc('}', stream);
    }
    fputs(symbols->count == 0 ? "]" : "\n]", stream);
}

void write_json(const struct layout *layout, FILE *stream)
{
    fputs("{\n\"format\": \"" LAYOUT_FORMAT "\",\n\"program\": ", stream);
    write_text(stream, layout->program);
    fprintf(stream, ",\n\"identity\": {\"kind\": \"%s\", \"value\": ", layout->identity_kind);
    write_text(stream, layout->identity);
    fprintf(stream, "},\n\"byte_order\": \"%s\",\n\"pointer_size\": %u,\n\"text\": \"0x%llx\",\n",
            layout->is_big_endian ? "big" : "little", layout->pointer_size,
            (unsigned long long)layout->text_address);
    fputs("\"types\": [", stream);
    for (size_t i = 0; i < layout->type_count; i++) {
        fputs(i == 0 ? "\n" : ",\n", stream);
        write_type(&layout->types[i], stream);
    }
    fputs("\n],\n", stream);
    write_symbols("globals", &layout->globals, true, stream);
    fputs(",\n", stream);
    write_symbols("functions", &layout->functions, true, stream);
    fputs(",\n", stream);
    write_symbols("constants", &layout->constants, false, stream);
    fputs("\n}\n", stream);
}
