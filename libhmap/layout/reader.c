/*
 * reader.c - the state of a run, and its errors.
 */
#include "reader.h"

#include <string.h>

HMAP_TYPE_UINT64(signature_to_place, place_t);
HMAP_TYPE_UINT64(id_to_skeleton, struct skeleton);
HMAP_TYPE_UINT64(place_to_text, const char *);
HMAP_TYPE_STRING(name_to_place, place_t);
HMAP_TYPE_UINT64(place_to_index, uint32_t);

bool reader_init(struct reader *reader, struct arena *arena, const char *program_path,
                 const char *const *debug_folders, struct progress *progress,
                 const char *const *also)
{
    size_t count = 0;
    while (also[count] != NULL)
        count++;
    *reader = (struct reader){
        .arena = arena,
        .debug_folders = debug_folders,
        .progress = progress,
        .program_path = program_path,
        .also = also,
        .also_met = arena_alloc(arena, count + 1, sizeof(bool)),
        .signatures = hmap_create(&signature_to_place.type, NULL),
        .skeletons = hmap_create(&id_to_skeleton.type, NULL),
        .scopes = hmap_create(&place_to_text.type, NULL),
        .definitions = hmap_create(&name_to_place.type, NULL),
        .indices = hmap_create(&place_to_index.type, NULL),
    };
    return (reader->signatures != NULL && reader->skeletons != NULL && reader->scopes != NULL &&
            reader->definitions != NULL && reader->indices != NULL) ||
           reader_out_of_memory(reader);
}

int reader_find_also(const struct reader *reader, const char *name)
{
    for (int i = 0; reader->also[i] != NULL; i++)
        if (strcmp(reader->also[i], name) == 0)
            return i;
    return -1;
}

void reader_release(struct reader *reader)
{
    hmap_destroy(reader->signatures);
    hmap_destroy(reader->skeletons);
    hmap_destroy(reader->scopes);
    hmap_destroy(reader->definitions);
    hmap_destroy(reader->indices);
}

bool reader_fail_at(struct reader *reader, const struct debug_file *file, const char *what,
                    Dwarf_Error error)
{
    if (error == NULL)
        return arena_fail(reader->arena, "malformed DWARF in '%s': %s", file->path, what);
    arena_fail(reader->arena, "malformed DWARF in '%s': %s: %s", file->path, what,
               dwarf_errmsg(error));
    dwarf_dealloc_error(file->dbg, error);
    return false;
}

bool reader_fail(struct reader *reader, const struct debug_file *file, const char *what,
                 Dwarf_Error error)
{
    const struct progress *progress = reader->progress;
    bool is_known = progress->file == file->path && progress->has_offset;
    uint64_t offset = is_known ? progress->offset : 0;
    return reader_fail_at(reader, file,
                          arena_format(reader->arena, "at or after the DIE at 0x%llx: %s",
                                       (unsigned long long)offset, what),
                          error);
}

bool reader_out_of_memory(struct reader *reader)
{
    return arena_fail(reader->arena, "out of memory");
}
