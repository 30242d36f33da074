#include "rig.h"

/* ---- kinds of maps --------------------------------------------------------------------------- */

struct big {
    unsigned char front[100];
    uint32_t number;
    unsigned char back[100];
};

struct __attribute__((packed)) odd {
    uint8_t one;
    uint32_t number;
    uint16_t two;
};

struct wide {
    _Alignas(64) uint64_t number;
};

struct wide_big {
    _Alignas(32) uint64_t number;
    unsigned char rest[160];
};

/* All keys in one bucket, with one tophash. */
static uint64_t hash_to_one(const void *key, size_t size, uint64_t seed)
{
    (void)key;
    (void)size;
    (void)seed;
    return UINT64_C(0x4200000000000007);
}

/* Three buckets, at any size of the array. */
static uint64_t hash_to_three(const void *key, size_t size, uint64_t seed)
{
    uint64_t hash = hmap_hash_bytes(key, size, seed);
    return (hash & ~UINT64_C(0xffffffffffff)) | hash % 3;
}

/* Spread over buckets, two neighbouring tophash bytes: x and x ^ 1. */
static uint64_t hash_to_two_tophashes(const void *key, size_t size, uint64_t seed)
{
    uint64_t hash = hmap_hash_bytes(key, size, seed);
    return (hash & UINT64_C(0x00ffffffffffffff)) | (UINT64_C(0x62) + (hash >> 63)) << 56;
}

/* Hashes whose top byte is below MIN. */
static uint64_t hash_low(const void *key, size_t size, uint64_t seed)
{
    return hmap_hash_bytes(key, size, seed) & UINT64_C(0x07ffffffffffffff);
}

/* Nine keys in a row in one bucket, which overflows although few are live at a time. */
static uint64_t hash_nine_a_bucket(const void *key, size_t size, uint64_t seed)
{
    int64_t number;
    memcpy(&number, key, sizeof(number));
    return (uint64_t)(number / 9) | hmap_hash_bytes(key, size, seed) << 32;
}

HMAP_TYPE_INT64(int64_int64, int64_t);
HMAP_TYPE_UINT32(uint32_uint8, uint8_t);
HMAP_TYPE_INT32(int32_big, struct big);
HMAP_TYPE_STRING(string_int64, int64_t);
HMAP_TYPE_OWNED_STRING(owned_int64, int64_t);
HMAP_TYPE_OWNED_STRING(owned_big, struct big);
HMAP_TYPE_BYTES(big_int64, struct big, int64_t);
HMAP_TYPE_BYTES(big_big, struct big, struct big);
HMAP_TYPE_BYTES(odd_odd, struct odd, struct odd);
HMAP_TYPE_BYTES(wide_wide, struct wide, struct wide);
HMAP_TYPE_BYTES(odd_wide_big, struct odd, struct wide_big);
HMAP_TYPE(one_bucket, int64_t, int64_t, hash_to_one, hmap_equal_8);
HMAP_TYPE(three_buckets, int64_t, int64_t, hash_to_three, hmap_equal_8);
HMAP_TYPE(three_buckets_big, struct big, struct big, hash_to_three, hmap_equal_bytes);
HMAP_TYPE(two_tophashes, int64_t, int64_t, hash_to_two_tophashes, hmap_equal_8);
HMAP_TYPE(nine_a_bucket, int64_t, int64_t, hash_nine_a_bucket, hmap_equal_8);
HMAP_TYPE(low_hashes, int64_t, int64_t, hash_low, hmap_equal_8);

/* ---- numbers as keys and elems --------------------------------------------------------------- */

static const char *string_of(unsigned number)
{
    static char strings[RIG_KEYS][16];
    snprintf(strings[number], sizeof(strings[number]), "key %u", number);
    return strings[number];
}

static void set_int64(void *at, uint64_t number)
{
    memcpy(at, &number, sizeof(number));
}

static uint64_t get_int64(const void *at)
{
    uint64_t number;
    memcpy(&number, at, sizeof(number));
    return number;
}

static void set_key_int64(void *at, unsigned number)
{
    set_int64(at, number);
}

static unsigned get_key_int64(const void *at)
{
    return (unsigned)get_int64(at);
}

static void set_key_int32(void *at, unsigned number)
{
    uint32_t key = number;
    memcpy(at, &key, sizeof(key));
}

static unsigned get_key_int32(const void *at)
{
    uint32_t key;
    memcpy(&key, at, sizeof(key));
    return key;
}

static void set_uint8(void *at, uint64_t number)
{
    *(uint8_t *)at = (uint8_t)number;
}

static uint64_t get_uint8(const void *at)
{
    return *(const uint8_t *)at;
}

static void set_key_string(void *at, unsigned number)
{
    const char *string = string_of(number);
    memcpy(at, &string, sizeof(string));
}

static unsigned get_key_string(const void *at)
{
    const char *string;
    memcpy(&string, at, sizeof(string));
    return (unsigned)strtoul(string + 4, NULL, 10);
}

#define STRUCT_KIND(tag)                                                          \
    static void set_##tag(void *at, uint64_t number)                              \
    {                                                                             \
        struct tag value;                                                         \
        memset(&value, 0, sizeof(value));                                         \
        value.number = (__typeof__(value.number))number;                          \
        memcpy(at, &value, sizeof(value));                                        \
    }                                                                             \
    static uint64_t get_##tag(const void *at)                                     \
    {                                                                             \
        assert_int_equal((uintptr_t)at % _Alignof(struct tag), 0);                \
        return ((const struct tag *)at)->number;                                  \
    }                                                                             \
    static void set_key_##tag(void *at, unsigned number) __attribute__((unused)); \
    static void set_key_##tag(void *at, unsigned number)                          \
    {                                                                             \
        set_##tag(at, number);                                                    \
    }                                                                             \
    static unsigned get_key_##tag(const void *at) __attribute__((unused));        \
    static unsigned get_key_##tag(const void *at)                                 \
    {                                                                             \
        return (unsigned)get_##tag(at);                                           \
    }

STRUCT_KIND(big)
STRUCT_KIND(odd)
STRUCT_KIND(wide)
STRUCT_KIND(wide_big)

#define KIND(name, key, elem)                                                   \
    {                                                                           \
#name, &name.type, set_key_##key, set_##elem, get_key_##key, get_##elem \
    }

const struct rig_kind rig_kinds[] = {
    KIND(int64_int64, int64, int64),   KIND(uint32_uint8, int32, uint8),
    KIND(int32_big, int32, big),       KIND(string_int64, string, int64),
    KIND(owned_int64, string, int64),  KIND(owned_big, string, big),
    KIND(big_int64, big, int64),       KIND(big_big, big, big),
    KIND(odd_odd, odd, odd),           KIND(wide_wide, wide, wide),
    KIND(odd_wide_big, odd, wide_big), KIND(one_bucket, int64, int64),
    KIND(three_buckets, int64, int64), KIND(three_buckets_big, big, big),
    KIND(two_tophashes, int64, int64), KIND(low_hashes, int64, int64),
    KIND(nine_a_bucket, int64, int64),
};
const size_t rig_kind_count = sizeof(rig_kinds) / sizeof(rig_kinds[0]);

/* ---- the rig --------------------------------------------------------------------------------- */

bool rig_init(struct rig *rig, const struct rig_kind *kind, uint64_t seed, size_t hint)
{
    struct test_allocator memory = rig->memory;
    memset(rig, 0, sizeof(*rig));
    test_allocator_init(&rig->memory);
    rig->memory.fail_from = memory.fail_from;
    rig->memory.fail_count = memory.fail_count;
    rig->kind = kind;
    rig->random = seed;
    rig->map = hmap_create(kind->type, &(struct hmap_options){.name = kind->name,
                                                              .hint = hint,
                                                              .allocator = &rig->memory.allocator,
                                                              .fixed_seed = (seed & 1) != 0,
                                                              .seed = seed});
    if (rig->map == NULL) {
        assert_int_equal(rig->memory.live, 0);
        return false;
    }
    if ((seed & 1) == 0) {
        /* Not a fixed seed, so that it changes when the map is empty; but the same in each run. */
        rig->map->random = seed;
        rig->map->hash0 = next_random(&rig->random);
    }
    return true;
}

static void watch(struct rig *rig)
{
    const struct hmap *map = rig->map;
    if (is_growing_same_size(map))
        rig->seen.same_size++;
    else if (is_growing(map))
        rig->seen.doubling++;
    rig->seen.retired += map->retired != NULL;
    rig->seen.graveyard += map->graveyard != NULL;
}

static uint64_t stored(const struct rig *rig, uint64_t value)
{
    _Alignas(64) unsigned char elem[RIG_KEY_ROOM];
    rig->kind->set_elem(elem, value);
    return rig->kind->elem(elem);
}

void rig_insert(struct rig *rig, unsigned key)
{
    _Alignas(64) unsigned char key_room[RIG_KEY_ROOM], elem_room[RIG_KEY_ROOM];
    rig->kind->set_key(key_room, key);
    uint64_t value = next_random(&rig->random);
    rig->kind->set_elem(elem_room, value);
    size_t failures_before = rig->memory.calls;
    rig->operations++;
    bool by_at = random_below(&rig->random, 4) == 0;
    void *elem;
    if (by_at) {
        bool inserted = !rig->present[key];
        elem = hmap_at(rig->map, key_room, &inserted);
        if (elem != NULL) {
            assert_int_equal(inserted, !rig->present[key]);
            uint64_t before = rig->present[key] ? rig->value[key] : stored(rig, 0);
            assert_int_equal(rig->kind->elem(elem), before);
            memcpy(elem, elem_room, rig->kind->type->elem_size);
        }
    } else {
        elem = hmap_put(rig->map, key_room, elem_room);
    }
    if (elem == NULL) {
        /* Once the map has its array only new keys may be refused, and only without memory. */
        assert_true(rig->memory.calls > failures_before);
        assert_false(rig->present[key]);
        rig->seen.failures++;
    } else {
        assert_int_equal(rig->kind->elem(elem), stored(rig, value));
        rig->value[key] = stored(rig, value);
        if (!rig->present[key]) {
            rig->present[key] = true;
            rig->life[key]++;
            rig->count++;
        }
    }
    assert_int_equal(hmap_count(rig->map), rig->count);
    watch(rig);
}

void rig_get(struct rig *rig, unsigned key)
{
    _Alignas(64) unsigned char room[RIG_KEY_ROOM];
    rig->kind->set_key(room, key);
    const void *elem = hmap_get(rig->map, room);
    rig->operations++;
    assert_int_equal(elem != NULL, rig->present[key]);
    if (elem != NULL)
        assert_int_equal(rig->kind->elem(elem), rig->value[key]);
}

static void forget(struct rig *rig, unsigned key)
{
    rig->present[key] = false;
    for (unsigned i = 0; i < RIG_ITERATORS; i++)
        rig->iterators[i].must_meet[key] = false;
}

void rig_delete(struct rig *rig, unsigned key)
{
    _Alignas(64) unsigned char room[RIG_KEY_ROOM];
    rig->kind->set_key(room, key);
    assert_int_equal(hmap_delete(rig->map, room), rig->present[key]);
    rig->operations++;
    rig->count -= rig->present[key];
    forget(rig, key);
    assert_int_equal(hmap_count(rig->map), rig->count);
    watch(rig);
}

void rig_clear(struct rig *rig)
{
    hmap_clear(rig->map);
    rig->operations++;
    for (unsigned key = 0; key < RIG_KEYS; key++)
        forget(rig, key);
    rig->count = 0;
    rig->seen.clears++;
    assert_int_equal(hmap_count(rig->map), 0);
    watch(rig);
}

/* ---- iterators ------------------------------------------------------------------------------- */

void rig_open(struct rig *rig, unsigned slot)
{
    struct rig_iterator *it = &rig->iterators[slot];
    assert_false(it->open);
    hmap_iter_init(&it->iter, rig->map);
    rig->operations++;
    it->open = true;
    memcpy(it->must_meet, rig->present, sizeof(it->must_meet));
    memset(it->met_life, 0, sizeof(it->met_life));
    rig->seen.iterator_in_growth += is_growing(rig->map);
}

void rig_close(struct rig *rig, unsigned slot)
{
    struct rig_iterator *it = &rig->iterators[slot];
    assert_true(it->open);
    rig->seen.grown_under += it->iter.buckets != rig->map->buckets;
    hmap_iter_fini(&it->iter);
    rig->operations++;
    it->open = false;
    memset(it->must_meet, 0, sizeof(it->must_meet));
}

void rig_walk(struct rig *rig, unsigned slot, size_t steps)
{
    struct rig_iterator *it = &rig->iterators[slot];
    for (; steps > 0; steps--) {
        rig->operations++;
        if (!hmap_iter_next(&it->iter)) {
            assert_null(it->iter.key);
            assert_null(it->iter.elem);
            for (unsigned key = 0; key < RIG_KEYS; key++)
                if (it->must_meet[key] && it->met_life[key] == 0)
                    fail_msg("%s: key %u was there all the time and not met", rig->kind->name, key);
            assert_false(hmap_iter_next(&it->iter));
            rig_close(rig, slot);
            return;
        }
        unsigned key = rig->kind->key(it->iter.key);
        assert_true(key < RIG_KEYS);
        if (!rig->present[key])
            fail_msg("%s: met key %u, which is not in the map", rig->kind->name, key);
        assert_int_equal(rig->kind->elem(it->iter.elem), rig->value[key]);
        if (it->met_life[key] == rig->life[key])
            fail_msg("%s: met key %u twice", rig->kind->name, key);
        it->met_life[key] = rig->life[key];
        /* The current entry may be deleted by the iterator's own pointer to its key. */
        if (random_below(&rig->random, 16) == 0) {
            assert_true(hmap_delete(rig->map, it->iter.key));
            rig->operations++;
            rig->count--;
            forget(rig, key);
            watch(rig);
        }
    }
}

void rig_wave(struct rig *rig, unsigned width)
{
    unsigned front = rig->wave++ % RIG_KEYS;
    if (!rig->present[front])
        rig_insert(rig, front);
    rig_delete(rig, (front + RIG_KEYS - width) % RIG_KEYS);
}

/* ---- steps ----------------------------------------------------------------------------------- */

void rig_step(struct rig *rig, unsigned insert_percent, bool clears)
{
    unsigned key = (unsigned)random_below(&rig->random, RIG_KEYS);
    unsigned slot = (unsigned)random_below(&rig->random, RIG_ITERATORS);
    size_t dice = random_below(&rig->random, 1000);
    if (dice < 20) {
        if (!rig->iterators[slot].open)
            rig_open(rig, slot);
    } else if (dice < 120) {
        if (rig->iterators[slot].open)
            rig_walk(rig, slot, 1 + random_below(&rig->random, 40));
    } else if (dice < 125) {
        if (rig->iterators[slot].open)
            rig_close(rig, slot);
    } else if (dice < 127) {
        if (clears)
            rig_clear(rig);
    } else if (random_below(&rig->random, 100) < insert_percent) {
        rig_insert(rig, key);
    } else {
        rig_delete(rig, key);
    }
}

void rig_verify(struct rig *rig)
{
    _Alignas(64) unsigned char room[RIG_KEY_ROOM];
    assert_sound(rig->map);
    for (unsigned key = 0; key < RIG_KEYS; key++) {
        rig->kind->set_key(room, key);
        const void *elem = hmap_get(rig->map, room);
        assert_int_equal(elem != NULL, rig->present[key]);
        if (elem != NULL)
            assert_int_equal(rig->kind->elem(elem), rig->value[key]);
    }
    bool met[RIG_KEYS] = {false};
    size_t n = 0;
    struct hmap_iter iter;
    hmap_iter_init(&iter, rig->map);
    for (; hmap_iter_next(&iter); n++) {
        unsigned key = rig->kind->key(iter.key);
        assert_true(key < RIG_KEYS && rig->present[key] && !met[key]);
        met[key] = true;
    }
    hmap_iter_fini(&iter);
    assert_int_equal(n, rig->count);
}

void rig_fini(struct rig *rig)
{
    for (unsigned slot = 0; slot < RIG_ITERATORS; slot++)
        if (rig->iterators[slot].open)
            rig_close(rig, slot);
    assert_null(rig->map->retired);
    assert_null(rig->map->graveyard);
    assert_sound(rig->map);
    hmap_destroy(rig->map);
    assert_int_equal(rig->memory.live, 0);
    assert_int_equal(rig->memory.live_bytes, 0);
}
