/* The names that the libraries define. Those that the shared one exports are on a list, so that each
 * change is on purpose; all of the static one begin with hmap_, so that they clash with no name of
 * a program. */
#include "support.h"

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

enum { MOST = 200, LENGTH = 100 };

static size_t read_names(FILE *in, char names[MOST][LENGTH])
{
    size_t n = 0;
    char line[512];
    while (fgets(line, sizeof(line), in) != NULL) {
        char *name = strrchr(line, ' ');
        name = name != NULL ? name + 1 : line;
        name[strcspn(name, "\n")] = '\0';
        if (strncmp(name, "hmap", 4) != 0 && strchr(name, '@') != NULL)
            continue;
        /* The sanitizers and the linker add names of their own. */
        if (name[0] == '\0' || name[0] == '_')
            continue;
        assert_true(n < MOST);
        snprintf(names[n++], LENGTH, "%.*s", LENGTH - 1, name);
    }
    qsort(names, n, LENGTH, compare);
    return n;
}

static void test_exported_symbols_are_those_of_the_list(void **state)
{
    (void)state;
    static char exported[MOST][LENGTH], listed[MOST][LENGTH];
    FILE *nm = popen("'" HMAP_NM "' -D --defined-only '" HMAP_LIBRARY "'", "r");
    assert_non_null(nm);
    size_t n = read_names(nm, exported);
    assert_int_equal(pclose(nm), 0);
    FILE *list = fopen(HMAP_EXPORTED, "r");
    assert_non_null(list);
    size_t m = read_names(list, listed);
    fclose(list);
    for (size_t i = 0; i < n && i < m; i++)
        assert_string_equal(exported[i], listed[i]);
    assert_int_equal(n, m);
}

static void test_global_symbols_of_the_archive_have_the_prefix(void **state)
{
    (void)state;
    static char defined[MOST][LENGTH];
    FILE *nm = popen("'" HMAP_NM "' -A -g --defined-only '" HMAP_ARCHIVE "'", "r");
    assert_non_null(nm);
    size_t n = read_names(nm, defined);
    assert_int_equal(pclose(nm), 0);
    assert_true(n > 40);
    for (size_t i = 0; i < n; i++)
        if (strncmp(defined[i], "hmap_", strlen("hmap_")) != 0)
            fail_msg("'%s' does not have the prefix", defined[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exported_symbols_are_those_of_the_list),
        cmocka_unit_test(test_global_symbols_of_the_archive_have_the_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
