/* Iterators: what they pin, what is retired and kept for them, and clear and destroy meanwhile. */
#include "rig.h"

HMAP_TYPE_INT64(numbers, int64_t);

struct large {
    int64_t number;
    char rest[200];
};
HMAP_TYPE_BYTES(large_large, struct large, struct large);
HMAP_TYPE_OWNED_STRING(words, struct large);

static struct hmap *new_map(const struct hmap_type *type, struct test_allocator *memory)
{
    test_allocator_init(memory);
    struct hmap *map = hmap_create(
        type,
        &(struct hmap_options){.allocator = &memory->allocator, .fixed_seed = true, .seed = 99});
    assert_non_null(map);
    return map;
}

static void put_numbers(struct hmap *map, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++)
        assert_non_null(hmap_put(map, &i, &i));
}

static size_t retired_count(const struct hmap *map)
{
    size_t n = 0;
    for (const struct hmap_array *array = map->retired; array != NULL; array = array->next)
        n++;
    return n;
}

static void end_growth(struct hmap *map)
{
    int64_t absent = INT64_MIN;
    while (is_growing(map))
        hmap_delete(map, &absent);
}

static void test_walk_of_a_map_without_buckets_ends_at_once(void **state)
{
    (void)state;
    struct test_allocator memory;
    struct hmap *map = new_map(&numbers.type, &memory);
    struct hmap_iter iter;
    hmap_iter_init(&iter, map);
    assert_false(hmap_iter_next(&iter));
    put_numbers(map, 0, 100);
    assert_false(hmap_iter_next(&iter));
    assert_null(iter.key);
    assert_sound(map);
    hmap_iter_fini(&iter);
    assert_sound(map);
    hmap_destroy(map);
    assert_int_equal(memory.live, 0);
}

static void test_walk_of_an_emptied_map_meets_nothing(void **state)
{
    (void)state;
    struct test_allocator memory;
    struct hmap *map = new_map(&numbers.type, &memory);
    put_numbers(map, 0, 300);
    for (int64_t i = 0; i < 300; i++)
        assert_true(hmap_delete(map, &i));
    struct hmap_iter iter;
    hmap_iter_init(&iter, map);
    assert_false(hmap_iter_next(&iter));
    hmap_iter_fini(&iter);
    hmap_destroy(map);
    assert_int_equal(memory.live, 0);
}

static void test_pins_follow_the_arrays_and_the_last_unpin_frees(void **state)
{
    (void)state;
    struct test_allocator memory;
    struct hmap *map = new_map(&numbers.type, &memory);
    put_numbers(map, 0, 100);
    end_growth(map);
    struct hmap_iter first, second;
    hmap_iter_init(&first, map);
    struct bmap *walked = map->buckets;
    assert_int_equal(map->flags & HMAP_FLAG_ITERATOR, HMAP_FLAG_ITERATOR);
    assert_int_equal(array_of(walked)->pins, 1);

    int64_t next = 100;
    while (!is_growing(map))
        put_numbers(map, next, next + 1), next++;
    assert_ptr_equal(map->oldbuckets, walked);
    assert_int_equal(map->flags & 3, HMAP_FLAG_OLD_ITERATOR);
    assert_sound(map);

    hmap_iter_init(&second, map);
    assert_int_equal(array_of(walked)->pins, 2);
    assert_int_equal(map->flags & 3, HMAP_FLAG_OLD_ITERATOR | HMAP_FLAG_ITERATOR);
    end_growth(map);
    assert_int_equal(retired_count(map), 1);
    assert_ptr_equal(map->retired->buckets, walked);
    assert_int_equal(map->flags & 3, HMAP_FLAG_ITERATOR);
    assert_sound(map);

    /* Another growth: the second array is retired too. */
    put_numbers(map, next, 1000);
    end_growth(map);
    assert_int_equal(retired_count(map), 2);
    assert_int_equal(map->flags & 3, 0);
    assert_sound(map);

    hmap_iter_fini(&first);
    assert_int_equal(retired_count(map), 2);
    assert_sound(map);
    size_t before = memory.live;
    hmap_iter_fini(&second);
    assert_int_equal(retired_count(map), 0);
    assert_true(memory.live <= before - 2);
    assert_sound(map);
    hmap_destroy(map);
    assert_int_equal(memory.live, 0);
}

static void test_unpinned_old_array_gives_back_its_moved_chains(void **state)
{
    (void)state;
    struct test_allocator memory;
    struct hmap *map = new_map(&numbers.type, &memory);
    put_numbers(map, 0, 6);
    int64_t next = 6;
    struct hmap_iter iter;
    hmap_iter_init(&iter, map);
    /* While pinned, evacuated buckets keep their chains and keys; without a pin they lose them. */
    while (map->B < 3 || !is_growing(map)) {
        put_numbers(map, next, next + 1);
        next++;
        if (!is_growing(map)) {
            hmap_iter_fini(&iter);
            hmap_iter_init(&iter, map);
        }
    }
    hmap_iter_fini(&iter);
    const struct hmap_array *old = array_of(map->oldbuckets);
    size_t evacuated = 0;
    for (size_t i = 0; i < bucket_count(old->B); i++) {
        const struct bmap *b = bucket_at(map->type, map->oldbuckets, i);
        if (!bucket_is_evacuated(b))
            continue;
        evacuated++;
        assert_null(bucket_overflow(map->type, b));
        for (unsigned slot = 0; slot < HMAP_BUCKET_SLOTS; slot++)
            assert_int_equal(*(int64_t *)key_slot(map->type, b, slot), 0);
    }
    assert_true(evacuated > 0);
    assert_sound(map);
    hmap_destroy(map);
    assert_int_equal(memory.live, 0);
}

static void test_graveyard_keeps_what_a_walk_can_still_meet(void **state)
{
    (void)state;
    for (int owned = 0; owned < 2; owned++) {
        struct test_allocator memory;
        struct hmap *map = new_map(owned ? &words.type : &large_large.type, &memory);
        char text[32];
        const char *word = text;
        struct large large;
        memset(&large, 0, sizeof(large));
        struct hmap_iter iter;
        for (int i = 0; i < 500; i++) {
            if (i == 100)
                hmap_iter_init(&iter, map);
            snprintf(text, sizeof(text), "word %d", i);
            large.number = i;
            assert_non_null(hmap_put(map, owned ? (void *)&word : (void *)&large, &large));
        }
        assert_non_null(map->retired);
        size_t before = memory.live;
        for (int i = 0; i < 500; i++) {
            if (i % 5 == 0)
                continue;
            snprintf(text, sizeof(text), "word %d", i);
            large.number = i;
            assert_true(hmap_delete(map, owned ? (void *)&word : (void *)&large));
        }
        assert_true(memory.live >= before - 1); /* an old array may have been freed, but no box */
        assert_non_null(map->graveyard);
        assert_sound(map);
        size_t met = 0;
        while (hmap_iter_next(&iter)) {
            const struct large *elem = iter.elem;
            assert_int_equal(elem->number % 5, 0);
            if (owned)
                assert_string_equal(
                    *(const char *const *)iter.key,
                    (snprintf(text, sizeof(text), "word %d", (int)elem->number), text));
            met++;
        }
        assert_true(met >= 20);
        hmap_iter_fini(&iter);
        assert_null(map->graveyard);
        assert_null(map->retired);
        assert_true(memory.live < before - 400);
        assert_sound(map);
        hmap_destroy(map);
        assert_int_equal(memory.live, 0);
    }
}

/* Clear in each state: array pinned or not, growing or not, with retired arrays or not. */
static void test_clear_under_open_iterators(void **state)
{
    (void)state;
    for (size_t i = 0; i < rig_kind_count; i++) {
        for (unsigned at = 5; at < 130; at += 4) {
            static struct rig rig;
            memset(&rig, 0, sizeof(rig));
            assert_true(rig_init(&rig, &rig_kinds[i], at, 0));
            for (unsigned key = 0; key < at; key++) {
                rig_insert(&rig, key);
                if (key == at / 2)
                    rig_open(&rig, 0);
            }
            rig_open(&rig, 1);
            rig_walk(&rig, 1, 2);
            if (at % 3 == 0)
                rig_close(&rig, 1);
            rig_clear(&rig);
            assert_sound(rig.map);
            for (struct hmap_array *old = rig.map->retired; old != NULL; old = old->next)
                for (size_t b = 0; b < bucket_count(old->B); b++)
                    assert_int_equal(tophash_word(bucket_at(rig.map->type, old->buckets, b)), 0);
            rig_verify(&rig);
            /* The same keys again, as new entries: none may be returned twice. */
            for (unsigned key = 0; key < at; key++) {
                rig_insert(&rig, key);
                if (key % 16 == 0)
                    assert_sound(rig.map);
            }
            if (rig.iterators[1].open)
                rig_walk(&rig, 1, RIG_KEYS);
            rig_walk(&rig, 0, RIG_KEYS);
            rig_verify(&rig);
            rig_fini(&rig);
        }
    }
}

static void test_destroy_under_open_iterators(void **state)
{
    (void)state;
    for (size_t i = 0; i < rig_kind_count; i++) {
        static struct rig rig;
        memset(&rig, 0, sizeof(rig));
        assert_true(rig_init(&rig, &rig_kinds[i], 3, 0));
        struct hmap_iter first, second;
        for (unsigned key = 0; key < 200; key++) {
            rig_insert(&rig, key);
            if (key == 50)
                hmap_iter_init(&first, rig.map);
        }
        hmap_iter_init(&second, rig.map);
        assert_true(hmap_iter_next(&first));
        size_t count = hmap_registry.count;
        hmap_destroy(rig.map);
        assert_int_equal(hmap_registry.count, count - 1);
        assert_true(rig.memory.live > 0);
        assert_int_equal(rig.map->flags & HMAP_FLAG_DESTROYED, HMAP_FLAG_DESTROYED);
        assert_false(hmap_iter_next(&first));
        assert_null(first.key);
        assert_false(hmap_iter_next(&second));
        hmap_iter_fini(&first);
        assert_false(hmap_iter_next(&second));
        hmap_iter_fini(&second);
        assert_int_equal(rig.memory.live, 0);
    }
}

/* Emptied and filled again during growth: the seed must stay while an iterator is open. */
static void test_refilled_map_shows_no_entry_twice(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        struct hmap *map = hmap_create(&numbers.type, NULL);
        int64_t n = 0;
        do {
            put_numbers(map, n, n + 1);
            n++;
        } while (map->B < 4 || !is_growing(map));
        struct hmap_iter iter;
        hmap_iter_init(&iter, map);
        uint64_t seed = map->hash0;
        /* Stop somewhere in an old bucket. */
        for (unsigned i = 0; i < 1 + round % 30; i++)
            assert_true(hmap_iter_next(&iter));
        for (int64_t i = 0; i < n; i++)
            assert_true(hmap_delete(map, &i));
        assert_int_equal(map->hash0, seed);
        put_numbers(map, 0, n);
        bool met[200] = {false};
        while (hmap_iter_next(&iter)) {
            int64_t key = *(const int64_t *)iter.key;
            assert_false(met[key]);
            met[key] = true;
        }
        hmap_iter_fini(&iter);
        for (int64_t i = 0; i < n; i++)
            assert_true(hmap_delete(map, &i));
        assert_true(map->hash0 != seed);
        assert_sound(map);
        hmap_destroy(map);
    }
}

/* An iterator halfway through a chain of the old array, while another growth starts. */
static void test_walk_of_an_old_chain_outlives_the_growth(void **state)
{
    (void)state;
    const struct rig_kind *kind = NULL;
    for (size_t i = 0; i < rig_kind_count; i++)
        if (strcmp(rig_kinds[i].name, "three_buckets") == 0)
            kind = &rig_kinds[i];
    assert_non_null(kind);
    for (unsigned steps = 1; steps < 60; steps++) {
        static struct rig rig;
        memset(&rig, 0, sizeof(rig));
        assert_true(rig_init(&rig, kind, 2 * steps + 1, 0));
        unsigned key = 0;
        do
            rig_insert(&rig, key++);
        while (rig.map->B < 4 || !is_growing(rig.map));
        rig_open(&rig, 0);
        rig_walk(&rig, 0, steps);
        for (; key < 400; key++) {
            rig_insert(&rig, key);
            if (key % 50 == 0 && rig.iterators[0].open)
                rig_walk(&rig, 0, 5);
        }
        if (rig.iterators[0].open)
            rig_walk(&rig, 0, RIG_KEYS);
        rig_fini(&rig);
    }
}

static void test_arguments_may_lie_in_the_map(void **state)
{
    (void)state;
    struct hmap *map = hmap_create(&numbers.type, NULL);
    put_numbers(map, 0, 2);
    /* Each new elem is a copy of another, which the insert may move. */
    for (int64_t key = 2; key < 3000; key++) {
        int64_t from = key / 2;
        int64_t *found = hmap_get(map, &from);
        int64_t expected = *found;
        int64_t *put = hmap_put(map, &key, found);
        assert_int_equal(*put, expected);
    }
    assert_sound(map);
    struct hmap_iter iter;
    hmap_iter_init(&iter, map);
    size_t n = 0;
    for (; hmap_iter_next(&iter); n++)
        assert_true(hmap_delete(map, iter.key));
    hmap_iter_fini(&iter);
    assert_int_equal(n, 3000);
    assert_int_equal(hmap_count(map), 0);
    hmap_destroy(map);
}

/* An iterator of a retired array returns keys from the unpinned array that growth is emptying. */
static void test_shown_key_may_be_the_argument_of_a_write_that_moves_it(void **state)
{
    (void)state;
    for (int deletes = 0; deletes < 2; deletes++) {
        struct hmap *map = hmap_create(&numbers.type, NULL);
        put_numbers(map, 1, 100);
        end_growth(map);
        struct hmap_iter iter;
        hmap_iter_init(&iter, map);
        int64_t next = 100;
        for (; map->B < 6 || !is_growing(map); next++)
            put_numbers(map, next, next + 1);
        assert_int_equal(map->flags & HMAP_FLAG_OLD_ITERATOR, 0);
        size_t met = 0, count = hmap_count(map), growing = 0;
        while (hmap_iter_next(&iter)) {
            growing += is_growing(map);
            int64_t key = *(const int64_t *)iter.key, value = -key;
            if (deletes)
                assert_true(hmap_delete(map, iter.key));
            else
                assert_int_equal(*(int64_t *)hmap_put(map, iter.key, &value), value);
            int64_t *found = hmap_get(map, &key);
            assert_int_equal(found != NULL, !deletes);
            met++;
        }
        hmap_iter_fini(&iter);
        assert_true(met >= 99 && growing > 5);
        assert_int_equal(hmap_count(map), deletes ? count - met : count);
        assert_sound(map);
        hmap_destroy(map);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk_of_a_map_without_buckets_ends_at_once),
        cmocka_unit_test(test_walk_of_an_emptied_map_meets_nothing),
        cmocka_unit_test(test_pins_follow_the_arrays_and_the_last_unpin_frees),
        cmocka_unit_test(test_unpinned_old_array_gives_back_its_moved_chains),
        cmocka_unit_test(test_graveyard_keeps_what_a_walk_can_still_meet),
        cmocka_unit_test(test_clear_under_open_iterators),
        cmocka_unit_test(test_destroy_under_open_iterators),
        cmocka_unit_test(test_refilled_map_shows_no_entry_twice),
        cmocka_unit_test(test_walk_of_an_old_chain_outlives_the_growth),
        cmocka_unit_test(test_shown_key_may_be_the_argument_of_a_write_that_moves_it),
        cmocka_unit_test(test_arguments_may_lie_in_the_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
