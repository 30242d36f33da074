/* Overlapping calls are detected by the flag. The tests make them overlap by calls from hash and
 * equal functions. */
#include "support.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum inner { NOTHING, PUT, DELETE, CLEAR, DESTROY, GET, NEXT, INIT, FINI };

static struct hmap *shared;
static struct hmap_iter shared_iter;
static enum inner inner;

/* What another thread would do during a write: equal is called with the flag set. */
static bool equal_with_company(const void *a, const void *b, size_t size)
{
    int64_t key = 4711;
    struct hmap_iter iter;
    enum inner now = inner;
    inner = NOTHING;
    switch (now) {
    case PUT:
        hmap_put(shared, &key, &key);
        break;
    case DELETE:
        hmap_delete(shared, &key);
        break;
    case CLEAR:
        hmap_clear(shared);
        break;
    case DESTROY:
        hmap_destroy(shared);
        break;
    case GET:
        hmap_get(shared, &key);
        break;
    case NEXT:
        hmap_iter_next(&shared_iter);
        break;
    case INIT:
        hmap_iter_init(&iter, shared);
        break;
    case FINI:
        hmap_iter_fini(&shared_iter);
        break;
    case NOTHING:
    default:
        break;
    }
    return hmap_equal_8(a, b, size);
}

HMAP_TYPE(company, int64_t, int64_t, hmap_hash_8, equal_with_company);

static const struct {
    enum inner inner;
    const char *message;
} overlaps[] = {
    {PUT, "concurrent map writes"},
    {DELETE, "concurrent map writes"},
    {CLEAR, "concurrent map writes"},
    {DESTROY, "concurrent map writes"},
    {GET, "concurrent map read and map write"},
    {NEXT, "concurrent map iteration and map write"},
    {INIT, "concurrent map iteration and map write"},
    {FINI, "concurrent map iteration and map write"},
};
enum { OVERLAPS = sizeof(overlaps) / sizeof(overlaps[0]) };

static void make_overlap(enum inner what, bool by_delete)
{
    int64_t key = 1;
    inner = what;
    if (by_delete)
        hmap_delete(shared, &key);
    else
        hmap_put(shared, &key, &key);
}

static void set_up(void)
{
    int64_t key = 1;
    inner = NOTHING;
    shared = hmap_create(&company.type, NULL);
    hmap_put(shared, &key, &key);
    hmap_iter_init(&shared_iter, shared);
}

static jmp_buf caught;
static const char *caught_message;
static const struct hmap *caught_map;

static void leave(const struct hmap *map, const char *message)
{
    caught_map = map;
    caught_message = message;
    longjmp(caught, 1);
}

static void test_handler_gets_the_map_and_the_message(void **state)
{
    (void)state;
    for (volatile unsigned i = 0; i < 2 * OVERLAPS; i++) {
        set_up();
        caught_message = NULL;
        assert_null(hmap_set_fatal_handler(leave));
        if (setjmp(caught) == 0)
            make_overlap(overlaps[i / 2].inner, i % 2 != 0);
        assert_ptr_equal(hmap_set_fatal_handler(NULL), leave);
        assert_non_null(caught_message);
        assert_string_equal(caught_message, overlaps[i / 2].message);
        assert_ptr_equal(caught_map, shared);
        /* The write was left halfway; only the flag had been set. */
        assert_int_equal(shared->flags & HMAP_FLAG_WRITING, HMAP_FLAG_WRITING);
        shared->flags &= (uint8_t)~HMAP_FLAG_WRITING;
        assert_sound(shared);
        hmap_iter_fini(&shared_iter);
        hmap_destroy(shared);
    }
}

static void test_program_aborts_with_the_message(void **state)
{
    (void)state;
    for (unsigned i = 0; i < OVERLAPS; i++) {
        int out[2];
        assert_int_equal(pipe(out), 0);
        fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            /* cmocka catches signals; this needs the default action. */
            signal(SIGABRT, SIG_DFL);
            dup2(out[1], STDERR_FILENO);
            close(out[0]);
            set_up();
            make_overlap(overlaps[i].inner, false);
            _exit(0);
        }
        close(out[1]);
        char text[256];
        size_t size = 0;
        ssize_t got;
        while (size < sizeof(text) - 1 &&
               (got = read(out[0], text + size, sizeof(text) - 1 - size)) > 0)
            size += (size_t)got;
        text[size] = '\0';
        close(out[0]);
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGABRT);
        assert_non_null(strstr(text, overlaps[i].message));
    }
}

/* Two writers that both saw the flag clear: the first one to end clears it, the second notices. */
static void test_flag_cleared_under_a_write_is_noticed(void **state)
{
    (void)state;
    struct hmap *map = hmap_create(&company.type, NULL);
    int64_t key = 1;
    map->flags |= HMAP_FLAG_WRITING;
    assert_null(hmap_set_fatal_handler(leave));
    caught_message = NULL;
    if (setjmp(caught) == 0)
        hmap_put(map, &key, &key);
    hmap_set_fatal_handler(NULL);
    assert_string_equal(caught_message, "concurrent map writes");
    map->flags &= (uint8_t)~HMAP_FLAG_WRITING;
    hmap_destroy(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handler_gets_the_map_and_the_message),
        cmocka_unit_test(test_program_aborts_with_the_message),
        cmocka_unit_test(test_flag_cleared_under_a_write_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
