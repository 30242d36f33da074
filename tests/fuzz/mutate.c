/*
 * mutate.c - most damage is to a few bytes of a debug section: more of it is refused at once.
 */
#include "mutate.h"

#include "elf_image.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t below(uint64_t *random, size_t n)
{
    return n == 0 ? 0 : (size_t)(next_random(random) % n);
}

static void *must(void *pointer, const char *path)
{
    if (pointer == NULL) {
        perror(path);
        exit(2);
    }
    return pointer;
}

/* ---- originals ------------------------------------------------------------------------------- */

static void add_region(struct original *file, size_t first, size_t size)
{
    if (size == 0 || first >= file->size || size > file->size - first)
        return;
    size_t bytes = (file->region_count + 1) * sizeof(*file->regions);
    file->regions = must(realloc(file->regions, bytes), file->path);
    file->regions[file->region_count++] = (struct region){first, size};
}

static bool is_read(const char *section)
{
    return strncmp(section, ".debug_", 7) == 0 || strncmp(section, ".zdebug_", 8) == 0 ||
           strncmp(section, ".gnu_debug", 10) == 0 || strncmp(section, ".note", 5) == 0;
}

static void find_regions(struct original *file)
{
    struct arena arena = {0};
    struct elf_image image;
    if (!elf_open(&image, &arena, file->path)) {
        add_region(file, 0, file->size);
        arena_release(&arena);
        return;
    }
    for (size_t i = 0; i < image.section_count; i++) {
        const struct elf_section *section = &image.sections[i];
        if (section->bytes != NULL && is_read(section->name))
            add_region(file, (size_t)(section->bytes - image.bytes), section->byte_count);
    }
    /* The section headers are at the end, in what all linkers and assemblers write. */
    size_t header = image.is_wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
    add_region(file, file->size - image.section_count * header, image.section_count * header);
    add_region(file, 0, image.is_wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr));
    elf_close(&image);
    arena_release(&arena);
}

void original_read(struct original *file, const char *path)
{
    *file = (struct original){.path = must(strdup(path), path)};
    FILE *stream = must(fopen(path, "rb"), path);
    fseek(stream, 0, SEEK_END);
    file->size = (size_t)ftell(stream);
    rewind(stream);
    file->bytes = must(malloc(file->size + 1), path);
    if (file->size == 0 || fread(file->bytes, 1, file->size, stream) != file->size) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    fclose(stream);
    find_regions(file);
}

void original_free(struct original *file)
{
    free(file->path);
    free(file->bytes);
    free(file->regions);
}

/* ---- damage ---------------------------------------------------------------------------------- */

static void put_number(unsigned char *at, size_t room, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width && i < room; i++)
        at[i] = (unsigned char)(value >> 8 * i & 0xff);
}

static void damage(const struct region *in, uint64_t *random, unsigned char *bytes)
{
    static const uint64_t values[] = {0,
                                      1,
                                      2,
                                      0x7f,
                                      0x80,
                                      0xff,
                                      0x7fff,
                                      0x8000,
                                      0xffff,
                                      0x7fffffff,
                                      0x80000000,
                                      0xffffffff,
                                      0x7fffffffffffffff,
                                      UINT64_MAX};
    size_t at = below(random, in->size);
    size_t left = in->size - at;
    unsigned char *target = bytes + in->first + at;
    switch (below(random, 10)) {
    case 0:
        *target ^= (unsigned char)(1U << below(random, 8));
        break;
    case 1:
        *target = (unsigned char)next_random(random);
        break;
    case 2:
        *target = (unsigned char)(*target + 1);
        break;
    case 3:
        *target = (unsigned char)(*target - 1);
        break;
    case 4: /* another small number: an abbreviation, a form, a tag */
        *target = (unsigned char)below(random, 0x40);
        break;
    case 5:
    case 6:
        put_number(target, left, values[below(random, sizeof(values) / sizeof(*values))],
                   (size_t)1 << below(random, 4));
        break;
    case 7: { /* a number from elsewhere in the section: an offset that is one */
        size_t width = (size_t)1 << below(random, 5);
        size_t from = below(random, in->size);
        width = width < left ? width : left;
        width = width < in->size - from ? width : in->size - from;
        memmove(target, bytes + in->first + from, width);
        break;
    }
    case 8: /* a LEB128 number that does not end soon */
        memset(target, below(random, 2) ? 0xff : 0x80, left < 12 ? left : 1 + below(random, 12));
        break;
    default: /* an offset into the section */
        put_number(target, left, below(random, in->size), 4);
        break;
    }
}

size_t mutate(const struct original *file, uint64_t number, unsigned char *bytes)
{
    static const size_t counts[] = {1, 1, 1, 1, 2, 2, 4, 8, 32};
    uint64_t random = number;
    next_random(&random); /* numbers that follow one another have little in common from here on */
    memcpy(bytes, file->bytes, file->size);
    size_t count = counts[below(&random, sizeof(counts) / sizeof(*counts))];
    struct region whole = {0, file->size};
    for (size_t i = 0; i < count; i++) {
        bool anywhere = file->region_count == 0 || below(&random, 16) == 0;
        damage(anywhere ? &whole : &file->regions[below(&random, file->region_count)], &random,
               bytes);
    }
    return below(&random, 32) == 0 ? below(&random, file->size) : file->size;
}
