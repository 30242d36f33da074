/*
 * open_units.c - unit headers, and the skeletons that stand for split units in the program.
 */
#include "open_units.h"

#include "debug_files.h"
#include "die.h"
#include "units.h"

#include <string.h>

#ifndef DW_LANG_C_plus_plus_17 /* Debian 12's dwarf.h ends before these */
#define DW_LANG_C_plus_plus_17 0x2a
#define DW_LANG_C_plus_plus_20 0x2b
#endif
#ifndef DW_LANG_C_plus_plus_23
#define DW_LANG_C_plus_plus_23 0x3a
#endif

static enum language language_of(uint64_t code)
{
    switch (code) {
    case 0: /* common parts that dwz took from several units */
        return LANGUAGE_UNKNOWN;
    case DW_LANG_C_plus_plus:
    case DW_LANG_C_plus_plus_03:
    case DW_LANG_C_plus_plus_11:
    case DW_LANG_C_plus_plus_14:
    case DW_LANG_C_plus_plus_17:
    case DW_LANG_C_plus_plus_20:
    case DW_LANG_C_plus_plus_23:
        return LANGUAGE_CPLUSPLUS;
    case DW_LANG_Go:
        return LANGUAGE_GO;
    default:
        return LANGUAGE_C;
    }
}

/* ---- units ----------------------------------------------------------------------------------- */

static bool unit_fail(struct reader *reader, size_t file, bool in_types, uint64_t offset,
                      Dwarf_Error error)
{
    const char *text = arena_format(reader->arena, "the unit at 0x%llx of .debug_%s cannot be read",
                                    (unsigned long long)offset, in_types ? "types" : "info");
    return reader_fail_at(reader, &reader->files[file], text, error);
}

static bool each_unit_of(struct reader *reader, size_t file, bool in_types, unit_visit_fn *visit)
{
    Dwarf_Debug dbg = reader->files[file].dbg;
    progress_file(reader->progress, reader->files[file].path);
    for (Dwarf_Unsigned at = 0, next = 0;; at = next) {
        struct unit_header header = {0};
        Dwarf_Unsigned length = 0;
        Dwarf_Half version = 0;
        Dwarf_Off abbreviations = 0;
        Dwarf_Half address_size = 0;
        Dwarf_Half length_size = 0;
        Dwarf_Half extension = 0;
        Dwarf_Error error = NULL;
        int result = dwarf_next_cu_header_d(
            dbg, !in_types, &length, &version, &abbreviations, &address_size, &length_size,
            &extension, &header.signature, &header.type_offset, &next, &header.kind, &error);
        if (result == DW_DLV_NO_ENTRY)
            return true;
        if (result != DW_DLV_OK)
            return unit_fail(reader, file, in_types, at, error);
        if (header.kind != DW_UT_type && header.kind != DW_UT_split_type)
            header.type_offset = 0;
        Dwarf_Die top = NULL;
        result = dwarf_siblingof_b(dbg, NULL, !in_types, &top, &error);
        if (result == DW_DLV_NO_ENTRY)
            continue; /* an empty unit */
        if (result != DW_DLV_OK)
            return unit_fail(reader, file, in_types, at, error);
        visit(reader, file, top, &header);
        dwarf_dealloc_die(top);
        if (reader->arena->failed)
            return false;
    }
}

bool each_unit(struct reader *reader, unit_visit_fn *visit)
{
    /* Opening units adds split files at the end. */
    for (size_t file = 0; file < reader->file_count; file++)
        if (!each_unit_of(reader, file, false, visit) || !each_unit_of(reader, file, true, visit))
            return false;
    return true;
}

/* ---- skeletons ------------------------------------------------------------------------------- */

static uint64_t key_of(const Dwarf_Sig8 *signature)
{
    uint64_t key;
    memcpy(&key, signature, sizeof(key));
    return key;
}

/* What a split unit and its skeleton have in common: in the header from DWARF 5 on. 0: none. */
static uint64_t split_id(const struct unit_header *header, const struct die *found)
{
    if (!found->has_dwo_id &&
        (header->kind == DW_UT_skeleton || header->kind == DW_UT_split_compile))
        return key_of(&header->signature);
    return found->dwo_id;
}

/* Notes the skeleton of a split unit and opens the file that the unit is in. */
static bool open_split_unit(struct reader *reader, const struct die *found, uint64_t id)
{
    struct skeleton skeleton = {.place = found->place, .dwo_name = found->dwo_name};
    size_t index = 0;
    if (hmap_put(reader->skeletons, &id, &skeleton) == NULL)
        return reader_out_of_memory(reader);
    return debug_files_open_split(reader, found->dwo_name, found->comp_dir, &index);
}

/* The place of a split unit's skeleton. */
static bool match_skeleton(struct reader *reader, size_t file, uint64_t id, place_t *place)
{
    *place = PLACE_NONE;
    if (!reader->files[file].is_split || id == 0)
        return true; /* type units have no id */
    struct skeleton *skeleton = hmap_get(reader->skeletons, &id);
    if (skeleton == NULL)
        return arena_fail(reader->arena, "'%s' is of another build than '%s'",
                          reader->files[file].path, reader->program_path);
    skeleton->is_matched = true;
    *place = skeleton->place;
    return true;
}

/* A .dwp that was not made of all .dwo files lacks units. */
static bool check_skeletons(struct reader *reader)
{
    struct hmap_iter iter;
    bool good = true;
    hmap_iter_init(&iter, reader->skeletons);
    while (good && hmap_iter_next(&iter)) {
        const struct skeleton *skeleton = iter.elem;
        if (!skeleton->is_matched)
            good = arena_fail(reader->arena,
                              "the unit of '%s' is missing from the debug info of '%s': make its "
                              ".dwp again, of all its .dwo files",
                              skeleton->dwo_name, reader->program_path);
    }
    hmap_iter_fini(&iter);
    return good;
}

/* ---- all ------------------------------------------------------------------------------------- */

static void open_unit(struct reader *reader, size_t file, Dwarf_Die top,
                      const struct unit_header *header)
{
    Dwarf_Error error = NULL;
    Dwarf_Off first = 0;
    Dwarf_Off length = 0;
    struct die found;
    struct unit unit;
    if (!die_read(reader, file, top, &found))
        return;
    if (dwarf_die_CU_offset_range(top, &first, &length, &error) != DW_DLV_OK) {
        reader_fail(reader, &reader->files[file], "a unit cannot be read", error);
        return;
    }
    uint64_t id = split_id(header, &found);
    bool in_types = place_in_types(found.place);
    unit.first = place_make(file, in_types, first);
    unit.end = place_make(file, in_types, first + length);
    unit.language = language_of(found.language);
    if (!match_skeleton(reader, file, id, &unit.skeleton))
        return;
    units_add(reader, &unit);
    if (header->type_offset != 0) {
        uint64_t key = key_of(&header->signature);
        place_t place = place_make(file, in_types, first + header->type_offset);
        if (hmap_put(reader->signatures, &key, &place) == NULL)
            reader_out_of_memory(reader);
    }
    if (!reader->files[file].is_split && found.dwo_name != NULL)
        open_split_unit(reader, &found, id);
}

bool open_units(struct reader *reader)
{
    if (!each_unit(reader, open_unit) || !check_skeletons(reader))
        return false;
    units_settle_languages(reader);
    return true;
}
