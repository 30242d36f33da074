/*
 * output.c - files and terminals.
 */
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(struct arena *arena, const char *path)
{
    return arena_fail(arena, "cannot write '%s': %s", path, strerror(errno));
}

/* A temporary file beside the one that it will replace, with its mode or the usual one. */
static bool open_beside(struct output *output, struct arena *arena, const struct stat *old)
{
    char *real = realpath(output->path, NULL); /* of a link, the file is replaced */
    output->final = arena_copy(arena, real != NULL ? real : output->path,
                               strlen(real != NULL ? real : output->path));
    free(real);
    char *temporary = arena_format(arena, "%s.XXXXXX", output->final);
    int file = mkstemp(temporary);
    if (file < 0)
        return fail(arena, output->path);
    output->temporary = temporary;
    mode_t mask = umask(0);
    umask(mask);
    fchmod(file, old != NULL ? old->st_mode & 07777 : 0666 & ~mask);
    output->stream = fdopen(file, "w");
    if (output->stream != NULL)
        return true;
    fail(arena, output->path);
    close(file);
    output_discard(output);
    return false;
}

bool output_open(struct output *output, struct arena *arena, const char *path)
{
    *output = (struct output){.path = path};
    if (strcmp(path, "-") == 0) {
        output->stream = stdout;
        return true;
    }
    struct stat status;
    bool exists = stat(path, &status) == 0;
    if (!exists || S_ISREG(status.st_mode))
        return open_beside(output, arena, exists ? &status : NULL);
    output->stream = fopen(path, "we");
    return output->stream != NULL || fail(arena, path);
}

bool output_commit(struct output *output, struct arena *arena)
{
    FILE *stream = output->stream;
    output->stream = NULL;
    bool good = fflush(stream) == 0 && !ferror(stream);
    if (stream != stdout)
        good &= fclose(stream) == 0;
    if (good && output->temporary != NULL)
        good = rename(output->temporary, output->final) == 0;
    if (good)
        return true;
    fail(arena, output->path);
    output_discard(output);
    return false;
}

void output_discard(struct output *output)
{
    if (output->stream != NULL && output->stream != stdout)
        fclose(output->stream);
    if (output->temporary != NULL)
        unlink(output->temporary);
    *output = (struct output){0};
}

size_t output_utf8_length(const unsigned char *at)
{
    size_t length = *at >= 0xf0 && *at < 0xf5 ? 4 : *at >= 0xe0 ? 3 : *at >= 0xc2 ? 2 : 0;
    if (*at >= 0xf5)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool is_overlong = (*at == 0xe0 && at[1] < 0xa0) || (*at == 0xf0 && at[1] < 0x90);
    bool is_outside = (*at == 0xed && at[1] > 0x9f) || (*at == 0xf4 && at[1] > 0x8f);
    return is_overlong || is_outside ? 0 : length;
}

/* The bytes of the character at `at`; 0: not valid, or a control character (U+009F is the last). */
static size_t shown_length(const unsigned char *at)
{
    if (*at >= 0x80)
        return at[0] == 0xc2 && at[1] < 0xa0 ? 0 : output_utf8_length(at);
    return *at >= 0x20 && *at != 0x7f;
}

void output_text(FILE *stream, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at != '\0') {
        size_t length = shown_length(at);
        if (length == 0)
            fprintf(stream, "\\x%02x", *at++);
        for (; length > 0; length--)
            putc(*at++, stream);
    }
}

size_t output_width(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t width = 0;
    while (*at != '\0') {
        size_t length = shown_length(at);
        width += length == 0 ? 4 : 1;
        at += length == 0 ? 1 : length;
    }
    return width;
}
