/*
 * program.c - the steps from a program to its layout.
 */
#include "program.h"

#include "build.h"
#include "closure.h"
#include "debug_files.h"
#include "open_units.h"
#include "reader.h"
#include "scan.h"
#include "types.h"

#include <string.h>

/* Each of the types that the user asks for has been met. */
static bool has_all(const struct reader *reader)
{
    for (size_t i = 0; reader->also[i] != NULL; i++)
        if (!reader->also_met[reader_find_also(reader, reader->also[i])])
            return arena_fail(reader->arena, "no type '%s' in '%s': check the name after '--also'",
                              reader->also[i], reader->program_path);
    return true;
}

static bool read_program(struct reader *reader, struct layout *layout)
{
    if (!debug_files_open(reader) || !open_units(reader) || !scan(reader) || !has_all(reader) ||
        !load_types(reader))
        return false;
    close_types(reader);
    return build_layout(reader, layout);
}

bool layout_of_program(struct layout *layout, struct arena *arena, const char *path,
                       const char *const *debug_folders, const char *const *also,
                       struct progress *progress)
{
    const char *slash = strrchr(path, '/');
    *layout = (struct layout){.program = slash == NULL ? path : slash + 1};
    struct reader reader;
    bool good = reader_init(&reader, arena, path, debug_folders, progress, also) &&
                read_program(&reader, layout);
    /* Until here names are in the files: those that were kept are copied. */
    if (good)
        layout_copy_names(layout, arena);
    debug_files_close(&reader);
    reader_release(&reader);
    arena->limit = 0; /* it was for what the files describe */
    return good;
}
