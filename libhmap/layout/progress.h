/*
 * progress.h - where reading is: in memory that two processes share, so that one can say where the
 * other ended.
 */
#ifndef HMAP_LAYOUT_PROGRESS_H
#define HMAP_LAYOUT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
    uint64_t steps;   /* DIEs and files so far: grows while there is any progress */
    uint64_t offset;  /* of the last DIE in its section */
    bool has_offset;  /* false: none of the file has been read yet */
    const char *file; /* its path, where the reader has it */
    char path[4096];  /* the same; empty: none yet */
};

/* A file is about to be read. */
static inline void progress_file(struct progress *progress, const char *path)
{
    progress->has_offset = false;
    progress->file = path;
    progress->steps++;
    snprintf(progress->path, sizeof(progress->path), "%s", path);
}

/* A DIE of a file is about to be read. */
static inline void progress_die(struct progress *progress, const char *path, uint64_t offset)
{
    if (progress->file != path)
        progress_file(progress, path);
    progress->offset = offset;
    progress->has_offset = true;
    progress->steps++;
}

#endif /* HMAP_LAYOUT_PROGRESS_H */
