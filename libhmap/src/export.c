/*
 * export.c - the map's own state as CSV: the truth that a debugger's output is compared with.
 *
 * So the code is as plain as possible: one byte at a time, and no words or masks of tophash bytes.
 */
#include "map.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Writes one field, quoted if RFC 4180 asks for it. */
static void write_field(FILE *out, const char *text, size_t size)
{
    bool quote = false;
    for (size_t i = 0; i < size; i++)
        if (text[i] == ',' || text[i] == '"' || text[i] == '\r' || text[i] == '\n')
            quote = true;
    if (quote)
        fputc('"', out);
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"')
            fputc('"', out);
        fputc(text[i], out);
    }
    if (quote)
        fputc('"', out);
}

static bool write_value(FILE *out, hmap_write_fn *write, const void *value, size_t value_size)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (stream == NULL)
        return false;
    write(stream, value, value_size);
    bool written = !ferror(stream);
    if (fclose(stream) != 0)
        written = false;
    if (written)
        write_field(out, text, size);
    free(text);
    return written;
}

/* Whether growth has moved a main bucket's entries to the new array. */
static bool is_moved(const struct bmap *main)
{
    unsigned first = main->tophash[0];
    return first == HMAP_TOPHASH_EVACUATED_X || first == HMAP_TOPHASH_EVACUATED_Y ||
           first == HMAP_TOPHASH_EVACUATED_EMPTY;
}

/* ---- occupancy ------------------------------------------------------------------------------- */

static void write_occupancy_of(const struct hmap *map, FILE *out, const char *name,
                               struct bmap *buckets, size_t n)
{
    const struct hmap_type *type = map->type;
    for (size_t index = 0; index < n; index++) {
        const struct bmap *main = bucket_at(type, buckets, index);
        bool evacuated = is_moved(main);
        size_t chain = 0, live = 0, deleted = 0, empty = 0;
        for (const struct bmap *b = main; b != NULL; b = bucket_overflow(type, b)) {
            chain++;
            for (unsigned i = 0; i < HMAP_BUCKET_SLOTS && !evacuated; i++) {
                if (b->tophash[i] >= HMAP_TOPHASH_MIN)
                    live++;
                else if (b->tophash[i] == HMAP_TOPHASH_EMPTY_ONE)
                    deleted++;
                else
                    empty++;
            }
        }
        fprintf(out, "%s,%zu,0x%" PRIxPTR ",%zu,%zu,%zu,%zu,%zu,%d,chains\n", name, index,
                (uintptr_t)main, chain, chain * HMAP_BUCKET_SLOTS, live, deleted, empty,
                evacuated ? 1 : 0);
    }
}

/* ---- entries --------------------------------------------------------------------------------- */

static bool write_entries_of(const struct hmap *map, FILE *out, const char *name,
                             struct bmap *buckets, size_t n)
{
    const struct hmap_type *type = map->type;
    for (size_t index = 0; index < n; index++) {
        size_t chain_index = 0;
        const struct bmap *b = bucket_at(type, buckets, index);
        if (is_moved(b))
            continue;
        for (; b != NULL; b = bucket_overflow(type, b)) {
            for (unsigned i = 0; i < HMAP_BUCKET_SLOTS; i++) {
                if (b->tophash[i] < HMAP_TOPHASH_MIN)
                    continue;
                fprintf(out, "%s,%zu,%zu,%u,%u,", name, index, chain_index, i, b->tophash[i]);
                if (!write_value(out, type->write_key, key_at(type, b, i), type->key_size))
                    return false;
                fputc(',', out);
                if (!write_value(out, type->write_elem, elem_at(type, b, i), type->elem_size))
                    return false;
                fputc('\n', out);
            }
            chain_index++;
        }
    }
    return true;
}

/* ---- both ------------------------------------------------------------------------------------ */

static size_t old_bucket_count(const struct hmap *map)
{
    size_t n = (size_t)1 << map->B;
    return map->flags & HMAP_FLAG_SAME_SIZE_GROW ? n : n / 2;
}

bool hmap_write_occupancy(const struct hmap *map, FILE *out)
{
    fputs("array,bucket,address,chain,slots,live,deleted,empty,evacuated,geometry\n", out);
    if (map->buckets != NULL)
        write_occupancy_of(map, out, "buckets", map->buckets, (size_t)1 << map->B);
    if (map->oldbuckets != NULL)
        write_occupancy_of(map, out, "oldbuckets", map->oldbuckets, old_bucket_count(map));
    return !ferror(out);
}

bool hmap_write_entries(const struct hmap *map, FILE *out)
{
    fputs("array,bucket,chain_index,slot,tophash,key,value\n", out);
    if (map->buckets != NULL &&
        !write_entries_of(map, out, "buckets", map->buckets, (size_t)1 << map->B))
        return false;
    if (map->oldbuckets != NULL &&
        !write_entries_of(map, out, "oldbuckets", map->oldbuckets, old_bucket_count(map)))
        return false;
    return !ferror(out);
}
