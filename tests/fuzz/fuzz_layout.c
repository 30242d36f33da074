/*
 * fuzz_layout.c - reads damaged programs and layout files as hmap-layout does, under the sanitizers.
 *
 *     fuzz_layout [OPTION]... FOLDER...
 *       --runs N     how many damaged files (default: 1000)
 *       --seed N     the number of the first one (default: 0); each is made from its number alone
 *       --seconds N  processor time that one may take (default: 10)
 *
 * Each folder has a program `sample`, perhaps files that belong to it, and its layout file
 * `sample.json` (make_seeds.py makes such folders). One file is damaged at a time, in place; it is
 * put back at the end.
 *
 * A finding is what a sanitizer reports in hmap-layout, a crash or a loop in it, memory beyond the
 * limit, and an error that does not name the file and the place. When libdwarf itself crashes or
 * loops, the run goes on in a new process: hmap-layout has one, too (isolate.h). These are counted.
 * The exit status is 1 if there was a finding.
 */
#include "compare.h"
#include "json_read.h"
#include "json_write.h"
#include "mutate.h"
#include "program.h"
#include "table.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    BATCH = 20000,       /* runs of one process, at most: leaks are looked for at its end */
    REPORTED = 50000,    /* runs after which there is a line about them */
    LIGHT_BYTES = 65536, /* a folder of this size is chosen as often as any smaller one */
    REPORT_BYTES = 1 << 16,
    STATUS_SLOW = 77,     /* of the child: one run took too long */
    STATUS_BAD_ERROR = 78 /* ... ended in an error that does not name the place */
};

/* NOLINTBEGIN(bugprone-reserved-identifier): the sanitizers' names */

/* How the sanitizers of this program behave: memory is limited, as sizes from a file must be. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "symbolize=0:allocator_may_return_null=1:max_allocation_size_mb=512:"
           "hard_rss_limit_mb=1500:handle_abort=1:detect_leaks=1:quarantine_size_mb=8:malloc_"
           "context_size=4";
}

const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
    return "print_stacktrace=1:symbolize=0";
}

/* libdwarf's own leaks, after errors. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libdwarf.so\n";
}

void __sanitizer_print_stack_trace(void);

/* NOLINTEND(bugprone-reserved-identifier) */

/* ---- folders --------------------------------------------------------------------------------- */

struct folder {
    char *path;
    char *program;
    struct original *files;
    size_t file_count;
    size_t total;
    size_t largest;
};

static bool is_seed(const struct original *file)
{
    size_t length = strlen(file->path);
    return (file->size > 4 && memcmp(file->bytes, "\177ELF", 4) == 0) ||
           (length > 5 && strcmp(file->path + length - 5, ".json") == 0);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct original *)a)->path, ((const struct original *)b)->path);
}

static void open_folder(struct folder *folder, const char *path)
{
    *folder = (struct folder){0};
    folder->path = realpath(path, NULL);
    DIR *entries = folder->path == NULL ? NULL : opendir(folder->path);
    if (entries == NULL) {
        perror(path);
        exit(2);
    }
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        char name[4096];
        struct stat status;
        snprintf(name, sizeof(name), "%s/%s", folder->path, entry->d_name);
        if (stat(name, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
            continue;
        folder->files = realloc(folder->files, (folder->file_count + 1) * sizeof(*folder->files));
        struct original *file = &folder->files[folder->file_count];
        original_read(file, name);
        if (!is_seed(file)) {
            original_free(file);
            continue;
        }
        folder->file_count++;
        folder->total += file->size;
        folder->largest = file->size > folder->largest ? file->size : folder->largest;
        if (strcmp(entry->d_name, "sample") == 0)
            folder->program = file->path;
    }
    closedir(entries);
    if (folder->program == NULL || folder->files == NULL) {
        fprintf(stderr, "%s: there is no program 'sample'\n", path);
        exit(2);
    }
    qsort(folder->files, folder->file_count, sizeof(*folder->files), by_name);
    for (size_t i = 0; i < folder->file_count; i++)
        if (strcmp(strrchr(folder->files[i].path, '/'), "/sample") == 0)
            folder->program = folder->files[i].path;
}

static void write_bytes(const char *path, const unsigned char *bytes, size_t size)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0 || write(file, bytes, size) != (ssize_t)size ||
        ftruncate(file, (off_t)size) != 0) {
        perror(path);
        exit(2);
    }
    close(file);
}

/* ---- one run --------------------------------------------------------------------------------- */

/* What both processes see. */
struct shared {
    uint64_t number;            /* of the run that is being made */
    size_t folder;              /* what is damaged in it */
    size_t file;                /* ... */
    unsigned long long good;    /* runs that ended with a layout */
    unsigned long long refused; /* ... with an error */
    char error[8192];           /* the last one */
    struct progress progress;
};

static struct folder *folders;
static size_t folder_count;
static unsigned seconds = 10;
static struct shared *shared;
static FILE *nowhere;

/* An error about one file names it. In malformed debug information there is a place: an offset, or
 * the section or symbol that is missing. */
static bool is_told(const char *error, const struct folder *folder)
{
    if (error[0] == '\0' || strchr(error, '\n') != NULL || strstr(error, folder->path) == NULL)
        return false;
    return strncmp(error, "malformed DWARF", 15) != 0 || strstr(error, " 0x") != NULL ||
           strstr(error, "section") != NULL;
}

static void compare_with_file(const struct folder *folder, struct layout *layout,
                              struct arena *arena)
{
    char path[4096];
    struct layout old;
    snprintf(path, sizeof(path), "%s/sample.json", folder->path);
    if (access(path, R_OK) == 0 && read_json(&old, arena, path))
        compare_layouts(&old, layout, arena, nowhere);
}

static void on_time(int number)
{
    (void)number;
    __sanitizer_print_stack_trace(); /* NOLINT(bugprone-signal-handler): the process ends here */
    _exit(STATUS_SLOW);
}

static void run_one(const struct folder *folder)
{
    static const char *const no_folders[] = {NULL};
    static const char *const no_names[] = {NULL};
    const struct itimerval limit = {.it_value = {.tv_sec = (time_t)seconds}};
    struct arena arena = {0};
    struct layout layout;
    setitimer(ITIMER_PROF, &limit, NULL);
    shared->progress.path[0] = '\0';
    if (layout_of_program(&layout, &arena, folder->program, no_folders, no_folders,
                          &shared->progress)) {
        write_json(&layout, &arena, nowhere);
        write_table(&layout, &arena, no_names, nowhere);
        compare_with_file(folder, &layout, &arena);
    }
    fflush(nowhere);
    if (arena.failed) {
        shared->refused++;
        memcpy(shared->error, arena.error, sizeof(arena.error));
        if (!is_told(arena.error, folder))
            _exit(STATUS_BAD_ERROR);
    } else
        shared->good++;
    arena_release(&arena);
}

/* Chooses what to damage by the number alone; large folders rarely. */
static void choose(uint64_t number, uint64_t *random)
{
    *random = number * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (;;) {
        shared->folder = next_random(random) % folder_count;
        const struct folder *folder = &folders[shared->folder];
        shared->file = next_random(random) % folder->file_count;
        if (next_random(random) % (folder->total + 1) < LIGHT_BYTES)
            return;
    }
}

/* Whether the program is, or was made to look, relocatable. */
static bool is_relocatable(const struct folder *folder, const struct original *damaged,
                           const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < folder->file_count && damaged->path != folder->program; i++)
        if (folder->files[i].path == folder->program) {
            bytes = folder->files[i].bytes;
            size = folder->files[i].size;
        }
    if (size < sizeof(Elf32_Ehdr))
        return false;
    unsigned char type = bytes[EI_DATA] == ELFDATA2MSB ? bytes[17] : bytes[16];
    return type == ET_REL;
}

/* Makes the runs from `number` on; leaves by exit(). */
static _Noreturn void run_batch(uint64_t number, uint64_t end)
{
    size_t room = 1;
    for (size_t i = 0; i < folder_count; i++)
        room = folders[i].largest > room ? folders[i].largest : room;
    unsigned char *bytes = malloc(room);
    signal(SIGPROF, on_time);
    for (; number < end; number++) {
        uint64_t random = 0;
        shared->number = number;
        choose(number, &random);
        const struct folder *folder = &folders[shared->folder];
        const struct original *file = &folder->files[shared->file];
        size_t size = mutate(file, next_random(&random), bytes);
        write_bytes(file->path, bytes, size);
        run_one(folder);
        write_bytes(file->path, file->bytes, file->size);
        if (is_relocatable(folder, file, bytes, size))
            break; /* libdwarf cannot read another kind of file in this process: dwarf_input.h */
    }
    free(bytes);
    exit(0);
}

/* ---- what a death means ---------------------------------------------------------------------- */

static bool is_of_the_runtime(const char *frame)
{
    return strstr(frame, "/libasan") != NULL || strstr(frame, "/libubsan") != NULL ||
           strstr(frame, "/libsanitizer/") != NULL || strstr(frame, "/libc.so") != NULL ||
           strstr(frame, "/sysdeps/") != NULL || strstr(frame, "(<unknown module>)") != NULL;
}

/* Whether the innermost frame that is neither the sanitizer's nor the C library's is libdwarf's or
 * zlib's. Frames are "#N 0x... (FILE+0x...)", or with function, source and line. */
static bool is_in_libdwarf(const char *report)
{
    const char *own = strstr(report, " in on_time ");
    for (const char *at = strstr(own == NULL ? report : own, "    #"); at != NULL;
         at = strstr(at + 1, "    #")) {
        char line[512];
        snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
        if (strstr(line, "/libdwarf") != NULL || strstr(line, "/libz.") != NULL)
            return true;
        if (!is_of_the_runtime(line))
            return false;
    }
    return false;
}

static const struct original *damaged_file(void)
{
    const struct folder *folder = &folders[shared->folder];
    if (folder->files == NULL) /* never */
        exit(2);
    return &folder->files[shared->file];
}

/* Prints a finding: how to repeat it, and what was reported. */
static void print_finding(const char *report, int ended)
{
    printf("finding: --runs 1 --seed %llu: '%s' damaged, status 0x%x, last DIE 0x%llx of '%s'\n%s\n"
           "%s\n",
           (unsigned long long)shared->number, damaged_file()->path, (unsigned)ended,
           (unsigned long long)shared->progress.offset, shared->progress.path, shared->error,
           report);
    fflush(stdout);
}

static void restore(void)
{
    const struct original *file = damaged_file();
    write_bytes(file->path, file->bytes, file->size);
}

/* ---- all runs -------------------------------------------------------------------------------- */

struct totals {
    unsigned long long crashes; /* of libdwarf */
    unsigned long long loops;   /* ... */
    unsigned long long findings;
};

static void judge(int ended, const char *report, struct totals *totals)
{
    bool is_slow = WIFEXITED(ended) && WEXITSTATUS(ended) == STATUS_SLOW;
    bool is_theirs = strstr(report, "runtime error") == NULL && is_in_libdwarf(report);
    if (is_theirs && getenv("DBG"))
        print_finding(report, ended);
    if (is_theirs && is_slow)
        totals->loops++;
    else if (is_theirs)
        totals->crashes++;
    else {
        totals->findings++;
        print_finding(report, ended);
    }
}

/* Runs one batch in a child; returns the number of the first run after it. */
static uint64_t run_child(uint64_t number, uint64_t end, struct totals *totals)
{
    int reports = memfd_create("report", MFD_CLOEXEC);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        dup2(reports, STDERR_FILENO);
        run_batch(number, end);
    }
    int ended = 0;
    if (child < 0 || waitpid(child, &ended, 0) != child) {
        perror("fork");
        exit(2);
    }
    end = shared->number + 1;
    if (ended != 0) {
        static char report[REPORT_BYTES];
        ssize_t size = pread(reports, report, sizeof(report) - 1, 0);
        report[size > 0 ? size : 0] = '\0';
        restore();
        judge(ended, report, totals);
    }
    close(reports);
    return end;
}

static unsigned long long number_of(const char *text)
{
    char *rest = NULL;
    unsigned long long number = text == NULL ? 0 : strtoull(text, &rest, 10);
    if (rest == NULL || *rest != '\0') {
        fprintf(stderr, "not a number: %s\n", text == NULL ? "nothing" : text);
        exit(2);
    }
    return number;
}

int main(int count, char **words)
{
    uint64_t runs = 1000;
    uint64_t first = 0;
    folders = calloc((size_t)count, sizeof(*folders));
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--runs") == 0)
            runs = number_of(words[++i]);
        else if (strcmp(words[i], "--seed") == 0)
            first = number_of(words[++i]);
        else if (strcmp(words[i], "--seconds") == 0)
            seconds = (unsigned)number_of(words[++i]);
        else
            open_folder(&folders[folder_count++], words[i]);
    }
    nowhere = fopen("/dev/null", "w");
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (folder_count == 0 || nowhere == NULL || shared == MAP_FAILED) {
        fputs("fuzz_layout: no folder given, or no memory\n", stderr);
        return 2;
    }
    struct totals totals = {0};
    for (uint64_t number = first; number < first + runs;) {
        uint64_t left = first + runs - number;
        uint64_t before = number;
        number = run_child(number, number + (left < BATCH ? left : BATCH), &totals);
        if ((number - first) / REPORTED != (before - first) / REPORTED)
            fprintf(stderr, "%llu runs, %llu findings so far\n",
                    (unsigned long long)(number - first), totals.findings);
    }
    printf("%llu runs: %llu layouts, %llu refusals, %llu crashes and %llu loops of libdwarf, "
           "%llu findings\n",
           (unsigned long long)runs, shared->good, shared->refused, totals.crashes, totals.loops,
           totals.findings);
    fflush(stdout);
    _exit(totals.findings > 0);
}
