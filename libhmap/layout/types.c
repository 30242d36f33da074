/*
 * types.c - types are loaded when they are needed: one has a number from the moment something
 * refers to it, and its DIE is read once, when its turn comes.
 */
#include "types.h"

#include "die.h"
#include "units.h"

#include <string.h>

enum { MAX_CHAIN = 64 }; /* of typedefs, qualifiers or declarations: longer ones are circles */

bool is_struct(const struct source_type *type)
{
    return type->tag == DW_TAG_structure_type || type->tag == DW_TAG_class_type ||
           type->tag == DW_TAG_union_type;
}

uint32_t type_at(struct reader *reader, place_t place)
{
    if (place == PLACE_NONE)
        return LAYOUT_NONE;
    bool inserted = false;
    uint32_t *index = hmap_at(reader->indices, &place, &inserted);
    if (index == NULL || reader->type_count >= LAYOUT_NONE) {
        reader_out_of_memory(reader);
        return LAYOUT_NONE;
    }
    if (inserted) {
        *index = (uint32_t)reader->type_count;
        *READER_APPEND(reader->arena, reader->types, reader->type_count, reader->type_room) =
            (struct source_type){.place = place, .target = LAYOUT_NONE, .built = LAYOUT_NONE};
    }
    return *index;
}

/* A type without a DIE of its own: a further dimension of an array. */
static uint32_t add_type(struct reader *reader, const struct source_type *type)
{
    *READER_APPEND(reader->arena, reader->types, reader->type_count, reader->type_room) = *type;
    return (uint32_t)(reader->type_count - 1);
}

uint32_t strip_type(const struct reader *reader, uint32_t type)
{
    for (int steps = 0; type != LAYOUT_NONE && steps < MAX_CHAIN; steps++) {
        switch (reader->types[type].tag) {
        case DW_TAG_typedef:
        case DW_TAG_const_type:
        case DW_TAG_volatile_type:
        case DW_TAG_restrict_type:
        case DW_TAG_atomic_type:
            type = reader->types[type].target;
            break;
        default:
            return type;
        }
    }
    return type;
}

/* ---- children -------------------------------------------------------------------------------- */

struct dimension {
    uint64_t count;
    bool is_known;
};

/* What a type's children add up to. */
struct children {
    struct source_type *type;
    size_t field_room;
    size_t enumerator_room;
    size_t argument_room;
    struct dimension *dimensions;
    size_t dimension_count;
    size_t dimension_room;
};

static bool add_field(struct reader *reader, struct children *into, const struct die *found)
{
    bool is_base = found->tag == DW_TAG_inheritance;
    /* Static members have no place in the struct, virtual bases none that is constant. */
    if (found->is_external || found->is_declaration || (is_base && !found->has_member_offset))
        return true;
    if (found->has_computed_offset)
        return die_fail(reader, found, "a member whose offset is not a constant");
    *READER_APPEND(reader->arena, into->type->fields, into->type->field_count, into->field_room) =
        (struct source_field){
            .name = found->name == NULL ? "" : found->name,
            .type = type_at(reader, found->type),
            .offset = found->member_offset,
            /* Counted in either way: place_bit_field() needs the type's size for the old one. */
            .bit_offset = found->has_data_bit_offset ? found->data_bit_offset : found->bit_offset,
            .bit_size = found->bit_size,
            .is_base = is_base,
            .is_old_bit_offset = !found->has_data_bit_offset && found->has_bit_offset,
            .storage_size = found->has_byte_size ? found->byte_size : 0,
        };
    return true;
}

static void add_dimension(struct reader *reader, struct children *into, const struct die *found)
{
    uint64_t count = 0;
    if (found->has_count)
        count = found->count;
    else if (found->has_upper_bound && found->upper_bound >= found->lower_bound)
        count = (uint64_t)found->upper_bound - (uint64_t)found->lower_bound + 1;
    *READER_APPEND(reader->arena, into->dimensions, into->dimension_count, into->dimension_room) =
        (struct dimension){count, found->has_count || found->has_upper_bound};
}

static bool visit_child(struct reader *reader, size_t file, Dwarf_Die child, void *context)
{
    struct children *into = context;
    struct source_type *type = into->type;
    Dwarf_Half tag = 0;
    Dwarf_Error error = NULL;
    if (dwarf_tag(child, &tag, &error) != DW_DLV_OK)
        return reader_fail(reader, &reader->files[file], "a DIE cannot be read", error);
    switch (tag) {
    case DW_TAG_member:
    case DW_TAG_inheritance:
    case DW_TAG_enumerator:
    case DW_TAG_subrange_type:
    case DW_TAG_formal_parameter:
    case DW_TAG_unspecified_parameters:
    case DW_TAG_template_type_parameter:
    case DW_TAG_template_value_parameter:
        break;
    default:
        return true;
    }
    struct die found;
    if (!die_read(reader, file, child, &found))
        return false;
    switch (tag) {
    case DW_TAG_member:
    case DW_TAG_inheritance:
        return add_field(reader, into, &found);
    case DW_TAG_enumerator:
        *READER_APPEND(reader->arena, type->enumerators, type->enumerator_count,
                       into->enumerator_room) =
            (struct layout_enumerator){found.name == NULL ? "" : found.name, found.const_value};
        break;
    case DW_TAG_subrange_type:
        add_dimension(reader, into, &found);
        break;
    case DW_TAG_unspecified_parameters:
        type->is_variadic = true;
        break;
    case DW_TAG_template_value_parameter:
        *READER_APPEND(reader->arena, type->arguments, type->argument_count, into->argument_room) =
            (struct layout_argument){LAYOUT_NONE, found.const_value};
        break;
    default: /* a parameter of a function or of a template */
        *READER_APPEND(reader->arena, type->arguments, type->argument_count, into->argument_room) =
            (struct layout_argument){type_at(reader, found.type), 0};
    }
    return true;
}

/* The dimensions of an array after the first become arrays of their own, the last one innermost. */
static void set_dimensions(struct reader *reader, struct source_type *type,
                           const struct children *from)
{
    for (size_t i = from->dimension_count; i-- > 1;) {
        struct source_type inner = {.place = type->place,
                                    .is_loaded = true,
                                    .tag = DW_TAG_array_type,
                                    .language = type->language,
                                    .count = from->dimensions[i].count,
                                    .has_count = from->dimensions[i].is_known,
                                    .target = type->target,
                                    .built = LAYOUT_NONE};
        type->target = add_type(reader, &inner);
        type->has_size = false;
    }
    if (from->dimension_count > 0) {
        type->count = from->dimensions[0].count;
        type->has_count = from->dimensions[0].is_known;
    }
}

/* Where a template argument in a name ends: at its list's own comma or bracket. */
static const char *argument_end(const char *text)
{
    int depth = 0;
    for (; *text != '\0'; text++) {
        if (depth == 0 && (*text == ',' || *text == '>'))
            return text;
        depth += (*text == '<' || *text == '(') - (*text == '>' || *text == ')');
    }
    return text;
}

/*
 * gcc describes no template arguments of std::allocator<T>: as in gdb's template_argument(), they
 * are taken from the name, up to the first that is not a type.
 */
static void add_named_arguments(struct reader *reader, struct children *into)
{
    struct source_type *type = into->type;
    const char *at = type->name == NULL ? NULL : strchr(type->name, '<');
    if (at == NULL || type->language != LANGUAGE_CPLUSPLUS || type->argument_count > 0)
        return;
    while (*at == '<' || *at == ',') {
        do
            at++;
        while (*at == ' ');
        const char *end = argument_end(at);
        size_t length = (size_t)(end - at);
        while (length > 0 && at[length - 1] == ' ')
            length--;
        const char *name = arena_copy(reader->arena, at, length);
        const place_t *place = hmap_get(reader->definitions, &name);
        if (place == NULL)
            return;
        *READER_APPEND(reader->arena, type->arguments, type->argument_count, into->argument_room) =
            (struct layout_argument){type_at(reader, *place), 0};
        at = end;
    }
}

/* ---- one type -------------------------------------------------------------------------------- */

static const char *scoped_name(struct reader *reader, const struct die *found)
{
    const char *const *scope = hmap_get(reader->scopes, &found->place);
    if (found->name == NULL || scope == NULL)
        return found->name;
    return arena_format(reader->arena, "%s%s", *scope, found->name);
}

/* In C++ an enumerator's name has the scope of its enum before it, or the name of an enum class. */
static void qualify_enumerators(struct reader *reader, const struct die *found,
                                const struct source_type *type)
{
    const char *const *scope = hmap_get(reader->scopes, &found->place);
    const char *prefix = scope == NULL ? "" : *scope;
    if (type->language != LANGUAGE_CPLUSPLUS)
        return;
    if (found->is_enum_class && type->name != NULL)
        prefix = arena_format(reader->arena, "%s::", type->name);
    for (size_t i = 0; *prefix != '\0' && i < type->enumerator_count; i++)
        type->enumerators[i].name =
            arena_format(reader->arena, "%s%s", prefix, type->enumerators[i].name);
}

/* Where the complete struct of a declaration is; for any other, the DIE's own place. */
static place_t completed(struct reader *reader, const struct die *found)
{
    if (found->signature != PLACE_NONE) /* gcc does not call it a declaration */
        return found->signature;
    if (!found->is_declaration)
        return found->place;
    if (found->tag == DW_TAG_enumeration_type || found->name == NULL)
        return found->place;
    const char *name = scoped_name(reader, found);
    const place_t *definition = hmap_get(reader->definitions, &name);
    return definition == NULL ? found->place : *definition;
}

static bool load_die(struct reader *reader, uint32_t index, place_t place, int steps)
{
    Dwarf_Die die = NULL;
    struct die found;
    size_t file = place_file(place);
    if (!die_open(reader, place, &die))
        return false;
    if (!die_read(reader, file, die, &found)) {
        dwarf_dealloc_die(die);
        return false;
    }
    place_t whole = completed(reader, &found);
    if (whole != place && steps < MAX_CHAIN) {
        dwarf_dealloc_die(die);
        return load_die(reader, index, whole, steps + 1);
    }
    const struct unit *unit = units_find(reader, place);
    if (unit == NULL) {
        dwarf_dealloc_die(die);
        return die_fail(reader, &found, "it is in no unit");
    }
    /* A copy: reading children adds types, and the array of types may move. */
    struct source_type type = reader->types[index];
    type.is_loaded = true;
    type.tag = found.tag;
    type.language = unit->language;
    type.name = scoped_name(reader, &found);
    type.size = found.byte_size;
    type.has_size = found.has_byte_size;
    type.is_declaration = found.is_declaration;
    type.encoding = found.encoding;
    type.descriptor = unit->language == LANGUAGE_GO ? found.go_descriptor : 0;
    type.target = type_at(reader, found.type);
    struct children children = {.type = &type};
    bool good = true;
    switch (found.tag) {
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
    case DW_TAG_union_type:
    case DW_TAG_enumeration_type:
    case DW_TAG_array_type:
    case DW_TAG_subroutine_type:
        good = die_each_child(reader, file, die, visit_child, &children);
        add_named_arguments(reader, &children);
        qualify_enumerators(reader, &found, &type);
        break;
    default:
        break;
    }
    dwarf_dealloc_die(die);
    if (found.tag == DW_TAG_array_type)
        set_dimensions(reader, &type, &children);
    reader->types[index] = type;
    return good && !reader->arena->failed;
}

/* ---- sizes ----------------------------------------------------------------------------------- */

bool type_fail(struct reader *reader, const struct source_type *type, const char *what)
{
    struct die at = {.place = type->place};
    return die_fail(reader, &at, what);
}

/* The size of a type; false: it is larger than any memory, or never ends. */
static bool size_of(struct reader *reader, uint32_t index, int depth, uint64_t *size)
{
    index = strip_type(reader, index);
    *size = 0;
    if (index == LAYOUT_NONE)
        return true;
    struct source_type *type = &reader->types[index];
    if (type->has_size) {
        *size = type->size;
        return true;
    }
    if (depth > MAX_CHAIN)
        return type_fail(reader, type, "a type contains itself");
    switch (type->tag) {
    case DW_TAG_pointer_type:
    case DW_TAG_reference_type:
    case DW_TAG_rvalue_reference_type:
    case DW_TAG_ptr_to_member_type:
        type->size = reader->program.is_wide ? 8 : 4;
        break;
    case DW_TAG_array_type: {
        uint64_t element = 0;
        if (!size_of(reader, type->target, depth + 1, &element))
            return false;
        if (__builtin_mul_overflow(element, type->count, &type->size) ||
            type->size > (uint64_t)INT64_MAX)
            return type_fail(reader, type, "an array is larger than any memory");
        break;
    }
    case DW_TAG_enumeration_type: /* its underlying type's */
        if (!size_of(reader, type->target, depth + 1, &type->size))
            return false;
        break;
    default:
        type->size = 0;
    }
    type->has_size = true;
    *size = type->size;
    return true;
}

/*
 * Bit fields in old DWARF: DW_AT_bit_offset counts from the most significant bit of the storage,
 * whatever the byte order. From then on `bit_offset` counts from the start of the struct, and
 * `offset` is the byte that it begins in, as gdb has it.
 */
static bool place_bit_field(struct reader *reader, struct source_field *field)
{
    if (field->bit_size == 0) {
        field->bit_offset = 0;
        return true;
    }
    uint64_t storage = field->storage_size;
    if (storage == 0 && !size_of(reader, field->type, 0, &storage))
        return false;
    uint64_t bits = field->offset * 8;
    if (!field->is_old_bit_offset || reader->program.is_big_endian)
        bits += field->bit_offset;
    else
        bits += storage * 8 - field->bit_offset - field->bit_size;
    field->bit_offset = bits;
    field->offset = bits / 8;
    return true;
}

bool load_types(struct reader *reader)
{
    for (uint32_t i = 0; i < reader->type_count; i++)
        if (!reader->types[i].is_loaded && !load_die(reader, i, reader->types[i].place, 0))
            return false;
    for (uint32_t i = 0; i < reader->type_count; i++) {
        uint64_t size = 0;
        if (!size_of(reader, i, 0, &size))
            return false;
        struct source_type *type = &reader->types[i];
        for (size_t k = 0; k < type->field_count; k++)
            if (!place_bit_field(reader, &type->fields[k]))
                return false;
    }
    return true;
}
