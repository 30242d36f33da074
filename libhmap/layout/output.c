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

/* A temporary file beside what it will replace; with the mode of that, or the usual one. */
static bool open_beside(struct output *output, struct arena *arena, const struct stat *old)
{
    char *real = realpath(output->path, NULL); /* a link stays a link */
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

void output_text(FILE *stream, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte < 0x20 || byte == 0x7f)
            fprintf(stream, "\\x%02x", byte);
        else
            putc(byte, stream);
    }
}

size_t output_width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte < 0x20 || byte == 0x7f)
            width += 4;
        else
            width += (byte & 0xc0) != 0x80;
    }
    return width;
}
