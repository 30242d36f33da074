/*
 * die.c - attributes by their names. What libdwarf refuses is an error that names the file, the
 * unit, the DIE, the attribute and its form: nothing is left out in silence.
 */
#include "die.h"

#include "form.h"
#include "units.h"

#include <string.h>

enum { DEEPEST = 1000 }; /* DIEs in one another: the visits are recursive */

/* ---- errors ---------------------------------------------------------------------------------- */

/* An attribute that is being read. */
struct attribute {
    struct reader *reader;
    size_t file;
    Dwarf_Die die;
    Dwarf_Attribute handle;
    Dwarf_Half name;
    Dwarf_Half form;
    struct die *out;
    Dwarf_Error error; /* of the file */
};

static uint64_t unit_offset(Dwarf_Debug dbg, Dwarf_Die die)
{
    Dwarf_Off first = 0;
    Dwarf_Off length = 0;
    Dwarf_Error error = NULL;
    if (dwarf_die_CU_offset_range(die, &first, &length, &error) == DW_DLV_ERROR)
        dwarf_dealloc_error(dbg, error);
    return first;
}

static const char *attribute_text(const struct attribute *attribute)
{
    const char *name = "an attribute";
    const char *form = "unknown form";
    dwarf_get_AT_name(attribute->name, &name);
    dwarf_get_FORM_name(attribute->form, &form);
    return arena_format(attribute->reader->arena, "unit at 0x%llx, DIE at 0x%llx: %s (%s)",
                        (unsigned long long)unit_offset(
                            attribute->reader->files[attribute->file].dbg, attribute->die),
                        (unsigned long long)place_offset(attribute->out->place), name, form);
}

/* `what` NULL: libdwarf's error says it. */
static bool attribute_fail(struct attribute *attribute, const char *what)
{
    struct reader *reader = attribute->reader;
    const char *text = attribute_text(attribute);
    if (what == NULL && attribute->error == NULL)
        what = "it cannot be read";
    if (what != NULL)
        text = arena_format(reader->arena, "%s: %s", text, what);
    Dwarf_Error error = attribute->error;
    attribute->error = NULL;
    return reader_fail_at(reader, &reader->files[attribute->file], text, error);
}

bool die_fail(struct reader *reader, const struct die *die, const char *what)
{
    const struct unit *unit = units_find(reader, die->place);
    const char *text =
        arena_format(reader->arena, "unit at 0x%llx, DIE at 0x%llx: %s",
                     (unsigned long long)place_offset(unit == NULL ? die->place : unit->first),
                     (unsigned long long)place_offset(die->place), what);
    return reader_fail_at(reader, &reader->files[place_file(die->place)], text, NULL);
}

/* ---- addresses and offsets ------------------------------------------------------------------- */

/*
 * An index into .debug_addr, which is in the program also for split units. libdwarf can be told to
 * look there (dwarf_set_tied_dbg), but then takes the bases of other tables from there too.
 */
static bool read_indexed_address(struct attribute *attribute, uint64_t index, uint64_t *out)
{
    struct reader *reader = attribute->reader;
    size_t file = attribute->file;
    Dwarf_Die in = attribute->die;
    Dwarf_Die skeleton = NULL;
    if (reader->files[file].is_split) {
        const struct unit *unit = units_find(reader, attribute->out->place);
        if (unit == NULL || unit->skeleton == PLACE_NONE)
            return attribute_fail(attribute, "no unit of the program belongs to it");
        if (!die_open(reader, unit->skeleton, &skeleton))
            return false;
        file = place_file(unit->skeleton);
        in = skeleton;
    }
    Dwarf_Addr address = 0;
    Dwarf_Error error = NULL;
    int result = dwarf_debug_addr_index_to_addr(in, index, &address, &error);
    if (result != DW_DLV_OK) {
        const char *why = result == DW_DLV_ERROR ? dwarf_errmsg(error) : "it is not there";
        attribute_fail(attribute,
                       arena_format(reader->arena, "address %llu of '%s': %s",
                                    (unsigned long long)index, reader->files[file].path, why));
        if (result == DW_DLV_ERROR)
            dwarf_dealloc_error(reader->files[file].dbg, error);
    }
    if (skeleton != NULL)
        dwarf_dealloc_die(skeleton);
    *out = address;
    return result == DW_DLV_OK;
}

/* DW_AT_location. A fixed address is DW_OP_addr or an index into .debug_addr, and perhaps a number
 * to add; what is elsewhere (in a register, in thread-local storage) has none. */
static bool read_location(struct attribute *attribute)
{
    struct reader *reader = attribute->reader;
    const struct debug_file *file = &reader->files[attribute->file];
    struct expression expression;
    if (!form_expression(file->dbg, attribute->handle, attribute->form, &expression,
                         &attribute->error))
        return false;
    if (expression.left == 0)
        return true;
    uint64_t address = 0;
    uint64_t added = 0;
    unsigned char operation = *expression.at++;
    expression.left--;
    if (operation == DW_OP_addr) {
        if (!expression_take_address(&expression, &file->image, &address))
            return attribute_fail(attribute, "DW_OP_addr is cut off");
    } else if (operation == DW_OP_addrx || operation == DW_OP_GNU_addr_index) {
        uint64_t index = 0;
        if (!expression_take_uleb(&expression, &index))
            return attribute_fail(attribute, "DW_OP_addrx is cut off");
        if (!read_indexed_address(attribute, index, &address))
            return false;
    } else
        return true;
    if (expression.left > 0 && *expression.at == DW_OP_plus_uconst) {
        expression.at++;
        expression.left--;
        if (!expression_take_uleb(&expression, &added))
            return attribute_fail(attribute, "DW_OP_plus_uconst is cut off");
    }
    attribute->out->address = address + added;
    attribute->out->has_address = expression.left == 0;
    return true;
}

/* DW_AT_data_member_location that is not a number: in old DWARF DW_OP_plus_uconst and a number. */
static bool read_member_offset(struct attribute *attribute)
{
    struct expression expression;
    if (!form_expression(attribute->reader->files[attribute->file].dbg, attribute->handle,
                         attribute->form, &expression, &attribute->error))
        return false;
    struct die *out = attribute->out;
    if (expression.left > 0 && *expression.at == DW_OP_plus_uconst) {
        expression.at++;
        expression.left--;
        out->has_member_offset =
            expression_take_uleb(&expression, &out->member_offset) && expression.left == 0;
    }
    out->has_computed_offset = !out->has_member_offset;
    return true;
}

/* ---- references ------------------------------------------------------------------------------ */

static bool read_signature(struct attribute *attribute, place_t *out)
{
    struct reader *reader = attribute->reader;
    Dwarf_Sig8 signature;
    if (dwarf_formsig8(attribute->handle, &signature, &attribute->error) != DW_DLV_OK)
        return false;
    uint64_t key;
    memcpy(&key, &signature, sizeof(key));
    const place_t *found = hmap_get(reader->signatures, &key);
    if (found == NULL)
        return attribute_fail(attribute, "there is no type unit of that signature");
    *out = *found;
    return true;
}

static bool read_reference(struct attribute *attribute, place_t *out)
{
    struct reader *reader = attribute->reader;
    Dwarf_Half form = attribute->form;
    if (form == DW_FORM_ref_sig8)
        return read_signature(attribute, out);
    Dwarf_Off offset = 0;
    if (dwarf_global_formref(attribute->handle, &offset, &attribute->error) != DW_DLV_OK)
        return false;
    if (offset >> PLACE_TYPES_SHIFT != 0)
        return attribute_fail(attribute, "it refers to no DIE");
    if (form == DW_FORM_GNU_ref_alt || form == DW_FORM_ref_sup4 || form == DW_FORM_ref_sup8) {
        if (reader->alternative == 0)
            return attribute_fail(attribute, "the file names no dwz file to refer to");
        *out = place_make(reader->alternative, false, offset);
    } else {
        bool is_local = form != DW_FORM_ref_addr;
        bool in_types = is_local && !dwarf_get_die_infotypes_flag(attribute->die);
        *out = place_make(attribute->file, in_types, offset);
    }
    return true;
}

/* ---- attributes ------------------------------------------------------------------------------ */

/* The members that a constant goes to; NULL: the attribute is none of these. */
struct constant_slot {
    int64_t *value;
    bool *known; /* NULL: nobody asks */
};

static struct constant_slot constant_slot(struct die *out, Dwarf_Half name)
{
    switch (name) {
    case DW_AT_byte_size:
        return (struct constant_slot){(int64_t *)&out->byte_size, &out->has_byte_size};
    case DW_AT_bit_size:
        return (struct constant_slot){(int64_t *)&out->bit_size, NULL};
    case DW_AT_bit_offset:
        return (struct constant_slot){(int64_t *)&out->bit_offset, &out->has_bit_offset};
    case DW_AT_data_bit_offset:
        return (struct constant_slot){(int64_t *)&out->data_bit_offset, &out->has_data_bit_offset};
    case DW_AT_data_member_location:
        return (struct constant_slot){(int64_t *)&out->member_offset, &out->has_member_offset};
    case DW_AT_encoding:
        return (struct constant_slot){(int64_t *)&out->encoding, NULL};
    case DW_AT_count: /* clang's arrays */
        return (struct constant_slot){(int64_t *)&out->count, &out->has_count};
    case DW_AT_upper_bound: /* gcc's and Go's */
        return (struct constant_slot){&out->upper_bound, &out->has_upper_bound};
    case DW_AT_lower_bound:
        return (struct constant_slot){&out->lower_bound, NULL};
    case DW_AT_const_value:
        return (struct constant_slot){&out->const_value, &out->has_const_value};
    case DW_AT_language:
        return (struct constant_slot){(int64_t *)&out->language, NULL};
    case DW_AT_GNU_dwo_id:
        return (struct constant_slot){(int64_t *)&out->dwo_id, &out->has_dwo_id};
    default:
        return (struct constant_slot){NULL, NULL};
    }
}

static bool read_text(struct attribute *attribute, const char **out)
{
    return form_text(attribute->reader, attribute->file, attribute->die, attribute->handle,
                     attribute->form, out, &attribute->error);
}

static bool read_flag(struct attribute *attribute, bool *out)
{
    return form_flag(attribute->handle, out, &attribute->error);
}

/* cmd/internal/dwarf DW_AT_go_runtime_type: in the form of an address, but an offset. */
enum { AT_GO_RUNTIME_TYPE = 0x2904 };

static bool read_descriptor(struct attribute *attribute, uint64_t *out)
{
    Dwarf_Addr offset = 0;
    if (attribute->form != DW_FORM_addr)
        return true;
    int result = dwarf_formaddr(attribute->handle, &offset, &attribute->error);
    *out = result == DW_DLV_OK ? offset : 0;
    return result != DW_DLV_ERROR;
}

static bool read_attribute(struct attribute *attribute)
{
    struct die *out = attribute->out;
    if (dwarf_whatattr(attribute->handle, &attribute->name, &attribute->error) != DW_DLV_OK ||
        dwarf_whatform(attribute->handle, &attribute->form, &attribute->error) != DW_DLV_OK)
        return false;
    switch (attribute->name) {
    case DW_AT_name:
        return read_text(attribute, &out->name);
    case DW_AT_GNU_dwo_name:
    case DW_AT_dwo_name:
        return read_text(attribute, &out->dwo_name);
    case DW_AT_comp_dir:
        return read_text(attribute, &out->comp_dir);
    case DW_AT_type:
        return read_reference(attribute, &out->type);
    case DW_AT_specification:
    case DW_AT_abstract_origin:
        return read_reference(attribute, &out->origin);
    case DW_AT_signature:
        return read_reference(attribute, &out->signature);
    case DW_AT_declaration:
        return read_flag(attribute, &out->is_declaration);
    case DW_AT_enum_class:
        return read_flag(attribute, &out->is_enum_class);
    case DW_AT_external:
        return read_flag(attribute, &out->is_external);
    case DW_AT_location:
        return read_location(attribute);
    case AT_GO_RUNTIME_TYPE:
        return read_descriptor(attribute, &out->go_descriptor);
    default:
        break;
    }
    struct constant_slot slot = constant_slot(out, attribute->name);
    if (slot.value == NULL)
        return true;
    bool known = false;
    if (!form_constant(attribute->handle, attribute->form, slot.value, &known, &attribute->error))
        return false;
    if (known && slot.known != NULL)
        *slot.known = true;
    return known || attribute->name != DW_AT_data_member_location || read_member_offset(attribute);
}

bool die_read(struct reader *reader, size_t file, Dwarf_Die die, struct die *out)
{
    const struct debug_file *in = &reader->files[file];
    *out = (struct die){.type = PLACE_NONE, .origin = PLACE_NONE, .signature = PLACE_NONE};
    Dwarf_Error error = NULL;
    Dwarf_Off offset = 0;
    if (dwarf_tag(die, &out->tag, &error) != DW_DLV_OK ||
        dwarf_dieoffset(die, &offset, &error) != DW_DLV_OK)
        return reader_fail(reader, in, "a DIE cannot be read", error);
    out->place = place_make(file, !dwarf_get_die_infotypes_flag(die), offset);
    progress_die(reader->progress, in->path, offset);
    Dwarf_Attribute *attributes = NULL;
    Dwarf_Signed count = 0;
    int result = dwarf_attrlist(die, &attributes, &count, &error);
    if (result == DW_DLV_NO_ENTRY)
        return true;
    if (result != DW_DLV_OK)
        return reader_fail(reader, in, "a DIE's attributes cannot be read", error);
    bool good = true;
    for (Dwarf_Signed i = 0; i < count; i++) {
        struct attribute one = {
            .reader = reader, .file = file, .die = die, .handle = attributes[i], .out = out};
        if (good && !read_attribute(&one))
            good = attribute_fail(&one, NULL);
        dwarf_dealloc(in->dbg, attributes[i], DW_DLA_ATTR);
    }
    dwarf_dealloc(in->dbg, attributes, DW_DLA_LIST);
    return good;
}

bool die_name(struct reader *reader, size_t file, Dwarf_Die die, const char **name)
{
    const struct debug_file *in = &reader->files[file];
    Dwarf_Error error = NULL;
    *name = NULL;
    if (in->is_package) { /* see form_text() */
        struct die found;
        bool good = die_read(reader, file, die, &found);
        *name = found.name;
        return good;
    }
    char *text = NULL;
    if (dwarf_diename(die, &text, &error) == DW_DLV_ERROR)
        return reader_fail(reader, in, "a name cannot be read", error);
    *name = text;
    return true;
}

/* ---- other DIEs ------------------------------------------------------------------------------ */

/* In a sound unit each DIE is behind all that were visited before. Without this a sibling that leads
 * back or to itself is visited for ever, and one that leads into its own children again and again. */
static bool is_behind(struct reader *reader, size_t file, Dwarf_Die die, place_t parent)
{
    Dwarf_Error error = NULL;
    Dwarf_Off offset = 0;
    if (dwarf_dieoffset(die, &offset, &error) != DW_DLV_OK)
        return reader_fail(reader, &reader->files[file], "a DIE cannot be read", error);
    place_t place = place_make(file, !dwarf_get_die_infotypes_flag(die), offset);
    struct die at = {.place = place};
    if (place <= reader->walked)
        return die_fail(reader, &at,
                        arena_format(reader->arena,
                                     "it is a child of the DIE at 0x%llx, but not behind the one "
                                     "before it",
                                     (unsigned long long)place_offset(parent)));
    reader->walked = place;
    progress_die(reader->progress, reader->files[file].path, offset);
    return true;
}

static bool each_child(struct reader *reader, size_t file, Dwarf_Die die, place_t parent,
                       die_visit_fn *visit, void *context)
{
    const struct debug_file *in = &reader->files[file];
    Dwarf_Error error = NULL;
    Dwarf_Die child = NULL;
    bool is_info = dwarf_get_die_infotypes_flag(die) != 0;
    int result = dwarf_child(die, &child, &error);
    while (result == DW_DLV_OK) {
        bool good = !reader->arena->failed && is_behind(reader, file, child, parent) &&
                    visit(reader, file, child, context) && !reader->arena->failed;
        Dwarf_Die next = NULL;
        if (good)
            result = dwarf_siblingof_b(in->dbg, child, is_info, &next, &error);
        dwarf_dealloc_die(child);
        if (!good)
            return false;
        child = next;
    }
    if (result == DW_DLV_ERROR)
        return reader_fail(reader, in, "the children of a DIE cannot be read", error);
    return true;
}

bool die_each_child(struct reader *reader, size_t file, Dwarf_Die die, die_visit_fn *visit,
                    void *context)
{
    Dwarf_Error error = NULL;
    Dwarf_Off offset = 0;
    if (dwarf_dieoffset(die, &offset, &error) != DW_DLV_OK)
        return reader_fail(reader, &reader->files[file], "a DIE cannot be read", error);
    struct die parent = {.place = place_make(file, !dwarf_get_die_infotypes_flag(die), offset)};
    if (reader->walk_depth == 0)
        reader->walked = parent.place;
    if (reader->walk_depth == DEEPEST)
        return die_fail(reader, &parent, "DIEs are nested too deeply");
    reader->walk_depth++;
    bool good = each_child(reader, file, die, parent.place, visit, context);
    reader->walk_depth--;
    return good;
}

bool die_open(struct reader *reader, place_t place, Dwarf_Die *out)
{
    size_t file = place_file(place);
    if (file >= reader->file_count)
        return reader_fail(reader, &reader->files[0], "a reference to no file", NULL);
    progress_die(reader->progress, reader->files[file].path, place_offset(place));
    Dwarf_Error error = NULL;
    int result = dwarf_offdie_b(reader->files[file].dbg, place_offset(place),
                                !place_in_types(place), out, &error);
    if (result == DW_DLV_OK)
        return true;
    return reader_fail_at(reader, &reader->files[file],
                          arena_format(reader->arena,
                                       "there is no DIE at 0x%llx, which is referred to",
                                       (unsigned long long)place_offset(place)),
                          result == DW_DLV_ERROR ? error : NULL);
}
