/*
 * Every script of a few operations, from states in which the map is about to change its shape: growth
 * starts, goes on and ends, with and without open iterators. What a model checker would search, run.
 *
 *     test_bounded [DEPTH]     scripts of that many operations (default: 4)
 */
#include "rig.h"

enum { DEFAULT_DEPTH = 4, MOST_DEPTH = 9, FIRST = 100 /* keys that no state has */ };

static unsigned depth = DEFAULT_DEPTH;

/* ---- operations ------------------------------------------------------------------------------ */

static void insert_one(struct rig *rig)
{
    rig_insert(rig, FIRST);
}

static void insert_next(struct rig *rig)
{
    unsigned key = FIRST + 1;
    while (rig->present[key])
        key++;
    rig_insert(rig, key);
}

static void update(struct rig *rig)
{
    rig_insert(rig, 3);
}

static void delete_old(struct rig *rig)
{
    unsigned key = 0;
    while (key < FIRST && !rig->present[key])
        key++;
    rig_delete(rig, key);
}

static void delete_one(struct rig *rig)
{
    rig_delete(rig, FIRST);
}

static void open_or_step(struct rig *rig)
{
    if (!rig->iterators[0].open)
        rig_open(rig, 0);
    else
        rig_walk(rig, 0, 3);
}

static void walk_to_the_end(struct rig *rig)
{
    if (rig->iterators[0].open)
        rig_walk(rig, 0, RIG_KEYS + 1);
    else
        rig_get(rig, FIRST);
}

static void clear(struct rig *rig)
{
    rig_clear(rig);
}

static void (*const operations[])(struct rig *) = {
    insert_one, insert_next, update, delete_old, delete_one, open_or_step, walk_to_the_end, clear,
};
enum { OPERATIONS = sizeof(operations) / sizeof(*operations) };

/* ---- states ---------------------------------------------------------------------------------- */

static void leave_empty(struct rig *rig)
{
    (void)rig;
}

/* The bucket is full. */
static void fill_a_bucket(struct rig *rig)
{
    for (unsigned key = 0; key < HMAP_BUCKET_SLOTS; key++)
        rig_insert(rig, key);
}

/* The next new key starts growth to B = 3. */
static void fill_to_the_limit(struct rig *rig)
{
    for (unsigned key = 0; key < 26; key++)
        rig_insert(rig, key);
}

/* Growth has begun, and an iterator walks the old array. */
static void start_growth(struct rig *rig)
{
    for (unsigned key = 0; key < 26; key++)
        rig_insert(rig, key);
    rig_open(rig, 0);
    rig_walk(rig, 0, 4);
    rig_insert(rig, 26);
}

static void (*const states[])(struct rig *) = {
    leave_empty,
    fill_a_bucket,
    fill_to_the_limit,
    start_growth,
};
enum { STATES = sizeof(states) / sizeof(*states) };

/* ---- all scripts ----------------------------------------------------------------------------- */

static void run(const struct rig_kind *kind, size_t state, const unsigned char *script,
                struct rig_seen *seen)
{
    static struct rig rig;
    assert_true(rig_init(&rig, kind, 7, 0));
    states[state](&rig);
    for (unsigned i = 0; i < depth; i++) {
        operations[script[i]](&rig);
        assert_sound(rig.map);
    }
    rig_verify(&rig);
    seen->doubling += rig.seen.doubling;
    seen->retired += rig.seen.retired;
    seen->iterator_in_growth += rig.seen.iterator_in_growth;
    rig_fini(&rig);
}

static bool next_script(unsigned char *script)
{
    for (unsigned i = 0; i < depth; i++) {
        if (++script[i] < OPERATIONS)
            return true;
        script[i] = 0;
    }
    return false;
}

static void run_all(const char *name)
{
    const struct rig_kind *kind = rig_kinds;
    while (strcmp(kind->name, name) != 0)
        kind++;
    size_t scripts = 0;
    struct rig_seen seen = {0};
    for (size_t state = 0; state < STATES; state++) {
        unsigned char script[MOST_DEPTH] = {0};
        do {
            run(kind, state, script, &seen);
            scripts++;
        } while (next_script(script));
    }
    print_message("%s: %zu scripts of %u operations\n", name, scripts, depth);
    assert_true(seen.doubling > 0 && seen.retired > 0 && seen.iterator_in_growth > 0);
}

static void test_numbers(void **state)
{
    (void)state;
    run_all("int64_int64");
}

static void test_boxes_and_owned_keys(void **state)
{
    (void)state;
    run_all("owned_big");
}

static void test_one_chain(void **state)
{
    (void)state;
    run_all("one_bucket");
}

int main(int count, char **words)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_boxes_and_owned_keys),
        cmocka_unit_test(test_one_chain),
    };
    if (count > 1)
        depth = (unsigned)strtoul(words[1], NULL, 10);
    if (depth < 1 || depth > MOST_DEPTH) {
        fprintf(stderr, "test_bounded: the depth is 1 to %d\n", MOST_DEPTH);
        return 2;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
