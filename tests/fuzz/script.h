/*
 * script.h - byte scripts of operations on a map and on the model of tests/c.
 *
 * A script: SCRIPT_HEADER bytes (the kind of map, a seed, the hint and how often the map is checked,
 * where memory fails and how often), then instructions of two bytes: what to do, and with which key
 * or iterator. The map must agree with the model after each call and at the end.
 */
#ifndef HMAP_FUZZ_SCRIPT_H
#define HMAP_FUZZ_SCRIPT_H

#include "rig.h"

enum { SCRIPT_HEADER = 5, SCRIPT_LONGEST = 4096 /* instructions; the rest is ignored */ };

/* Which allocations fail, as in struct test_allocator. */
struct script_failures {
    size_t from;
    size_t count;
};

struct script_result {
    size_t operations;  /* calls of the library */
    size_t allocations; /* that it asked for */
};

/* The failures that the script itself asks for. */
struct script_failures script_own_failures(const uint8_t *script, size_t size);

/* Runs a script of at least SCRIPT_HEADER bytes; ends the program at the first disagreement. */
struct script_result script_run(const uint8_t *script, size_t size,
                                struct script_failures failures);

/* Adds to the number of operations that is printed when the program ends. */
void script_count(size_t operations);

#endif /* HMAP_FUZZ_SCRIPT_H */
