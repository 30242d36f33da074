/*
 * form.c - constants, expressions, flags and texts.
 */
#include "form.h"

#include <elf.h>

bool form_constant(Dwarf_Attribute attribute, Dwarf_Half form, int64_t *out, bool *known,
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
    return result == DW_DLV_OK;
}

bool form_flag(Dwarf_Attribute attribute, bool *out, Dwarf_Error *error)
{
    Dwarf_Bool flag = 0;
    if (dwarf_formflag(attribute, &flag, error) != DW_DLV_OK)
        return false;
    *out = flag != 0;
    return true;
}

/* ---- expressions ----------------------------------------------------------------------------- */

bool form_expression(Dwarf_Debug dbg, Dwarf_Attribute attribute, Dwarf_Half form,
                     struct expression *out, Dwarf_Error *error)
{
    *out = (struct expression){NULL, 0};
    switch (form) {
    case DW_FORM_exprloc: {
        Dwarf_Unsigned length = 0;
        Dwarf_Ptr bytes = NULL;
        if (dwarf_formexprloc(attribute, &length, &bytes, error) != DW_DLV_OK)
            return false;
        *out = (struct expression){bytes, (size_t)length};
        return true;
    }
    case DW_FORM_block1: /* Go's, and all compilers' before DWARF 4 */
    case DW_FORM_block2:
    case DW_FORM_block4:
    case DW_FORM_block: {
        Dwarf_Block *block = NULL;
        if (dwarf_formblock(attribute, &block, error) != DW_DLV_OK)
            return false;
        /* The data is in the section: it outlives the block. */
        *out = (struct expression){block->bl_data, (size_t)block->bl_len};
        dwarf_dealloc(dbg, block, DW_DLA_BLOCK);
        return true;
    }
    default:
        return true;
    }
}

bool expression_take_uleb(struct expression *expression, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; expression->left > 0 && shift < 63; shift += 7) {
        unsigned char byte = *expression->at++;
        expression->left--;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

bool expression_take_address(struct expression *expression, const struct elf_image *image,
                             uint64_t *out)
{
    size_t width = image->is_wide ? 8 : 4;
    if (expression->left < width)
        return false;
    *out = elf_number(image, (const char *)expression->at, width);
    expression->at += width;
    expression->left -= width;
    return true;
}

/* ---- texts ----------------------------------------------------------------------------------- */

/*
 * A text by its number, in a .dwp of DWARF 4. Not by dwarf_formstring(): if the offsets of a
 * unit's strings begin like a header of DWARF 5 (a small number, then 5), libdwarf up to 2.3 takes
 * them for one, and returns the text two numbers further on. gcc orders strings by their hashes, so
 * this happens by chance: in 2 of 2,700 builds of tests/layout/sample.c.
 */
static bool packaged_text(struct reader *reader, const struct debug_file *file, Dwarf_Die die,
                          Dwarf_Attribute attribute, const char **out, Dwarf_Error *error)
{
    enum { WIDTH = 4 }; /* a .dwp has 32-bit offsets */
    Dwarf_Debug_Fission_Per_CU of_unit = {0};
    Dwarf_Unsigned number = 0;
    if (dwarf_get_debug_str_index(attribute, &number, error) != DW_DLV_OK ||
        dwarf_get_debugfission_for_die(die, &of_unit, error) != DW_DLV_OK)
        return false;
    const struct elf_section *section = elf_find_section(&file->image, ".debug_str_offsets.dwo");
    if (section == NULL || (section->flags & SHF_COMPRESSED) != 0)
        return arena_fail(reader->arena,
                          "the debug sections of '%s' are compressed: run 'objcopy "
                          "--decompress-debug-sections' on it first",
                          file->path);
    Dwarf_Unsigned first = of_unit.pcu_offset[DW_SECT_STR_OFFSETS];
    if (first > section->byte_count || number >= (section->byte_count - first) / WIDTH)
        return false;
    char *text = NULL;
    Dwarf_Signed length = 0;
    uint64_t offset = elf_number(&file->image, section->bytes + first + number * WIDTH, WIDTH);
    if (dwarf_get_str(file->dbg, offset, &text, &length, error) != DW_DLV_OK)
        return false;
    *out = text;
    return true;
}

bool form_text(struct reader *reader, size_t file, Dwarf_Die die, Dwarf_Attribute attribute,
               Dwarf_Half form, const char **out, Dwarf_Error *error)
{
    const struct debug_file *in = &reader->files[file];
    if (in->is_package && form == DW_FORM_GNU_str_index)
        return packaged_text(reader, in, die, attribute, out, error);
    char *text = NULL;
    if (dwarf_formstring(attribute, &text, error) != DW_DLV_OK)
        return false;
    *out = text;
    return true;
}
