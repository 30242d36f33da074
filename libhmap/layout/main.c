/*
 * main.c - the command line of hmap-layout(1).
 */
#include "compare.h"
#include "isolate.h"
#include "json_read.h"
#include "json_write.h"
#include "output.h"
#include "program.h"
#include "table.h"

#include <stdlib.h>
#include <string.h>

enum { STATUS_GOOD = 0, STATUS_CHANGED = 1, STATUS_ERROR = 2 };

/* Without a further DIE. The longest step is to decompress a section: that much is for 10 GB. */
enum { PATIENCE_SECONDS = 30 };

static const char usage[] =
    "Usage: hmap-layout PROGRAM [STRUCT...]\n"
    "       hmap-layout PROGRAM --json [FILE] [--also STRUCT]\n"
    "       hmap-layout PROGRAM --check FILE\n"
    "\n"
    "Show the struct layouts that a debugger needs to read the hash maps of PROGRAM (an\n"
    "executable or a shared library with DWARF), one line per field: offset, size, type, name.\n"
    "\n"
    "  --json [FILE]        write a layout file; to standard output without FILE, or for '-'\n"
    "                       gdb reads a stripped program with it: hmap-layout load FILE\n"
    "  --check FILE         compare with an earlier layout file: print each difference, and exit\n"
    "                       with status 1 if there is one; build ids and addresses may differ\n"
    "  --also STRUCT        also keep this struct, what its pointers lead to, and the variables "
    "that\n"
    "                       lead to it, as those of maps: for maps that a definition file "
    "declares\n"
    "                       ('hmap-define' in gdb names all of them); may be given more than once\n"
    "  --debug-folder DIR   look there for separate debug files (default: /usr/lib/debug); may be\n"
    "                       given more than once\n"
    "  -h, --help           show this help\n"
    "  --version            show the version\n"
    "\n"
    "Exit status: 0 success, 1 a layout has changed, 2 an error.\n"
    "\n"
    "Example:\n"
    "  hmap-layout server --json server.layout.json && strip server\n";

enum { MAX_FOLDERS = 16 };

struct options {
    const char *program;
    const char **structs; /* ends with NULL */
    const char *json;     /* NULL: no file */
    const char *check;
    const char **also; /* ends with NULL */
    const char *folders[MAX_FOLDERS + 1];
    size_t folder_count;
};

/* An option's argument: "--name=argument", or the next word. */
static const char *value_of(char **words, int *at, const char *name, bool is_required,
                            struct arena *arena)
{
    size_t length = strlen(name);
    if (words[*at][length] == '=')
        return words[*at] + length + 1;
    const char *next = words[*at + 1];
    if (next != NULL && (next[0] != '-' || next[1] == '\0')) {
        ++*at;
        return next;
    }
    if (is_required)
        arena_fail(arena, "option '%s' needs an argument: try --help", name);
    return "-";
}

static bool is_option(const char *word, const char *name)
{
    size_t length = strlen(name);
    return strncmp(word, name, length) == 0 && (word[length] == '\0' || word[length] == '=');
}

static bool parse(int count, char **words, struct options *options, struct arena *arena)
{
    size_t structs = 0, also = 0;
    options->also = arena_alloc(arena, (size_t)count + 1, sizeof(*options->also));
    options->structs = arena_alloc(arena, (size_t)count + 1, sizeof(*options->structs));
    for (int i = 1; i < count && !arena->failed; i++) {
        if (is_option(words[i], "--json")) {
            /* The next word is a file only if the program has been given. */
            bool is_bare = options->program == NULL && strchr(words[i], '=') == NULL;
            options->json = is_bare ? "-" : value_of(words, &i, "--json", false, arena);
        } else if (is_option(words[i], "--check"))
            options->check = value_of(words, &i, "--check", true, arena);
        else if (is_option(words[i], "--also")) {
            const char *name = value_of(words, &i, "--also", true, arena);
            /* DWARF has names without the word before them. */
            bool is_struct = strncmp(name, "struct ", 7) == 0;
            options->also[also++] = is_struct ? name + 7 : name;
        } else if (is_option(words[i], "--debug-folder")) {
            if (options->folder_count == MAX_FOLDERS)
                return arena_fail(arena, "more than %d debug folders", MAX_FOLDERS);
            options->folders[options->folder_count++] =
                value_of(words, &i, "--debug-folder", true, arena);
        } else if (words[i][0] == '-' && words[i][1] != '\0')
            return arena_fail(arena, "unknown option '%s': try --help", words[i]);
        else if (options->program == NULL)
            options->program = words[i];
        else
            options->structs[structs++] = words[i];
    }
    if (options->program == NULL)
        arena_fail(arena, "no program given: try --help");
    if (structs > 0 && (options->json != NULL || options->check != NULL))
        arena_fail(arena, "unexpected argument '%s': try --help", options->structs[0]);
    if (options->folder_count == 0)
        options->folders[options->folder_count++] = "/usr/lib/debug";
    return !arena->failed;
}

static bool write_file(const struct layout *layout, struct arena *arena, const char *path)
{
    struct output output;
    if (!output_open(&output, arena, path))
        return false;
    if (!write_json(layout, arena, output.stream)) {
        output_discard(&output);
        return false;
    }
    return output_commit(&output, arena);
}

static int check(const struct layout *layout, struct arena *arena, const char *path)
{
    struct layout old;
    if (!read_json(&old, arena, path))
        return STATUS_ERROR;
    size_t differences = compare_layouts(&old, layout, arena, stdout);
    if (arena->failed)
        return STATUS_ERROR;
    if (differences > 0) {
        printf("%zu %s from '%s'\n", differences, differences == 1 ? "difference" : "differences",
               path);
        return STATUS_CHANGED;
    }
    printf("no layout has changed since '%s'\n", path);
    return STATUS_GOOD;
}

/* What both halves of the work share. */
struct run {
    const struct options *options;
    struct arena *arena;
    struct layout layout;
};

static bool read_layout(void *context, struct progress *progress)
{
    struct run *run = context;
    const struct options *options = run->options;
    return layout_of_program(&run->layout, run->arena, options->program, options->folders,
                             options->also, progress);
}

static int write_layout(struct run *run)
{
    const struct options *options = run->options;
    struct arena *arena = run->arena;
    int status = STATUS_GOOD;
    if (options->json != NULL && !write_file(&run->layout, arena, options->json))
        return STATUS_ERROR;
    if (options->check != NULL)
        status = check(&run->layout, arena, options->check);
    if (options->json == NULL && options->check == NULL &&
        !write_table(&run->layout, arena, options->structs, stdout))
        return STATUS_ERROR;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        arena_fail(arena, "cannot write to standard output");
        return STATUS_ERROR;
    }
    return status;
}

/* Prints the error, if there is one, and frees all memory. Returns the exit status. */
static int end(struct arena *arena, int status)
{
    if (arena->failed) {
        fputs("hmap-layout: ", stderr);
        output_text(stderr, arena->error);
        putc('\n', stderr);
        status = STATUS_ERROR;
    }
    arena_release(arena);
    return status;
}

static int finish(void *context, bool is_read)
{
    struct run *run = context;
    int status = is_read ? write_layout(run) : STATUS_ERROR;
    return end(run->arena, status);
}

int main(int count, char **words)
{
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0) {
            fputs(usage, stdout);
            return STATUS_GOOD;
        }
        if (strcmp(words[i], "--version") == 0) {
            puts("hmap-layout " HMAP_VERSION);
            return STATUS_GOOD;
        }
    }
    struct arena arena = {0};
    struct options options = {0};
    int status = STATUS_ERROR;
    if (parse(count, words, &options, &arena)) {
        struct run run = {.options = &options, .arena = &arena};
        const struct isolated work = {read_layout, finish, &run, PATIENCE_SECONDS};
        isolate(&work, &arena, &status);
    }
    return end(&arena, status);
}
