/*
 * fatal.c - what happens when calls that must not overlap do.
 *
 * They are detected by a flag in the map: what it reports is a bug, but it does not see all of
 * them. The program cannot go on, since the map may be broken already.
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
