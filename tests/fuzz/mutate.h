/*
 * mutate.h - damaged copies of ELF and JSON files, each made from a number: the same in each run.
 */
#ifndef HMAP_FUZZ_MUTATE_H
#define HMAP_FUZZ_MUTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct region {
    size_t first;
    size_t size;
};

/* A file as it was, and where damage is worth the most: its debug sections and section headers. */
struct original {
    char *path;
    unsigned char *bytes;
    size_t size;
    struct region *regions; /* of an ELF file; the whole file for others */
    size_t region_count;
};

/* Reads a file, and frees what was read. Reading ends the program if it fails. */
void original_read(struct original *file, const char *path);
void original_free(struct original *file);

/* Fills `bytes`, which has room for the file, with a damaged copy; returns its size. */
size_t mutate(const struct original *file, uint64_t number, unsigned char *bytes);

/* splitmix64 */
uint64_t next_random(uint64_t *state);

#endif /* HMAP_FUZZ_MUTATE_H */
