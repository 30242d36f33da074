/*
 * sample.h - types that compilers lay out and describe in more than one way.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include "hmap/hmap.h"

enum colour { RED = -1, GREEN, BLUE = 200 };

/* Defined only in other.c. */
struct hidden;

union number {
    int64_t whole;
    double real;
    char letters[8];
};

struct flags {
    unsigned first : 3;
    unsigned second : 7;
    int negative : 5;
    uint64_t far : 40;
    uint8_t last;
};

#pragma pack(push, 1)
struct packed {
    uint8_t tag;
    uint64_t value;
    uint16_t end;
};
#pragma pack(pop)

struct inner {
    uint8_t a;
    uint32_t b;
};

struct value {
    char name[136]; /* too large for a slot */
    struct {
        int16_t x;
        int16_t y;
    }; /* anonymous: x and y are the struct's own */
    union number number;
    struct inner pairs[2][3];
    struct inner *next;
    const struct value *const *table[4];
    int (*compare)(const struct value *, const struct value *);
    struct flags flags;
    struct packed packed;
    enum colour colour;
    bool yes;
    long double wide;
    struct hidden *hidden;
    volatile int ticks;
};

/* Leads to maps by a field, an array and a pointer. */
struct server {
    uint32_t port;
    struct hmap *sessions;
    struct hmap *caches[2];
    struct server *next;
    struct {
        uint16_t low;
        uint16_t high;
    } limits[2];
};

struct hidden *other_hidden(void);

#endif /* SAMPLE_H */
