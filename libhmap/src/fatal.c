/*
 * fatal.c - the end of a program whose calls on a map overlap.
 *
 * A flag in the map is all that tells: what it finds is a bug for certain, what it misses may be
 * one. Go on is no choice, since the map may be broken already.
 */
#include "map.h"

#include <stdio.h>
#include <stdlib.h>

static hmap_fatal_fn *fatal_handler;

hmap_fatal_fn *hmap_set_fatal_handler(hmap_fatal_fn *handler)
{
    return __atomic_exchange_n(&fatal_handler, handler, __ATOMIC_ACQ_REL);
}

void hmap_fatal(const struct hmap *map, const char *message)
{
    hmap_fatal_fn *handler = __atomic_load_n(&fatal_handler, __ATOMIC_ACQUIRE);
    if (handler != NULL)
        handler(map, message);
    fprintf(stderr, "fatal error: %s\n", message);
    abort();
}
