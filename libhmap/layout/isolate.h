/*
 * isolate.h - reading in a process of its own. libdwarf, of all versions, can be made to crash or to
 * loop by debug information that is malformed; then this is one line that says where.
 */
#ifndef HMAP_LAYOUT_ISOLATE_H
#define HMAP_LAYOUT_ISOLATE_H

#include "arena.h"
#include "progress.h"

/* The two halves of the work; both get the context. */
struct isolated {
    bool (*read)(void *context, struct progress *progress); /* may crash or loop */
    int (*finish)(void *context, bool is_read); /* writes the output; returns the exit status */
    void *context;
    unsigned patience; /* seconds of processor time without progress after which read() is ended */
};

/*
 * Runs both halves in a child process and stores what finish() returned. False: the child ended
 * otherwise, and the arena's error says how. A signal that someone sent to the child, such as SIGINT,
 * ends this process as well.
 */
bool isolate(const struct isolated *work, struct arena *arena, int *status);

#endif /* HMAP_LAYOUT_ISOLATE_H */
