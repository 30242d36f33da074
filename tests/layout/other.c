/*
 * other.c - a second unit: it defines what sample.c only declares, and has a struct and a static
 * variable with the names of different ones there.
 */
#include "sample.h"

#include "hmap_internal.h"

struct hidden {
    uint16_t depth;
    struct inner inner;
};

struct local {
    uint8_t here;
};

static struct hidden the_hidden = {7, {1, 2}};
static struct local same_name;

struct hidden *other_hidden(void)
{
    the_hidden.depth = (uint16_t)(the_hidden.depth + same_name.here);
    return &the_hidden;
}
