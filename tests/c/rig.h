/*
 * rig.h - a map and a simple model of it, with iterators, driven by random steps.
 *
 * Keys are the numbers below RIG_KEYS, in the map's key type; the model is an array of them.
 */
#ifndef HMAP_TEST_RIG_H
#define HMAP_TEST_RIG_H

#include "support.h"

enum { RIG_KEYS = 600, RIG_ITERATORS = 4, RIG_KEY_ROOM = 512 };

/* How keys and elems of a map type hold numbers. */
struct rig_kind {
    const char *name;
    const struct hmap_type *type;
    void (*set_key)(void *key, unsigned number);   /* into RIG_KEY_ROOM bytes */
    void (*set_elem)(void *elem, uint64_t number); /* likewise */
    unsigned (*key)(const void *key);
    uint64_t (*elem)(const void *elem);
};

extern const struct rig_kind rig_kinds[];
extern const size_t rig_kind_count;

/* What an open iterator has returned and must return. */
struct rig_iterator {
    struct hmap_iter iter;
    bool open;
    bool must_meet[RIG_KEYS];    /* present since init */
    unsigned met_life[RIG_KEYS]; /* which life of the key was returned; 0: none */
};

/* What has happened, so that a test can check that it covered what it is for. */
struct rig_seen {
    size_t doubling, same_size, iterator_in_growth, retired, graveyard, clears, failures,
        grown_under;
};

struct rig {
    const struct rig_kind *kind;
    struct hmap *map;
    struct test_allocator memory;
    uint64_t random;
    bool present[RIG_KEYS];
    uint64_t value[RIG_KEYS];
    unsigned life[RIG_KEYS]; /* how often the key has been inserted */
    size_t count;
    size_t operations; /* calls of the library so far, without those of rig_verify() */
    unsigned wave;     /* next key of rig_wave() */
    struct rig_iterator iterators[RIG_ITERATORS];
    struct rig_seen seen;
};

/* False: out of memory. */
bool rig_init(struct rig *rig, const struct rig_kind *kind, uint64_t seed, size_t hint);

/* One random step; `insert_percent` of the plain writes are inserts. */
void rig_step(struct rig *rig, unsigned insert_percent, bool clears);

/* Inserts the next key and deletes the one `width` before it. */
void rig_wave(struct rig *rig, unsigned width);

/* Compares the whole map with the model, by lookups and by an iterator, and checks the map. */
void rig_verify(struct rig *rig);

void rig_insert(struct rig *rig, unsigned key);
void rig_get(struct rig *rig, unsigned key);
void rig_delete(struct rig *rig, unsigned key);
void rig_clear(struct rig *rig);
void rig_open(struct rig *rig, unsigned slot);
void rig_close(struct rig *rig, unsigned slot);
/* Advances the iterator by `steps`; at its end, checks what it returned and closes it. */
void rig_walk(struct rig *rig, unsigned slot, size_t steps);

/* Closes all iterators and destroys the map; all memory must have been freed. */
void rig_fini(struct rig *rig);

#endif /* HMAP_TEST_RIG_H */
