/*
 * output.h - text that is safe to print on a terminal, and files that appear when complete.
 */
#ifndef HMAP_LAYOUT_OUTPUT_H
#define HMAP_LAYOUT_OUTPUT_H

#include "arena.h"

#include <stdio.h>

/*
 * A file to be written; "-" is standard output. A regular file has a temporary name in the same
 * folder until output_commit(); anything else (a FIFO, /dev/null) is written as it is.
 */
struct output {
    const char *path;
    const char *final;     /* the name that it will get; NULL: it has it already */
    const char *temporary; /* its name until then */
    FILE *stream;
};

bool output_open(struct output *output, struct arena *arena, const char *path);
bool output_commit(struct output *output, struct arena *arena);
void output_discard(struct output *output);

/* The length of the UTF-8 character at `at`, which is not ASCII; 0: it is not valid. */
size_t output_utf8_length(const unsigned char *at);

/* Text with control characters and invalid UTF-8 as \xNN: no name controls a terminal. */
void output_text(FILE *stream, const char *text);

/* The columns that such a text takes. */
size_t output_width(const char *text);

#endif /* HMAP_LAYOUT_OUTPUT_H */
