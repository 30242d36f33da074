/* Random scripts against a model, for each kind of map, with a check after each step. */
#include "rig.h"

static void run_script(const struct rig_kind *kind, uint64_t seed, size_t steps,
                       struct rig_seen *seen)
{
    static struct rig rig;
    memset(&rig, 0, sizeof(rig));
    assert_true(rig_init(&rig, kind, seed, 0));
    unsigned insert_percent = 90;
    bool clears = false, wave = false;
    for (size_t step = 0; step < steps; step++) {
        /* Fill, churn, empty: each phase has a mix of its own. */
        if (step % 500 == 0) {
            static const unsigned mixes[] = {95, 50, 8, 60, 30};
            insert_percent = mixes[random_below(&rig.random, sizeof(mixes) / sizeof(mixes[0]))];
            clears = random_below(&rig.random, 3) == 0;
            wave = random_below(&rig.random, 3) == 0;
        }
        if (wave)
            rig_wave(&rig, 18);
        rig_step(&rig, insert_percent, clears);
        assert_sound(rig.map);
        if (step % 500 == 0)
            rig_verify(&rig);
    }
    rig_verify(&rig);
    seen->doubling += rig.seen.doubling;
    seen->same_size += rig.seen.same_size;
    seen->iterator_in_growth += rig.seen.iterator_in_growth;
    seen->retired += rig.seen.retired;
    seen->graveyard += rig.seen.graveyard;
    seen->clears += rig.seen.clears;
    seen->grown_under += rig.seen.grown_under;
    rig_fini(&rig);
}

static void test_random_scripts_agree_with_the_model(void **state)
{
    (void)state;
    struct rig_seen seen = {0};
    for (size_t i = 0; i < rig_kind_count; i++) {
        for (uint64_t seed = 1; seed <= 8; seed++) {
            print_message("%s, seed %u\n", rig_kinds[i].name, (unsigned)seed);
            run_script(&rig_kinds[i], seed, 3000, &seen);
        }
    }
    print_message(
        "steps in doubling %zu, in same-size growth %zu; iterators opened in growth %zu, "
        "grown under %zu; steps with retired arrays %zu, with a graveyard %zu; clears %zu\n",
        seen.doubling, seen.same_size, seen.iterator_in_growth, seen.grown_under, seen.retired,
        seen.graveyard, seen.clears);
    assert_true(seen.doubling > 100);
    assert_true(seen.same_size > 100);
    assert_true(seen.iterator_in_growth > 20);
    assert_true(seen.grown_under > 20);
    assert_true(seen.retired > 100);
    assert_true(seen.graveyard > 100);
    assert_true(seen.clears > 100);
}

/* All keys that doubling splits, walked by iterators opened at each point of it. */
static void test_iterators_opened_anywhere_in_growth_meet_each_entry_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < rig_kind_count; i++) {
        static struct rig rig;
        memset(&rig, 0, sizeof(rig));
        assert_true(rig_init(&rig, &rig_kinds[i], 7 + 2 * i, 0));
        for (unsigned key = 0; key < RIG_KEYS; key++) {
            rig_insert(&rig, key);
            /* One iterator stays open during the next writes, another walks the map as it is. */
            unsigned slot = key % RIG_ITERATORS;
            if (rig.iterators[slot].open)
                rig_walk(&rig, slot, RIG_KEYS + 1);
            rig_open(&rig, slot);
            rig_walk(&rig, slot, key / 3);
            if (key % 8 == 0)
                rig_verify(&rig);
        }
        rig_verify(&rig);
        rig_fini(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_scripts_agree_with_the_model),
        cmocka_unit_test(test_iterators_opened_anywhere_in_growth_meet_each_entry_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
