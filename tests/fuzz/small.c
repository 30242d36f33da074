/*
 * small.c - a program with a little of everything that hmap-layout reads: most of those that are
 * damaged are builds of it, since a small one is read a thousand times in a second.
 */
#include "hmap/hmap.h"

enum colour { RED, GREEN = 5, BLUE = -1 };

struct point {
    int16_t x, y[2][3];
    unsigned bits : 3;
    enum colour colour;
    union {
        double real;
        char text[8];
    };
    int (*show)(const struct point *, ...);
    struct point *next;
};

typedef const volatile struct point fixed_point;

HMAP_TYPE_INT64(points, struct point);

struct holder {
    struct hmap *map; /* of points */
    fixed_point *last;
};

struct holder holder;

int main(void)
{
    static struct hmap *inside;
    holder.map = inside = hmap_create(&points.type, NULL);
    return 0;
}

/* The library's functions are not needed: nobody runs this. */
struct hmap *hmap_create(const struct hmap_type *type, const struct hmap_options *options)
{
    (void)options;
    return (struct hmap *)(uintptr_t)type;
}
