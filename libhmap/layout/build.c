/*
 * build.c - the struct layout, from the types and variables that were kept.
 *
 * A struct that many units describe is one type in the layout: types are the same if name, size and
 * fields are. Typedefs and qualifiers become aliases of the type behind them.
 */
#include "build.h"

#include "classify.h"
#include "closure.h"
#include "declarator.h"
#include "types.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64 };

HMAP_TYPE_STRING(text_to_index, uint32_t);

struct builder {
    struct reader *reader;
    struct layout *layout;
    struct hmap *known; /* what a type looks like -> its index */
    size_t room;
};

/* ---- types ----------------------------------------------------------------------------------- */

/* The index of the type that looks like this, new or not; `*type` NULL: it is not new. */
static uint32_t intern(struct builder *builder, const char *looks, struct layout_type **type)
{
    struct layout *layout = builder->layout;
    bool inserted = false;
    uint32_t *index = hmap_at(builder->known, &looks, &inserted);
    *type = NULL;
    if (index == NULL) {
        reader_out_of_memory(builder->reader);
        return 0;
    }
    if (inserted) {
        *index = (uint32_t)layout->type_count;
        *type =
            READER_APPEND(builder->reader->arena, layout->types, layout->type_count, builder->room);
        **type = (struct layout_type){.target = LAYOUT_NONE};
    }
    return *index;
}

static uint32_t build(struct builder *builder, uint32_t index, int depth);

static bool is_go_function(const struct reader *reader, const struct source_type *alias)
{
    uint32_t real = strip_type(reader, alias->target);
    return alias->name != NULL && strncmp(alias->name, "func(", 5) == 0 && real != LAYOUT_NONE &&
           reader->types[real].tag == DW_TAG_subroutine_type;
}

/* A struct's name and size, and its fields' names and offsets; of one without a name, of which any
 * two may look alike so far, also its fields' types. */
static const char *looks_of_struct(struct reader *reader, const struct source_type *type,
                                   const char *name)
{
    struct arena *arena = reader->arena;
    const char **spelled = arena_alloc(arena, type->field_count, sizeof(*spelled));
    size_t room = strlen(name) + 64;
    for (size_t i = 0; i < type->field_count && !arena->failed; i++) {
        uint32_t of = type->fields[i].type;
        spelled[i] = type->name != NULL || of == LAYOUT_NONE ? "" : spell_type(reader, of);
        room += strlen(type->fields[i].name) + strlen(spelled[i]) + 64;
    }
    char *text = arena_alloc(arena, room, 1);
    if (arena->failed)
        return "";
    int added = snprintf(text, room, "{%s %llu", name, (unsigned long long)type->size);
    size_t at = added < 0 ? 0 : (size_t)added;
    for (size_t i = 0; i < type->field_count; i++) {
        added = snprintf(text + at, room - at, " %s@%llu:%llu%s", type->fields[i].name,
                         (unsigned long long)type->fields[i].offset,
                         (unsigned long long)type->fields[i].bit_offset, spelled[i]);
        at += added < 0 ? 0 : (size_t)added;
    }
    return text;
}

static uint32_t build_struct(struct builder *builder, uint32_t index)
{
    struct reader *reader = builder->reader;
    struct source_type *source = &reader->types[index];
    const char *name = spell_type(reader, index);
    bool is_opaque = source->demand == DEMAND_NAME;
    /* By name alone it is the one that was built in full, if there is one. */
    const char *brief =
        arena_format(reader->arena, "~%s %llu", name, (unsigned long long)source->size);
    const uint32_t *full = is_opaque ? hmap_get(builder->known, &brief) : NULL;
    if (full != NULL)
        return source->built = *full;
    struct layout_type *type = NULL;
    const char *looks = is_opaque ? brief : looks_of_struct(reader, source, name);
    source->built = intern(builder, looks, &type);
    if (type == NULL)
        return source->built;
    type->kind = source->tag == DW_TAG_union_type ? LAYOUT_UNION : LAYOUT_STRUCT;
    type->name = name;
    type->size = source->size;
    type->is_opaque = is_opaque;
    type->descriptor = source->descriptor;
    uint32_t built = source->built;
    if (!is_opaque && hmap_get(builder->known, &brief) == NULL)
        hmap_put(builder->known, &brief, &built);
    return built;
}

/* Integers whose arrays are text, as in gdb/hmapdbg/target/types.py. */
static const char *const characters[] = {"char", "wchar_t", "char8_t", "char16_t", "char32_t"};

/* Base types by their encodings. */
static void set_base(struct layout_type *type, const struct source_type *source)
{
    type->kind = LAYOUT_INTEGER;
    switch (source->encoding) {
    case DW_ATE_boolean:
        type->kind = LAYOUT_BOOLEAN;
        break;
    case DW_ATE_float:
        type->kind = LAYOUT_FLOAT;
        type->is_signed = true;
        break;
    case DW_ATE_signed:
    case DW_ATE_signed_char:
        type->is_signed = true;
        break;
    case DW_ATE_unsigned:
    case DW_ATE_unsigned_char:
    case DW_ATE_UTF:
        break;
    default:
        type->kind = LAYOUT_OTHER;
    }
    for (size_t i = 0; source->name != NULL && i < sizeof(characters) / sizeof(*characters); i++)
        type->is_character |= strcmp(source->name, characters[i]) == 0;
}

static void set_enum(struct layout_type *type, const struct source_type *source)
{
    type->kind = LAYOUT_ENUM;
    type->enumerators = source->enumerators;
    type->enumerator_count = source->enumerator_count;
    for (size_t i = 0; i < source->enumerator_count; i++)
        type->is_signed |= source->enumerators[i].value < 0;
}

/* Any type but a struct. */
static uint32_t build_other(struct builder *builder, uint32_t index, int depth)
{
    struct reader *reader = builder->reader;
    const struct source_type source =
        index == LAYOUT_NONE ? (struct source_type){0} : reader->types[index];
    struct layout_type made = {.kind = LAYOUT_OTHER, .target = LAYOUT_NONE};
    made.name = spell_type(reader, index);
    made.size = source.size;
    switch (source.tag) {
    case 0: /* void is one byte in gdb, and so is a function */
    case DW_TAG_unspecified_type:
    case DW_TAG_subroutine_type:
        made.size = 1;
        break;
    case DW_TAG_base_type:
        set_base(&made, &source);
        break;
    case DW_TAG_enumeration_type:
        set_enum(&made, &source);
        break;
    case DW_TAG_pointer_type:
    case DW_TAG_reference_type:
    case DW_TAG_rvalue_reference_type:
        made.kind = LAYOUT_POINTER;
        made.target = build(builder, source.target, depth + 1);
        break;
    case DW_TAG_array_type:
        made.kind = LAYOUT_ARRAY;
        made.count = source.count;
        made.target = build(builder, source.target, depth + 1);
        break;
    case DW_TAG_typedef:
    case DW_TAG_const_type:
    case DW_TAG_volatile_type:
    case DW_TAG_restrict_type:
    case DW_TAG_atomic_type: {
        bool is_function = is_go_function(reader, &source);
        made.kind = is_function ? LAYOUT_POINTER : LAYOUT_ALIAS;
        made.descriptor = is_function ? 0 : source.descriptor;
        made.target = build(builder, strip_type(reader, source.target), depth + 1);
        if (reader->arena->failed)
            return 0;
        made.size =
            is_function ? builder->layout->pointer_size : builder->layout->types[made.target].size;
        break;
    }
    default: /* pointers to members and unknown types: bytes */
        break;
    }
    const char *looks =
        arena_format(reader->arena, "%d %s %llu %u %zu", (int)made.kind, made.name,
                     (unsigned long long)made.size, made.target, made.enumerator_count);
    struct layout_type *type = NULL;
    uint32_t built = intern(builder, looks, &type);
    if (type != NULL)
        *type = made;
    if (index != LAYOUT_NONE)
        reader->types[index].built = built;
    return built;
}

static uint32_t build(struct builder *builder, uint32_t index, int depth)
{
    struct reader *reader = builder->reader;
    if (depth > MAX_DEPTH && index != LAYOUT_NONE)
        type_fail(reader, &reader->types[index], "a type refers to itself");
    if (reader->arena->failed)
        return 0;
    if (index == LAYOUT_NONE)
        return build_other(builder, index, depth);
    if (reader->types[index].built != LAYOUT_NONE)
        return reader->types[index].built;
    switch (reader->types[index].tag) {
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
    case DW_TAG_union_type:
        return build_struct(builder, index);
    default:
        return build_other(builder, index, depth);
    }
}

/* The fields and template arguments of a struct, once all structs have their numbers. */
static void fill_struct(struct builder *builder, const struct source_type *source)
{
    struct arena *arena = builder->reader->arena;
    struct layout_field *fields = arena_alloc(arena, source->field_count, sizeof(*fields));
    for (size_t i = 0; i < source->field_count; i++)
        fields[i] = (struct layout_field){
            .name = source->fields[i].name,
            .offset = source->fields[i].offset,
            .type = build(builder, source->fields[i].type, 0),
            .bit_offset = source->fields[i].bit_offset,
            .bit_size = source->fields[i].bit_size,
            .is_base = source->fields[i].is_base,
        };
    struct layout_argument *arguments =
        arena_alloc(arena, source->argument_count, sizeof(*arguments));
    for (size_t i = 0; i < source->argument_count; i++) {
        arguments[i] = source->arguments[i];
        if (arguments[i].type != LAYOUT_NONE)
            arguments[i].type = build(builder, arguments[i].type, 0);
    }
    if (arena->failed)
        return;
    struct layout_type *type = &builder->layout->types[source->built];
    type->fields = fields;
    type->field_count = source->field_count;
    type->arguments = arguments;
    type->argument_count = source->argument_count;
}

static void build_types(struct builder *builder)
{
    struct reader *reader = builder->reader;
    for (int full = 1; full >= 0; full--)
        for (uint32_t i = 0; i < reader->type_count; i++) {
            const struct source_type *type = &reader->types[i];
            if (type->demand > DEMAND_NAME ? full && is_struct(type)
                                           : !full && type->demand == DEMAND_NAME)
                build(builder, i, 0);
        }
    for (uint32_t i = 0; i < reader->type_count && !reader->arena->failed; i++) {
        const struct source_type *type = &reader->types[i];
        if (type->demand <= DEMAND_NAME)
            continue;
        build(builder, i, 0);
        if (reader->arena->failed)
            return;
        const struct layout_type *built = &builder->layout->types[type->built];
        /* gcc leaves template arguments out in units that only name the type. */
        if (is_struct(type) &&
            (built->fields == NULL || built->argument_count < type->argument_count))
            fill_struct(builder, type);
    }
}

/* ---- symbols --------------------------------------------------------------------------------- */

static int compare_symbols(const void *a, const void *b)
{
    const struct layout_symbol *x = a;
    const struct layout_symbol *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->value > y->value) - (x->value < y->value);
}

/* Sorts by name and drops duplicates: several units may define the same. */
static void sort_symbols(struct layout_symbols *symbols)
{
    if (symbols->count == 0)
        return;
    qsort(symbols->items, symbols->count, sizeof(*symbols->items), compare_symbols);
    size_t kept = 1;
    for (size_t i = 1; i < symbols->count; i++)
        if (compare_symbols(&symbols->items[kept - 1], &symbols->items[i]) != 0)
            symbols->items[kept++] = symbols->items[i];
    symbols->count = kept;
}

static void build_symbols(struct builder *builder)
{
    struct reader *reader = builder->reader;
    struct layout *layout = builder->layout;
    for (size_t i = 0; i < reader->variables.count; i++) {
        const struct variable *found = &reader->variables.items[i];
        if (is_kept_variable(reader, found))
            layout_add_symbol(reader->arena, &layout->globals, found->name, found->address,
                              build(builder, found->type, 0));
    }
    for (size_t i = 0; i < reader->constants.count; i++) {
        const struct variable *found = &reader->constants.items[i];
        layout_add_symbol(reader->arena, &layout->constants, found->name, found->address,
                          build(builder, found->type, 0));
    }
    for (const char *const *name = wanted_functions; *name != NULL; name++) {
        uint64_t address = 0;
        if (elf_symbol(&reader->program, *name, &address) ||
            elf_symbol(&reader->files[0].image, *name, &address))
            layout_add_symbol(reader->arena, &layout->functions, *name, address, LAYOUT_NONE);
    }
    sort_symbols(&layout->globals);
    sort_symbols(&layout->constants);
}

/* ---- what tells a rebuild from another program ----------------------------------------------- */

/* Where Go's linker puts the parts of a program; runtime.firstmoduledata has these addresses too. */
static const char *const go_marks[] = {
    "text", "etext", "noptrdata", "enoptrdata", "data",  "edata",
    "bss",  "ebss",  "noptrbss",  "enoptrbss",  "types", NULL,
};

static void build_marks(struct reader *reader, struct layout *layout)
{
    for (const char *const *mark = go_marks; *mark != NULL; mark++) {
        const char *name = arena_format(reader->arena, "runtime.%s", *mark);
        uint64_t address = 0;
        if (elf_symbol(&reader->program, name, &address) ||
            elf_symbol(&reader->files[0].image, name, &address))
            layout_add_symbol(reader->arena, &layout->marks, *mark, address, LAYOUT_NONE);
    }
}

static void build_sections(struct reader *reader, struct layout *layout)
{
    const struct elf_image *image = &reader->program;
    size_t room = 0;
    size_t left = image->size;
    for (size_t i = 0; i < image->section_count && !reader->arena->failed; i++) {
        const struct elf_section *from = &image->sections[i];
        if ((from->flags & SHF_ALLOC) == 0)
            continue;
        struct layout_section *section =
            READER_APPEND(reader->arena, layout->sections, layout->section_count, room);
        *section = (struct layout_section){
            .name = from->name,
            .address = from->address,
            .size = from->size,
            .is_writable = (from->flags & SHF_WRITE) != 0,
            .is_code = (from->flags & SHF_EXECINSTR) != 0,
        };
        if (!section->is_code || from->bytes == NULL)
            continue;
        if (from->byte_count > left) {
            arena_fail(reader->arena, "'%s' is malformed: section '%s' overlaps another one",
                       image->path, from->name);
            return;
        }
        left -= from->byte_count; /* so that all of them take no longer than the file */
        section->has_checksum = true;
        section->checksum =
            (uint32_t)dwarf_basic_crc32((const unsigned char *)from->bytes, from->byte_count, 0);
    }
}

/* ---- all ------------------------------------------------------------------------------------- */

static void set_identity(struct reader *reader, struct layout *layout)
{
    struct arena *arena = reader->arena;
    const struct elf_image *image = &reader->program;
    const struct elf_section *text = elf_find_section(image, ".text");
    struct elf_bytes gnu = elf_gnu_build_id(image);
    struct elf_bytes go = elf_go_build_id(image);
    layout->text_address = text == NULL ? 0 : text->address;
    layout->is_big_endian = image->is_big_endian;
    layout->pointer_size = image->is_wide ? 8 : 4;
    if (gnu.size > 0) {
        layout->identity_kind = "GNU";
        layout->identity = elf_hexadecimal(arena, gnu);
    } else if (go.size > 0) {
        layout->identity_kind = "Go";
        layout->identity = arena_copy(arena, go.bytes, go.size);
    } else if (text != NULL && text->bytes != NULL) {
        XXH128_hash_t hash = XXH3_128bits(text->bytes, text->byte_count);
        layout->identity_kind = "text";
        layout->identity = arena_format(arena, "%016llx%016llx", (unsigned long long)hash.high64,
                                        (unsigned long long)hash.low64);
    } else
        arena_fail(arena, "'%s' has neither a build id nor a section .text to identify it by",
                   image->path);
}

bool build_layout(struct reader *reader, struct layout *layout)
{
    struct builder builder = {
        .reader = reader,
        .layout = layout,
        .known = hmap_create(&text_to_index.type, NULL),
    };
    if (builder.known == NULL)
        return reader_out_of_memory(reader);
    set_identity(reader, layout);
    build_sections(reader, layout);
    build_marks(reader, layout);
    build_types(&builder);
    build_symbols(&builder);
    hmap_destroy(builder.known);
    if (!reader->arena->failed && layout->type_count == 0)
        arena_fail(reader->arena,
                   "no map of a known family in '%s': libhmap's, Go's, and "
                   "unordered containers of libstdc++ and libc++ are known",
                   reader->program_path);
    return !reader->arena->failed;
}
