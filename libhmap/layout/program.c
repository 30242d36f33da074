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

static bool read_program(struct reader *reader, struct layout *layout)
{
    if (!debug_files_open(reader) || !open_units(reader) || !scan(reader) || !load_types(reader))
        return false;
    close_types(reader);
    return build_layout(reader, layout);
}

bool layout_of_program(struct layout *layout, struct arena *arena, const char *path,
                       const char *const *debug_folders, struct progress *progress)
{
    const char *slash = strrchr(path, '/');
    *layout = (struct layout){.program = slash == NULL ? path : slash + 1};
    struct reader reader;
    bool good =
        reader_init(&reader, arena, path, debug_folders, progress) && read_program(&reader, layout);
    /* Until here names are in the files: those that were kept are copied. */
    if (good)
        layout_copy_names(layout, arena);
    debug_files_close(&reader);
    reader_release(&reader);
    arena->limit = 0; /* it was for what the files describe */
    return good;
}
