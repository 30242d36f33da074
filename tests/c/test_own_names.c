/*
 * A program whose own functions have names that the library might use inside links statically, and
 * the library calls none of them.
 */
#include "support.h"

static unsigned calls;

#define OWN(name)    \
    void name(void); \
    void name(void)  \
    {                \
        calls++;     \
    }

OWN(array_free)
OWN(array_new)
OWN(array_reset)
OWN(box_free)
OWN(box_new)
OWN(growth_start)
OWN(map_fatal)
OWN(map_free)
OWN(map_lookup)
OWN(map_random)
OWN(memory_allocate)
OWN(memory_release)
OWN(overflow_link)
OWN(registry_add)
OWN(registry_remove)

HMAP_TYPE_INT64(own_type, int64_t);

static void test_names_of_the_program_stay_its_own(void **state)
{
    (void)state;
    struct hmap *map = hmap_create(&own_type.type, NULL);
    assert_non_null(map);
    for (int64_t key = 0; key < 1000; key++)
        assert_non_null(hmap_put(map, &key, &key));
    for (int64_t key = 0; key < 500; key++)
        assert_true(hmap_delete(map, &key));
    assert_int_equal(hmap_count(map), 500);
    hmap_destroy(map);
    assert_int_equal(calls, 0);
    map_free();
    array_new();
    assert_int_equal(calls, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_the_program_stay_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
