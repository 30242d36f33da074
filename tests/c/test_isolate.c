/* Whatever reading does, its process ends in a status or in one line that names file and place. */
#include "support.h"

#include "isolate.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STATUS = 41 };

static void use_up_time(void)
{
    for (volatile unsigned i = 0; i < 1000; i++)
        ;
}

/* What read() does: the context. */
static bool read_well(void *context, struct progress *progress)
{
    (void)context;
    progress_die(progress, "some/program", 0x2a);
    return true;
}

static bool read_badly(void *context, struct progress *progress)
{
    (void)context;
    (void)progress;
    return false;
}

static bool read_and_end(void *context, struct progress *progress)
{
    progress_file(progress, "some/program");
    progress_die(progress, "some/program", 0x2a);
    signal(*(int *)context, SIG_DFL); /* cmocka and the sanitizers catch some */
    raise(*(int *)context);
    return true;
}

static bool open_and_abort(void *context, struct progress *progress)
{
    (void)context;
    progress_die(progress, "some/program", 0x2a);
    progress_file(progress, "its/debug/file");
    signal(SIGABRT, SIG_DFL);
    abort();
}

static volatile bool is_over; /* never */

static bool read_for_ever(void *context, struct progress *progress)
{
    (void)context;
    progress_die(progress, "some/program", 0x2a);
    while (!is_over)
        use_up_time();
    return true;
}

/* Longer than the patience, but with progress. */
static bool read_for_long(void *context, struct progress *progress)
{
    (void)context;
    struct timespec used = {0};
    while (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0 && used.tv_sec < 3) {
        use_up_time();
        progress_die(progress, "some/program", 0x2a);
    }
    return true;
}

static int finish(void *context, bool is_read)
{
    (void)context;
    return is_read ? STATUS : STATUS + 1;
}

static struct arena arena;

/* -1: the child did not end by finish(); then the arena has the error. */
static int run(bool (*read)(void *, struct progress *), int number)
{
    int status = -1;
    const struct isolated work = {read, finish, &number, 1};
    arena_release(&arena);
    arena = (struct arena){0};
    bool good = isolate(&work, &arena, &status);
    assert_int_equal(good, status != -1);
    assert_int_equal(good, !arena.failed);
    return status;
}

static void test_status_is_the_childs(void **state)
{
    (void)state;
    assert_int_equal(run(read_well, 0), STATUS);
    assert_int_equal(run(read_badly, 0), STATUS + 1);
    assert_int_equal(run(read_for_long, 0), STATUS);
}

static void test_a_crash_is_told_with_file_and_place(void **state)
{
    (void)state;
    const int numbers[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        char text[256];
        snprintf(
            text, sizeof(text),
            "malformed DWARF in 'some/program': reading ended by signal %d (%s) at or after the "
            "DIE at 0x2a",
            numbers[i], strsignal(numbers[i]));
        assert_int_equal(run(read_and_end, numbers[i]), -1);
        assert_string_equal(arena.error, text);
    }
    assert_int_equal(run(open_and_abort, 0), -1);
    assert_string_equal(arena.error,
                        "malformed DWARF in 'its/debug/file': reading ended by signal 6 "
                        "(Aborted) when it was opened");
}

static void test_no_memory_is_no_malformed_file(void **state)
{
    (void)state;
    assert_int_equal(run(read_and_end, SIGKILL), -1);
    assert_string_equal(arena.error,
                        "reading 'some/program' was killed, perhaps for lack of memory");
}

static void test_a_loop_is_ended(void **state)
{
    (void)state;
    assert_int_equal(run(read_for_ever, 0), -1);
    assert_string_equal(arena.error,
                        "malformed DWARF in 'some/program': reading makes no progress in "
                        "1 s of processor time at or after the DIE at 0x2a");
}

static void test_a_signal_from_outside_ends_both(void **state)
{
    (void)state;
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        int ended = 0;
        fflush(NULL);
        pid_t both = fork();
        assert_true(both >= 0);
        if (both == 0)
            _exit(run(read_and_end, numbers[i]) == -1);
        assert_int_equal(waitpid(both, &ended, 0), both);
        assert_true(WIFSIGNALED(ended));
        assert_int_equal(WTERMSIG(ended), numbers[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_is_the_childs),
        cmocka_unit_test(test_a_crash_is_told_with_file_and_place),
        cmocka_unit_test(test_no_memory_is_no_malformed_file),
        cmocka_unit_test(test_a_loop_is_ended),
        cmocka_unit_test(test_a_signal_from_outside_ends_both),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_release(&arena);
    return failed;
}
