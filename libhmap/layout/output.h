/*
 * output.h - what is written: text that is safe on a terminal, and files that appear when complete.
 */
#ifndef HMAP_LAYOUT_OUTPUT_H
#define HMAP_LAYOUT_OUTPUT_H

#include "layout.h"

#include <stdio.h>

/*
 * A file to be written; "-" is standard output. A regular file has a temporary name in the same
 * folder until output_commit(); anything else (a FIFO, /dev/null) is opened and written.
 */
struct output {
    const char *path;
    const char *final;     /* what it will be called; NULL: it has its name */
    const char *temporary; /* its name until then */
    FILE *stream;
};

bool output_open(struct output *output, struct arena *arena, const char *path);
bool output_commit(struct output *output, struct arena *arena);
void output_discard(struct output *output);

/* The length of the UTF-8 character at `at`, which is no ASCII; 0: it is none. */
size_t output_utf8_length(const unsigned char *at);

/* Text with control bytes, and what is no UTF-8, as \xNN: no name of a program's steers a terminal. */
void output_text(FILE *stream, const char *text);

/* How many characters of a terminal a UTF-8 text is. */
size_t output_width(const char *text);

/* ---- table.c, json_write.c ------------------------------------------------------------------- */

/* The structs of the layout in pahole's manner, as gdb's hmap-layout prints them; `names` (ends with
 * NULL) restricts them, and is NULL for all. False: there is none of a name. */
bool write_table(const struct layout *layout, struct arena *arena, const char *const *names,
                 FILE *stream);

void write_json(const struct layout *layout, FILE *stream);

#endif /* HMAP_LAYOUT_OUTPUT_H */
