/*
 * table.c - structs in pahole's style. layout_lines() in gdb/hmapdbg/text.py prints the same;
 * tests/layout compares the two.
 */
#include "table.h"

#include "output.h"

#include <stdlib.h>
#include <string.h>

/* The fields of a struct, with those of its anonymous members. */
struct rows {
    struct arena *arena;
    struct layout_field *items;
    size_t count;
    size_t room;
};

static bool add_row(void *context, const struct layout_field *field)
{
    struct rows *rows = context;
    if (rows->count == rows->room) {
        size_t room = rows->room == 0 ? 32 : 2 * rows->room;
        rows->items = arena_grow(rows->arena, rows->items, rows->count, room, sizeof(*rows->items));
        rows->room = room;
    }
    rows->items[rows->count++] = *field;
    return true;
}

/* By offset; stable. */
static void sort_rows(struct rows *rows)
{
    for (size_t i = 1; i < rows->count; i++) {
        struct layout_field moved = rows->items[i];
        size_t at = i;
        for (; at > 0 && rows->items[at - 1].offset > moved.offset; at--)
            rows->items[at] = rows->items[at - 1];
        rows->items[at] = moved;
    }
}

/* The length of a type's name without the "[8][2]" of a C array at its end. */
static size_t stem_of(const char *type)
{
    size_t stem = strlen(type);
    while (stem > 0 && type[stem - 1] == ']') {
        size_t at = stem - 1;
        while (at > 0 && type[at - 1] >= '0' && type[at - 1] <= '9')
            at--;
        if (at == 0 || type[at - 1] != '[')
            break;
        stem = at - 1;
    }
    return stem;
}

/* A field as in C: an array's size follows the name. */
static const char *declaration(struct arena *arena, const char *type, const char *name)
{
    size_t stem = stem_of(type);
    const char *rest = type + stem;
    while (stem > 0 && type[stem - 1] == ' ')
        stem--;
    const char *gap = stem > 0 && type[stem - 1] == '*' ? "" : " ";
    return arena_format(arena, "%.*s%s%s%s;", (int)stem, type, gap, name, rest);
}

/* A number with commas between thousands. */
static const char *grouped(struct arena *arena, uint64_t number)
{
    const char *text = "";
    while (number >= 1000) {
        text = arena_format(arena, ",%03u%s", (unsigned)(number % 1000), text);
        number /= 1000;
    }
    return arena_format(arena, "%u%s", (unsigned)number, text);
}

static void write_struct(const struct layout *layout, struct arena *arena,
                         const struct layout_type *type, FILE *stream)
{
    struct rows rows = {.arena = arena};
    layout_each_field(layout, type, add_row, &rows);
    sort_rows(&rows);
    const char **fields = arena_alloc(arena, rows.count, sizeof(*fields));
    size_t width = 0;
    for (size_t i = 0; i < rows.count; i++) {
        const char *type_name = layout->types[rows.items[i].type].name;
        fields[i] = declaration(arena, type_name, rows.items[i].name);
        size_t own = output_width(fields[i]);
        width = own > width ? own : width;
    }
    fputs("/* offset  size */\n", stream);
    output_text(stream, type->name);
    fputs(" {\n", stream);
    for (size_t i = 0; i < rows.count; i++) {
        fprintf(stream, "/* %6llu  %4llu */    ", (unsigned long long)rows.items[i].offset,
                (unsigned long long)layout->types[rows.items[i].type].size);
        output_text(stream, fields[i]);
        fprintf(stream, "%*s  /* debug info */\n", (int)(width - output_width(fields[i])), "");
    }
    fprintf(stream, "                      /* %s bytes in all */\n}\n", grouped(arena, type->size));
}

/* ---- what is shown --------------------------------------------------------------------------- */

static bool stop(void *context, const struct layout_field *field)
{
    (void)context;
    (void)field;
    return false;
}

static bool has_rows(const struct layout *layout, const struct layout_type *type)
{
    return !layout_each_field(layout, type, stop, NULL);
}

static bool is_shown(const struct layout_type *type)
{
    return (type->kind == LAYOUT_STRUCT || type->kind == LAYOUT_UNION) && !type->is_opaque &&
           strstr(type->name, "{...}") == NULL;
}

/* Whether a struct has that name, with or without "struct ". */
static bool is_called(const char *type, const char *name)
{
    static const char *const keywords[] = {"struct ", "union "};
    for (size_t i = 0; i < 2; i++)
        if (strncmp(type, keywords[i], strlen(keywords[i])) == 0 &&
            strcmp(type + strlen(keywords[i]), name) == 0)
            return true;
    return strcmp(type, name) == 0;
}

static bool write_named(const struct layout *layout, struct arena *arena, const char *name,
                        FILE *stream)
{
    bool found = false;
    for (size_t i = 0; i < layout->type_count; i++)
        if (is_shown(&layout->types[i]) && is_called(layout->types[i].name, name)) {
            write_struct(layout, arena, &layout->types[i], stream);
            found = true;
        }
    return found || arena_fail(arena,
                               "no struct '%s' among those that are needed to read the maps "
                               "of '%s': give no name to list them all",
                               name, layout->program);
}

static void write_symbols(const struct layout *layout, const struct layout_symbols *symbols,
                          const char *title, bool are_addresses, FILE *stream)
{
    if (symbols->count == 0)
        return;
    fprintf(stream, "\n%s\n", title);
    for (size_t i = 0; i < symbols->count; i++) {
        const struct layout_symbol *symbol = &symbols->items[i];
        if (are_addresses)
            fprintf(stream, "  0x%0*llx  ", (int)(2 * layout->pointer_size),
                    (unsigned long long)symbol->value);
        else
            fprintf(stream, "  %6lld  ", (long long)symbol->value);
        output_text(stream, symbol->name);
        if (symbol->type != LAYOUT_NONE) {
            fputs("   ", stream);
            output_text(stream, layout->types[symbol->type].name);
        }
        putc('\n', stream);
    }
}

static void write_enums(const struct layout *layout, FILE *stream)
{
    for (size_t i = 0; i < layout->type_count; i++) {
        const struct layout_type *type = &layout->types[i];
        if (type->kind != LAYOUT_ENUM || strncmp(type->name, "enum hmap_", 10) != 0)
            continue;
        fprintf(stream, "%s {\n", type->name);
        for (size_t k = 0; k < type->enumerator_count; k++)
            fprintf(stream, "    %s = %lld,\n", type->enumerators[k].name,
                    (long long)type->enumerators[k].value);
        fputs("}\n", stream);
    }
}

bool write_table(const struct layout *layout, struct arena *arena, const char *const *names,
                 FILE *stream)
{
    if (names != NULL && *names != NULL) {
        for (; *names != NULL; names++)
            if (!write_named(layout, arena, *names, stream))
                return false;
        return true;
    }
    output_text(stream, layout->program);
    fprintf(stream, ": %u-bit, %s-endian, %s ", 8 * layout->pointer_size,
            layout->is_big_endian ? "big" : "little",
            strcmp(layout->identity_kind, "text") == 0 ? "hash of .text" : layout->identity_kind);
    fprintf(stream, "%s%s\n", strcmp(layout->identity_kind, "text") == 0 ? "" : "build id ",
            layout->identity);
    for (size_t i = 0; i < layout->type_count; i++)
        if (is_shown(&layout->types[i]) && has_rows(layout, &layout->types[i]))
            write_struct(layout, arena, &layout->types[i], stream);
    write_enums(layout, stream);
    write_symbols(layout, &layout->globals, "variables that lead to maps, as linked", true, stream);
    write_symbols(layout, &layout->functions, "functions, as linked", true, stream);
    write_symbols(layout, &layout->constants, "constants", false, stream);
    return true;
}
