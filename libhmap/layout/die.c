/*
 * die.c - attributes by their forms. Compilers differ in which form they give an attribute, and
 * libdwarf's calls take some forms and not others, so each form is handled by itself.
 */
#include "die.h"

#include <string.h>

bool reader_fail(struct reader *reader, const struct debug_file *file, const char *what,
                 Dwarf_Error error)
{
    char text[256];
    snprintf(text, sizeof(text), "%s", error != NULL ? dwarf_errmsg(error) : "it makes no sense");
    if (error != NULL)
        dwarf_dealloc_error(file->dbg, error);
    return arena_fail(reader->arena, "malformed DWARF in '%s': %s: %s", file->path, what, text);
}

/* ---- values ---------------------------------------------------------------------------------- */

/* A constant of any form. `*known` false: the attribute is no constant (an expression, a range). */
static bool read_constant(Dwarf_Attribute attribute, Dwarf_Half form, int64_t *out, bool *known,
                          Dwarf_Error *error)
{
    Dwarf_Unsigned number = 0;
    Dwarf_Signed value = 0;
    int result = DW_DLV_OK;
    *known = true;
    switch (form) {
    case DW_FORM_sdata:
    case DW_FORM_implicit_const: /* gcc's array bounds in DWARF 5; formudata refuses it */
        result = dwarf_formsdata(attribute, &value, error);
        break;
    case DW_FORM_data1: /* formsdata takes 136 for -120 */
    case DW_FORM_data2:
    case DW_FORM_data4:
    case DW_FORM_data8:
    case DW_FORM_udata:
        result = dwarf_formudata(attribute, &number, error);
        value = (Dwarf_Signed)number;
        break;
    default:
        *known = false;
    }
    if (result == DW_DLV_OK && *known)
        *out = value;
    return result != DW_DLV_ERROR;
}

/* A location or an offset as an expression: its bytes. */
static bool read_expression(Dwarf_Debug dbg, Dwarf_Attribute attribute, Dwarf_Half form,
                            const unsigned char **bytes, size_t *size, Dwarf_Error *error)
{
    *size = 0;
    if (form == DW_FORM_exprloc) {
        Dwarf_Unsigned length = 0;
        Dwarf_Ptr expression = NULL;
        if (dwarf_formexprloc(attribute, &length, &expression, error) != DW_DLV_OK)
            return false;
        *bytes = expression;
        *size = (size_t)length;
    } else if (form == DW_FORM_block1) { /* Go */
        Dwarf_Block *block = NULL;
        if (dwarf_formblock(attribute, &block, error) != DW_DLV_OK)
            return false;
        *bytes = block->bl_data; /* in the section: it outlives the block */
        *size = (size_t)block->bl_len;
        dwarf_dealloc(dbg, block, DW_DLA_BLOCK);
    }
    return true;
}

static uint64_t read_uleb(const unsigned char *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size && i < 9; i++) {
        value |= (uint64_t)(bytes[i] & 0x7f) << (7 * i);
        if (bytes[i] < 0x80)
            break;
    }
    return value;
}

/*
 * An index into .debug_addr, which is in the program also for units that are not. libdwarf can be
 * told to look there (dwarf_set_tied_dbg), but then takes the bases of other tables from there too.
 */
static bool read_indexed_address(struct reader *reader, size_t file, Dwarf_Die die, place_t place,
                                 uint64_t index, uint64_t *out)
{
    Dwarf_Die skeleton = NULL;
    if (reader->files[file].is_split) {
        const struct unit *unit = find_unit(reader, place);
        if (unit == NULL || unit->skeleton == PLACE_NONE ||
            !die_open(reader, unit->skeleton, &skeleton))
            return false;
        file = place_file(unit->skeleton);
    }
    Dwarf_Addr address = 0;
    Dwarf_Error error = NULL;
    int result =
        dwarf_debug_addr_index_to_addr(skeleton != NULL ? skeleton : die, index, &address, &error);
    if (result == DW_DLV_ERROR)
        dwarf_dealloc_error(reader->files[file].dbg, error);
    if (skeleton != NULL)
        dwarf_dealloc_die(skeleton);
    *out = address;
    return result == DW_DLV_OK;
}

/* DW_AT_location: a fixed address is DW_OP_addr alone, or an index into .debug_addr. */
static void read_location(struct reader *reader, size_t file, Dwarf_Die die,
                          const unsigned char *bytes, size_t size, struct die *out)
{
    const struct elf_image *image = &reader->files[file].image;
    size_t width = image->is_wide ? 8 : 4;
    if (size == 1 + width && bytes[0] == DW_OP_addr) {
        out->address = 0;
        for (size_t i = 0; i < width; i++) {
            size_t at = image->is_big_endian ? 1 + i : width - i;
            out->address = out->address << 8 | bytes[at];
        }
        out->has_address = true;
    } else if (size > 1 && (bytes[0] == DW_OP_addrx || bytes[0] == DW_OP_GNU_addr_index))
        out->has_address = read_indexed_address(reader, file, die, out->place,
                                                read_uleb(bytes + 1, size - 1), &out->address);
}

/* DW_AT_data_member_location: a number, or in old DWARF DW_OP_plus_uconst and a number. */
static void read_member_offset(const unsigned char *bytes, size_t size, struct die *out)
{
    if (size > 1 && bytes[0] == DW_OP_plus_uconst) {
        out->member_offset = read_uleb(bytes + 1, size - 1);
        out->has_member_offset = true;
    }
}

static bool read_reference(struct reader *reader, size_t file, Dwarf_Die die,
                           Dwarf_Attribute attribute, Dwarf_Half form, place_t *out,
                           Dwarf_Error *error)
{
    if (form == DW_FORM_ref_sig8) {
        Dwarf_Sig8 signature;
        if (dwarf_formsig8(attribute, &signature, error) != DW_DLV_OK)
            return false;
        uint64_t key;
        memcpy(&key, &signature, sizeof(key));
        const place_t *found = hmap_get(reader->signatures, &key);
        /* A type unit may be in a file that is not there: the type is not known then. */
        *out = found == NULL ? PLACE_NONE : *found;
        return true;
    }
    Dwarf_Off offset = 0;
    if (dwarf_global_formref(attribute, &offset, error) != DW_DLV_OK)
        return false;
    if (form == DW_FORM_GNU_ref_alt || form == DW_FORM_ref_sup4 || form == DW_FORM_ref_sup8) {
        if (reader->alternative == 0)
            return arena_fail(reader->arena, "'%s' refers to a file of dwz's that it does not name",
                              reader->files[file].path);
        *out = place_make(reader->alternative, false, offset);
    } else {
        bool is_local = form != DW_FORM_ref_addr;
        bool in_types = is_local && !dwarf_get_die_infotypes_flag(die);
        *out = place_make(file, in_types, offset);
    }
    return true;
}

/* ---- attributes ------------------------------------------------------------------------------ */

static bool read_text(Dwarf_Attribute attribute, const char **out, Dwarf_Error *error)
{
    char *text = NULL;
    if (dwarf_formstring(attribute, &text, error) != DW_DLV_OK)
        return false;
    *out = text;
    return true;
}

static bool read_flag(Dwarf_Attribute attribute, bool *out, Dwarf_Error *error)
{
    Dwarf_Bool flag = 0;
    if (dwarf_formflag(attribute, &flag, error) != DW_DLV_OK)
        return false;
    *out = flag != 0;
    return true;
}

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

static bool read_attribute(struct reader *reader, size_t file, Dwarf_Die die,
                           Dwarf_Attribute attribute, struct die *out, Dwarf_Error *error)
{
    Dwarf_Half name = 0;
    Dwarf_Half form = 0;
    if (dwarf_whatattr(attribute, &name, error) != DW_DLV_OK ||
        dwarf_whatform(attribute, &form, error) != DW_DLV_OK)
        return false;
    const unsigned char *bytes = NULL;
    size_t size = 0;
    switch (name) {
    case DW_AT_name:
        return read_text(attribute, &out->name, error);
    case DW_AT_GNU_dwo_name:
    case DW_AT_dwo_name:
        return read_text(attribute, &out->dwo_name, error);
    case DW_AT_comp_dir:
        return read_text(attribute, &out->comp_dir, error);
    case DW_AT_type:
        return read_reference(reader, file, die, attribute, form, &out->type, error);
    case DW_AT_specification:
    case DW_AT_abstract_origin:
        return read_reference(reader, file, die, attribute, form, &out->origin, error);
    case DW_AT_signature:
        return read_reference(reader, file, die, attribute, form, &out->signature, error);
    case DW_AT_declaration:
        return read_flag(attribute, &out->is_declaration, error);
    case DW_AT_enum_class:
        return read_flag(attribute, &out->is_enum_class, error);
    case DW_AT_external:
        return read_flag(attribute, &out->is_external, error);
    case DW_AT_location:
        if (!read_expression(reader->files[file].dbg, attribute, form, &bytes, &size, error))
            return false;
        read_location(reader, file, die, bytes, size, out);
        return true;
    default:
        break;
    }
    struct constant_slot slot = constant_slot(out, name);
    if (slot.value == NULL)
        return true;
    bool known = false;
    if (!read_constant(attribute, form, slot.value, &known, error))
        return false;
    if (known && slot.known != NULL)
        *slot.known = true;
    if (!known && name == DW_AT_data_member_location) {
        if (!read_expression(reader->files[file].dbg, attribute, form, &bytes, &size, error))
            return false;
        read_member_offset(bytes, size, out);
    }
    return true;
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
    Dwarf_Attribute *attributes = NULL;
    Dwarf_Signed count = 0;
    int result = dwarf_attrlist(die, &attributes, &count, &error);
    if (result == DW_DLV_NO_ENTRY)
        return true;
    if (result != DW_DLV_OK)
        return reader_fail(reader, in, "a DIE's attributes cannot be read", error);
    bool good = true;
    for (Dwarf_Signed i = 0; i < count; i++) {
        if (good && !read_attribute(reader, file, die, attributes[i], out, &error))
            good = false;
        dwarf_dealloc(in->dbg, attributes[i], DW_DLA_ATTR);
    }
    dwarf_dealloc(in->dbg, attributes, DW_DLA_LIST);
    if (!good) {
        char what[64];
        snprintf(what, sizeof(what), "an attribute of the DIE at 0x%llx cannot be read",
                 (unsigned long long)offset);
        return reader_fail(reader, in, what, error);
    }
    return true;
}

bool die_each_child(struct reader *reader, size_t file, Dwarf_Die die, die_visit_fn *visit,
                    void *context)
{
    const struct debug_file *in = &reader->files[file];
    Dwarf_Error error = NULL;
    Dwarf_Die child = NULL;
    bool is_info = dwarf_get_die_infotypes_flag(die) != 0;
    int result = dwarf_child(die, &child, &error);
    while (result == DW_DLV_OK) {
        bool good = visit(reader, file, child, context) && !reader->arena->failed;
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

bool die_open(struct reader *reader, place_t place, Dwarf_Die *out)
{
    size_t file = place_file(place);
    if (file >= reader->file_count)
        return arena_fail(reader->arena, "malformed DWARF in '%s': a reference leads nowhere",
                          reader->program_path);
    Dwarf_Error error = NULL;
    int result = dwarf_offdie_b(reader->files[file].dbg, place_offset(place),
                                !place_in_types(place), out, &error);
    if (result == DW_DLV_OK)
        return true;
    return reader_fail(reader, &reader->files[file], "a reference leads nowhere",
                       result == DW_DLV_ERROR ? error : NULL);
}
