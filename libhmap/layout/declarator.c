/*
 * declarator.c - names of types as gdb spells them: "const char *", "uint8_t [8]", "int (*)(char)".
 *
 * A C declaration is read from the name outwards, and is spelled in the same order: `declarator` is
 * what stands in the name's place, and grows on the way to the innermost type.
 */
#include "declarator.h"

#include <string.h>

enum { MAX_DEPTH = 32 };

static const char *spell(struct reader *reader, uint32_t index, const char *declarator, int depth);

/* "const", "volatile" of the types from `index` on; moves `index` past them. */
static const char *take_qualifiers(struct reader *reader, uint32_t *index)
{
    bool is_const = false;
    bool is_volatile = false;
    for (int steps = 0; *index != LAYOUT_NONE && steps < MAX_DEPTH; steps++) {
        const struct source_type *type = &reader->types[*index];
        if (type->tag == DW_TAG_const_type)
            is_const = true;
        else if (type->tag == DW_TAG_volatile_type)
            is_volatile = true;
        else if (type->tag != DW_TAG_restrict_type && type->tag != DW_TAG_atomic_type)
            break;
        *index = type->target;
    }
    if (is_const)
        return is_volatile ? "const volatile " : "const ";
    return is_volatile ? "volatile " : "";
}

static const char *parameters(struct reader *reader, const struct source_type *type, int depth)
{
    if (type->argument_count == 0)
        return type->is_variadic ? "(...)" : type->language == LANGUAGE_C ? "(void)" : "()";
    const char *text = "(";
    for (size_t i = 0; i < type->argument_count && !reader->arena->failed; i++)
        text = arena_format(reader->arena, "%s%s%s", text, i == 0 ? "" : ", ",
                            spell(reader, type->arguments[i].type, "", depth + 1));
    return arena_format(reader->arena, "%s%s)", text, type->is_variadic ? ", ..." : "");
}

static const char *keyword_of(Dwarf_Half tag)
{
    switch (tag) {
    case DW_TAG_union_type:
        return "union ";
    case DW_TAG_enumeration_type:
        return "enum ";
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
        return "struct ";
    default:
        return "";
    }
}

/* The innermost type's own name. */
static const char *base_name(struct reader *reader, const struct source_type *type)
{
    const char *keyword = keyword_of(type->tag);
    if (type->name == NULL)
        return *keyword == '\0' ? "<unnamed>" : arena_format(reader->arena, "%s{...}", keyword);
    if (type->language != LANGUAGE_C || *keyword == '\0')
        return type->name;
    return arena_format(reader->arena, "%s%s", keyword, type->name);
}

/* Whether `*` before the name needs parentheses: what follows the name binds closer. */
static bool binds_closer(const struct reader *reader, uint32_t index)
{
    if (index == LAYOUT_NONE)
        return false;
    const struct source_type *type = &reader->types[index];
    return type->tag == DW_TAG_array_type || type->tag == DW_TAG_subroutine_type;
}

static const char *spell(struct reader *reader, uint32_t index, const char *declarator, int depth)
{
    struct arena *arena = reader->arena;
    const char *qualifiers = take_qualifiers(reader, &index);
    if (depth > MAX_DEPTH || arena->failed)
        return "...";
    /* Go names all of its types, and spells them from left to right. */
    bool is_named = index != LAYOUT_NONE && reader->types[index].language == LANGUAGE_GO &&
                    reader->types[index].name != NULL;
    if (index != LAYOUT_NONE && !is_named) {
        const struct source_type type = reader->types[index];
        const char *sign = NULL;
        switch (type.tag) {
        case DW_TAG_pointer_type:
            sign = "*";
            break;
        case DW_TAG_reference_type:
            sign = "&";
            break;
        case DW_TAG_rvalue_reference_type:
            sign = "&&";
            break;
        case DW_TAG_array_type:
            declarator = type.has_count ? arena_format(arena, "%s[%llu]", declarator,
                                                       (unsigned long long)type.count)
                                        : arena_format(arena, "%s[]", declarator);
            return spell(reader, type.target, declarator, depth + 1);
        case DW_TAG_subroutine_type:
            declarator = arena_format(arena, "%s%s", declarator, parameters(reader, &type, depth));
            return spell(reader, type.target, declarator, depth + 1);
        default:
            break;
        }
        if (sign != NULL) {
            /* "* const" and, before a further pointer, a space: "* const *". */
            const char *before = *qualifiers == '\0' ? "" : " ";
            const char *behind = *qualifiers != '\0' && *declarator == '*' ? " " : "";
            size_t length = strlen(qualifiers);
            declarator =
                arena_format(arena, "%s%s%.*s%s%s", sign, before,
                             (int)(length > 0 ? length - 1 : 0), qualifiers, behind, declarator);
            uint32_t inner = type.target;
            take_qualifiers(reader, &inner);
            if (binds_closer(reader, inner))
                declarator = arena_format(arena, "(%s)", declarator);
            return spell(reader, type.target, declarator, depth + 1);
        }
    }
    const char *name = index == LAYOUT_NONE ? "void" : base_name(reader, &reader->types[index]);
    return arena_format(arena, "%s%s%s%s", qualifiers, name, *declarator == '\0' ? "" : " ",
                        declarator);
}

const char *spell_type(struct reader *reader, uint32_t type)
{
    return spell(reader, type, "", 0);
}
