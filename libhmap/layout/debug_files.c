/*
 * debug_files.c - where a program's DWARF is: in itself, in a separate debug file (by build id, or
 * by .gnu_debuglink), with common parts in a file of dwz's, or split into .dwo files or a .dwp.
 *
 * Separate files are searched for here, not by libdwarf's dwarf_gnu_debuglink(): that one always
 * looks in /usr/lib/debug, which --debug-folder replaces, leaves opening and comparing the
 * candidates to the caller, and does not know dwz's link, for which the same search is needed.
 */
#include "debug_files.h"

#include "dwarf_input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum dwarf_input kind_of(const struct reader *reader, const struct debug_file *file)
{
    if (reader->program.is_relocatable)
        return DWARF_INPUT_RELOCATABLE;
    return file->is_split ? DWARF_INPUT_SPLIT : DWARF_INPUT_LINKED;
}

/* The memory that names and types may take: a small file can describe names that repeat one another
 * in any length. Servers of Go and C++ take at most 3 bytes for a byte of the file, compressed or not. */
enum { BASE_BYTES = 64 << 20, BYTES_FOR_BYTE = 64 };

/* Adds a file that elf_open() has opened, and takes over the image. */
static bool add_file(struct reader *reader, const struct elf_image *image, bool is_split)
{
    struct debug_file *file =
        READER_APPEND(reader->arena, reader->files, reader->file_count, reader->file_room);
    *file = (struct debug_file){.path = image->path, .image = *image, .is_split = is_split};
    file->is_package = elf_find_section(image, ".debug_cu_index") != NULL ||
                       elf_find_section(image, ".debug_tu_index") != NULL;
    if (reader->file_count == 1)
        reader->arena->limit = BASE_BYTES;
    reader->arena->limit += image->size * BYTES_FOR_BYTE;
    progress_file(reader->progress, file->path);
    return dwarf_input_open(&file->image, reader->arena, kind_of(reader, file), &file->dbg);
}

/* ---- separate debug files -------------------------------------------------------------------- */

static const char *folder_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? "." : arena_copy(arena, path, (size_t)(slash - path) + (slash == path));
}

/* Whether a file has the CRC-32 of .gnu_debuglink. */
static bool has_checksum(const struct elf_image *image, uint32_t checksum)
{
    return dwarf_basic_crc32((const unsigned char *)image->bytes, image->size, 0) == checksum;
}

static bool is_same(struct elf_bytes a, struct elf_bytes b)
{
    return a.size == b.size && a.size > 0 && memcmp(a.bytes, b.bytes, a.size) == 0;
}

/* A damaged name may be that of a folder. */
static bool is_readable_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, R_OK) == 0;
}

/* Opens a candidate: a file with DWARF of the same build. False without an error: it is not one. */
static bool try_debug_file(struct reader *reader, const char *path, const uint32_t *checksum)
{
    if (!is_readable_file(path))
        return false;
    struct arena quiet = {0};
    struct elf_image image;
    bool good = elf_open(&image, &quiet, path);
    if (good)
        elf_close(&image);
    arena_release(&quiet);
    if (!good || !elf_open(&image, reader->arena, path))
        return false;
    struct elf_bytes wanted = elf_gnu_build_id(&reader->program);
    struct elf_bytes found = elf_gnu_build_id(&image);
    if (wanted.bytes != NULL && found.bytes != NULL)
        good = is_same(wanted, found);
    else
        good = checksum != NULL && has_checksum(&image, *checksum);
    if (good && elf_has_dwarf(&image))
        return add_file(reader, &image, false);
    if (!good)
        reader->refused = path;
    elf_close(&image);
    return false;
}

/* DIR/.build-id/ab/cdef.debug of each folder of debug files. */
static bool find_by_build_id(struct reader *reader, struct elf_bytes id,
                             bool (*try_path)(struct reader *, const char *, const uint32_t *))
{
    if (id.size < 2)
        return false;
    const char *text = elf_hexadecimal(reader->arena, id);
    for (const char *const *folder = reader->debug_folders; *folder != NULL; folder++) {
        const char *path =
            arena_format(reader->arena, "%s/.build-id/%.2s/%s.debug", *folder, text, text + 2);
        if (try_path(reader, path, NULL) || reader->arena->failed)
            return true;
    }
    return false;
}

/* By .gnu_debuglink, in the places where gdb looks. */
static bool find_by_link(struct reader *reader)
{
    uint32_t checksum = 0;
    const char *link = elf_debug_link(&reader->program, &checksum);
    if (link == NULL || strchr(link, '/') != NULL)
        return false;
    struct arena *arena = reader->arena;
    const char *here = folder_of(arena, reader->program_path);
    if (try_debug_file(reader, arena_format(arena, "%s/%s", here, link), &checksum) ||
        try_debug_file(reader, arena_format(arena, "%s/.debug/%s", here, link), &checksum))
        return true;
    char *whole = realpath(here, NULL);
    bool found = false;
    for (const char *const *folder = reader->debug_folders; !found && *folder != NULL; folder++)
        found = try_debug_file(
            reader, arena_format(arena, "%s%s/%s", *folder, whole ? whole : "", link), &checksum);
    free(whole);
    return found || arena->failed;
}

/* ---- dwz ------------------------------------------------------------------------------------- */

static bool try_alternative(struct reader *reader, const char *path, const uint32_t *checksum)
{
    (void)checksum;
    if (!is_readable_file(path))
        return false;
    struct elf_bytes wanted = {NULL, 0};
    elf_alternative_link(&reader->files[0].image, &wanted);
    struct elf_image image;
    if (!elf_open(&image, reader->arena, path))
        return false;
    if (is_same(wanted, elf_gnu_build_id(&image)))
        return add_file(reader, &image, false);
    elf_close(&image);
    return false;
}

/* The file that dwz moved common parts to. */
static bool open_alternative(struct reader *reader)
{
    struct arena *arena = reader->arena;
    struct elf_bytes id = {NULL, 0};
    const struct debug_file *main_file = &reader->files[0];
    const char *link = elf_alternative_link(&main_file->image, &id);
    if (link == NULL)
        return true;
    const char *path =
        *link == '/' ? link : arena_format(arena, "%s/%s", folder_of(arena, main_file->path), link);
    bool found = try_alternative(reader, path, NULL);
    if (!arena->failed && !found)
        found = find_by_build_id(reader, id, try_alternative);
    if (arena->failed)
        return false;
    if (!found)
        return arena_fail(arena,
                          "cannot open '%s', which holds debug info of '%s': install it, "
                          "or name its folder with --debug-folder",
                          path, main_file->path);
    reader->alternative = reader->file_count - 1;
    Dwarf_Error error = NULL;
    if (dwarf_set_tied_dbg(reader->files[0].dbg, reader->files[reader->alternative].dbg, &error) !=
        DW_DLV_OK)
        return reader_fail(reader, &reader->files[0], "its dwz file cannot be used", error);
    return true;
}

/* ---- the program ----------------------------------------------------------------------------- */

bool debug_files_open(struct reader *reader)
{
    struct arena *arena = reader->arena;
    if (!elf_open(&reader->program, arena, reader->program_path))
        return false;
    if (elf_has_dwarf(&reader->program)) {
        struct elf_image again;
        if (!elf_open(&again, arena, reader->program_path) || !add_file(reader, &again, false))
            return false;
    } else if (!find_by_build_id(reader, elf_gnu_build_id(&reader->program), try_debug_file) &&
               !find_by_link(reader)) {
        const char *found = reader->refused == NULL
                                ? "no separate debug file was found"
                                : arena_format(arena, "'%s' is of another build", reader->refused);
        bool is_go = elf_find_section(&reader->program, ".go.buildinfo") != NULL;
        arena_fail(arena,
                   "no debug info in '%s', and %s: build %s, or name the folder of debug "
                   "files with --debug-folder",
                   reader->program_path, found, is_go ? "without -ldflags=-w or -s" : "with -g");
    }
    return !arena->failed && open_alternative(reader);
}

void debug_files_close(struct reader *reader)
{
    while (reader->file_count > 0) {
        struct debug_file *file = &reader->files[--reader->file_count];
        dwarf_input_close(kind_of(reader, file), file->dbg);
        elf_close(&file->image);
    }
    elf_close(&reader->program);
}

/* ---- split DWARF ----------------------------------------------------------------------------- */

static bool open_split(struct reader *reader, const char *path, size_t *index)
{
    struct elf_image image;
    *index = reader->file_count;
    return elf_open(&image, reader->arena, path) && add_file(reader, &image, true);
}

/* The number of a file that is open already; 0: it is not. */
static size_t find_open(const struct reader *reader, const char *path)
{
    for (size_t i = 1; i < reader->file_count; i++)
        if (strcmp(reader->files[i].path, path) == 0)
            return i;
    return 0;
}

bool debug_files_open_split(struct reader *reader, const char *name, const char *folder,
                            size_t *index)
{
    struct arena *arena = reader->arena;
    const char *here = folder_of(arena, reader->program_path);
    const char *base = strrchr(name, '/');
    const char *candidates[] = {
        arena_format(arena, "%s.dwp", reader->program_path),
        arena_format(arena, "%s.dwp", reader->files[0].path),
        *name == '/' || folder == NULL ? name : arena_format(arena, "%s/%s", folder, name),
        arena_format(arena, "%s/%s", here, *name == '/' ? name + 1 : name),
        arena_format(arena, "%s/%s", here, base == NULL ? name : base + 1),
    };
    for (size_t i = 0; i < sizeof(candidates) / sizeof(*candidates); i++) {
        *index = find_open(reader, candidates[i]);
        if (*index != 0)
            return true;
        if (is_readable_file(candidates[i]))
            return open_split(reader, candidates[i], index);
    }
    return arena_fail(arena,
                      "cannot open '%s', which holds debug info of '%s': %s: put it, or "
                      "'%s.dwp', into the program's folder",
                      candidates[2], reader->program_path, strerror(ENOENT), reader->program_path);
}
