/*
 * sample.c - a program of the layout matrix. It prints its own layout by offsetof and sizeof, the
 * position of bit fields by setting them, and its variables' addresses; it stops for a debugger.
 */
#include "sample.h"

#include "hmap_internal.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_value(const void *key, size_t size, uint64_t seed)
{
    return size + seed + *(const unsigned char *)key;
}

static bool equal_value(const void *a, const void *b, size_t size)
{
    return memcmp(a, b, size) == 0;
}

static void write_nothing(FILE *out, const void *value, size_t size)
{
    fprintf(out, "%p %zu", value, size);
}

HMAP_TYPE_FULL(int64_to_value, int64_t, struct value, hash_value, equal_value, write_nothing,
               write_nothing, HMAP_BORROWED);
HMAP_TYPE_FULL(colour_to_packed, enum colour, struct packed, hash_value, equal_value, write_nothing,
               write_nothing, HMAP_BORROWED);
HMAP_TYPE_FULL(text_to_pointer, const char *, struct value *, hash_value, equal_value,
               write_nothing, write_nothing, HMAP_OWNED_STRING);

struct local {
    uint64_t there;
};

static struct hmap sample_hmap; /* never used as a map: only its address matters */
struct server sample_server = {.port = 80, .sessions = &sample_hmap};
static struct server *sample_list = &sample_server;
static struct local same_name;
static struct value sample_value;

void sample_stop(void);

__attribute__((noinline, used)) void sample_stop(void)
{
    __asm__ volatile("" ::: "memory");
}

/* A row: struct, field, offset, size; if the field is empty, the struct itself. */
#define FIELD(type, field) \
    printf("%s,%s,%zu,%zu\n", #type, #field, offsetof(type, field), sizeof(((type *)0)->field))
#define STRUCT(type) printf("%s,,0,%zu\n", #type, sizeof(type))

/* The position of a bit field in memory, counted from the first byte's lowest bit. */
#define BITS(type, field)                                    \
    do {                                                     \
        type probe;                                          \
        memset(&probe, 0, sizeof(probe));                    \
        probe.field--; /* from zero: sets every bit of it */ \
        print_bits(#type, #field, &probe, sizeof(probe));    \
    } while (0)

static void print_bits(const char *type, const char *field, const void *probe, size_t size)
{
    const unsigned char *bytes = probe;
    size_t count = 0;
    size_t first = SIZE_MAX;
    for (size_t bit = 0; bit < 8 * size; bit++) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        size_t shift = 7 - bit % 8;
#else
        size_t shift = bit % 8;
#endif
        if ((bytes[bit / 8] >> shift & 1) == 0)
            continue;
        first = first == SIZE_MAX ? bit : first;
        count++;
    }
    printf("bits %s,%s,%zu,%zu\n", type, field, first, count);
}

static void print_library(void)
{
    STRUCT(struct hmap);
    FIELD(struct hmap, count);
    FIELD(struct hmap, flags);
    FIELD(struct hmap, B);
    FIELD(struct hmap, noverflow);
    FIELD(struct hmap, key_kind);
    FIELD(struct hmap, hash0);
    FIELD(struct hmap, buckets);
    FIELD(struct hmap, oldbuckets);
    FIELD(struct hmap, nevacuate);
    FIELD(struct hmap, nextOverflow);
    FIELD(struct hmap, type);
    FIELD(struct hmap, retired);
    FIELD(struct hmap, graveyard);
    FIELD(struct hmap, niterators);
    FIELD(struct hmap, random);
    FIELD(struct hmap, allocator);
    FIELD(struct hmap, name);
    FIELD(struct hmap, created_at);
    FIELD(struct hmap, registry_next);
    FIELD(struct hmap, registry_prev);
    STRUCT(struct hmap_type);
    FIELD(struct hmap_type, tag);
    FIELD(struct hmap_type, hash);
    FIELD(struct hmap_type, equal);
    FIELD(struct hmap_type, write_key);
    FIELD(struct hmap_type, write_elem);
    FIELD(struct hmap_type, key_size);
    FIELD(struct hmap_type, elem_size);
    FIELD(struct hmap_type, key_slot_size);
    FIELD(struct hmap_type, elem_slot_size);
    FIELD(struct hmap_type, key_align);
    FIELD(struct hmap_type, elem_align);
    FIELD(struct hmap_type, keys_offset);
    FIELD(struct hmap_type, elems_offset);
    FIELD(struct hmap_type, overflow_offset);
    FIELD(struct hmap_type, bucket_size);
    FIELD(struct hmap_type, bucket_align);
    FIELD(struct hmap_type, key_ownership);
    STRUCT(struct hmap_array);
    FIELD(struct hmap_array, next);
    FIELD(struct hmap_array, buckets);
    FIELD(struct hmap_array, pins);
    FIELD(struct hmap_array, nalloc);
    FIELD(struct hmap_array, size);
    FIELD(struct hmap_array, B);
    STRUCT(struct hmap_box);
    FIELD(struct hmap_box, next);
    FIELD(struct hmap_box, size);
    STRUCT(struct hmap_registry);
    FIELD(struct hmap_registry, first);
    FIELD(struct hmap_registry, count);
    FIELD(struct hmap_registry, lock);
}

#define BUCKET(name)                           \
    do {                                       \
        STRUCT(struct name##_bucket);          \
        FIELD(struct name##_bucket, tophash);  \
        FIELD(struct name##_bucket, keys);     \
        FIELD(struct name##_bucket, elems);    \
        FIELD(struct name##_bucket, overflow); \
    } while (0)

static void print_sample(void)
{
    BUCKET(int64_to_value);
    BUCKET(colour_to_packed);
    BUCKET(text_to_pointer);
    STRUCT(struct value);
    FIELD(struct value, name);
    FIELD(struct value, x);
    FIELD(struct value, y);
    FIELD(struct value, number);
    FIELD(struct value, pairs);
    FIELD(struct value, next);
    FIELD(struct value, table);
    FIELD(struct value, compare);
    FIELD(struct value, flags);
    FIELD(struct value, packed);
    FIELD(struct value, colour);
    FIELD(struct value, yes);
    FIELD(struct value, wide);
    FIELD(struct value, hidden);
    FIELD(struct value, ticks);
    STRUCT(struct flags);
    FIELD(struct flags, last);
    BITS(struct flags, first);
    BITS(struct flags, second);
    BITS(struct flags, negative);
    BITS(struct flags, far);
    STRUCT(struct packed);
    FIELD(struct packed, tag);
    FIELD(struct packed, value);
    FIELD(struct packed, end);
    STRUCT(struct inner);
    FIELD(struct inner, a);
    FIELD(struct inner, b);
    STRUCT(union number);
    FIELD(union number, whole);
    FIELD(union number, real);
    FIELD(union number, letters);
    STRUCT(struct server);
    FIELD(struct server, port);
    FIELD(struct server, sessions);
    FIELD(struct server, caches);
    FIELD(struct server, next);
    FIELD(struct server, limits);
}

#define CONSTANT(name) printf("constant %s,%d\n", #name, (int)(name))
#define ADDRESS(name)  printf("address %s,%p\n", #name, (void *)&(name))

int main(void)
{
    static struct hmap *kept; /* known to a debugger as main::kept */
    kept = &sample_hmap;
    sample_value.hidden = other_hidden();
    sample_value.ticks = (int)(same_name.there + (uint64_t)sample_list->port);
    sample_hmap.type = &int64_to_value.type;
    sample_server.caches[0] = kept;
    print_library();
    print_sample();
    CONSTANT(HMAP_TOPHASH_MIN);
    CONSTANT(HMAP_FLAG_ALL);
    CONSTANT(HMAP_KEY_STRING);
    CONSTANT(RED);
    CONSTANT(BLUE);
    ADDRESS(hmap_registry);
    ADDRESS(sample_server);
    ADDRESS(sample_list);
    ADDRESS(sample_hmap);
    ADDRESS(kept);
    printf("pointer %zu\n", sizeof(void *));
    fflush(stdout);
    sample_stop();
    /* clang 19 would drop what it can compute, and the types with it. */
    const void *volatile used[] = {&colour_to_packed, &text_to_pointer};
    return used[0] == used[1];
}
