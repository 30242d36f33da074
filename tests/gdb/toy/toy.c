/*
 * toy.c - a map that no part of hmap knows: an array of slots with a flag, and linear probing.
 *
 *     toy FOLDER
 *
 * Writes occupancy.csv and entries.csv of `toys` into the folder and stops in fixture_stop().
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct toy_slot {
    int64_t key;
    int32_t value;
    unsigned char used;
};

struct toy_map {
    uint64_t toy_count;
    uint64_t toy_capacity; /* a power of two */
    struct toy_slot *toy_slots;
};

struct toy_map *toys;
struct toy_map *never_made;

__attribute__((noinline)) void fixture_stop(void)
{
    __asm__ volatile("" ::: "memory");
}

static struct toy_map *make(uint64_t capacity)
{
    struct toy_map *map = calloc(1, sizeof(*map));
    if (map == NULL)
        abort();
    map->toy_capacity = capacity;
    map->toy_slots = calloc(capacity, sizeof(*map->toy_slots));
    if (map->toy_slots == NULL)
        abort();
    return map;
}

static void put(struct toy_map *map, int64_t key, int32_t value)
{
    uint64_t at = (uint64_t)key * UINT64_C(0x9E3779B97F4A7C15);
    for (at >>= 32;; at++) {
        struct toy_slot *slot = &map->toy_slots[at & (map->toy_capacity - 1)];
        if (!slot->used) {
            *slot = (struct toy_slot){.key = key, .value = value, .used = 1};
            map->toy_count++;
            return;
        }
    }
}

static FILE *open_in(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        abort();
    return file;
}

static void write_truth(const struct toy_map *map, const char *folder)
{
    FILE *occupancy = open_in(folder, "occupancy.csv");
    FILE *entries = open_in(folder, "entries.csv");
    fputs("array,bucket,address,chain,slots,live,deleted,empty,evacuated,geometry\n", occupancy);
    fputs("array,bucket,chain_index,slot,tophash,key,value\n", entries);
    for (uint64_t i = 0; i < map->toy_capacity; i++) {
        const struct toy_slot *slot = &map->toy_slots[i];
        fprintf(occupancy, "buckets,%" PRIu64 ",0x%" PRIxPTR ",1,1,%d,0,%d,0,slots\n", i,
                (uintptr_t)slot, slot->used, !slot->used);
        if (slot->used)
            fprintf(entries, "buckets,%" PRIu64 ",0,0,-1,%" PRId64 ",%" PRId32 "\n", i, slot->key,
                    slot->value);
    }
    fclose(occupancy);
    fclose(entries);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    toys = make(1024);
    for (int64_t key = 0; key < 600; key++)
        put(toys, key * key, (int32_t)-key);
    write_truth(toys, argv[1]);
    fixture_stop();
    return 0;
}
