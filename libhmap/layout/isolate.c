/*
 * isolate.c - a child process, and what its end means.
 */
#include "isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STATUS_STUCK = 120 }; /* of the child; hmap-layout's own are below 3 */

/* Reports of the sanitizers must be seen. */
#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED true
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED false
#endif

/* ---- in the child ---------------------------------------------------------------------------- */

static struct progress *watched;

static void on_tick(int number)
{
    static uint64_t before = UINT64_MAX;
    (void)number;
    if (watched->steps == before)
        _exit(STATUS_STUCK);
    before = watched->steps;
}

/* `seconds` 0: no more. */
static void watch(struct progress *progress, unsigned seconds)
{
    const struct timeval interval = {.tv_sec = (time_t)seconds};
    const struct itimerval timer = {.it_interval = interval, .it_value = interval};
    const struct sigaction action = {.sa_handler = seconds > 0 ? on_tick : SIG_IGN,
                                     .sa_flags = SA_RESTART};
    watched = progress;
    sigaction(SIGPROF, &action, NULL);
    setitimer(ITIMER_PROF, &timer, NULL);
}

/* The C library writes a line of its own before it aborts: "double free". Returns a descriptor for
 * unmute(). */
static int mute(void)
{
    int kept = IS_SANITIZED ? -1 : fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int nothing = kept < 0 ? -1 : open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nothing >= 0) {
        dup2(nothing, STDERR_FILENO);
        close(nothing);
    }
    return kept;
}

static void unmute(int kept)
{
    if (kept >= 0) {
        dup2(kept, STDERR_FILENO);
        close(kept);
    }
}

static _Noreturn void run_child(const struct isolated *work, struct progress *progress)
{
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    watch(progress, work->patience);
    int kept = mute();
    bool is_read = work->read(work->context, progress);
    unmute(kept);
    watch(progress, 0);
    exit(work->finish(work->context, is_read));
}

/* ---- in the parent --------------------------------------------------------------------------- */

/* Sets the error: where reading was, and how it ended. */
static bool fail_at(struct arena *arena, const struct progress *progress, const char *how)
{
    if (progress->path[0] == '\0')
        return arena_fail(arena, "%s", how);
    if (!progress->has_offset)
        return arena_fail(arena, "malformed DWARF in '%s': %s when it was opened", progress->path,
                          how);
    return arena_fail(arena, "malformed DWARF in '%s': %s at or after the DIE at 0x%llx",
                      progress->path, how, (unsigned long long)progress->offset);
}

/* Whether a signal comes from outside, not from what the child did. */
static bool is_sent(int number)
{
    return number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT ||
           number == SIGPIPE;
}

static bool judge(const struct isolated *work, struct arena *arena, const struct progress *progress,
                  int ended, int *status)
{
    if (WIFEXITED(ended) && WEXITSTATUS(ended) != STATUS_STUCK) {
        *status = WEXITSTATUS(ended);
        return true;
    }
    if (WIFEXITED(ended))
        return fail_at(arena, progress,
                       arena_format(arena, "reading makes no progress in %u s of processor time",
                                    work->patience));
    int number = WTERMSIG(ended);
    if (is_sent(number)) {
        signal(number, SIG_DFL);
        raise(number);
    }
    if (number == SIGKILL)
        return arena_fail(arena, "reading '%s' was killed, perhaps for lack of memory",
                          progress->path);
    return fail_at(
        arena, progress,
        arena_format(arena, "reading ended by signal %d (%s)", number, strsignal(number)));
}

bool isolate(const struct isolated *work, struct arena *arena, int *status)
{
    struct progress *progress =
        mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (progress == MAP_FAILED)
        return arena_fail(arena, "cannot share memory with a process: %s", strerror(errno));
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        run_child(work, progress);
    int ended = 0;
    pid_t waited = child;
    while (child > 0 && (waited = waitpid(child, &ended, 0)) < 0 && errno == EINTR)
        ;
    bool good = child > 0 && waited == child
                    ? judge(work, arena, progress, ended, status)
                    : arena_fail(arena, "cannot start a process: %s", strerror(errno));
    munmap(progress, sizeof(*progress));
    return good;
}
