/* deep.c - a long chain of nodes with a map each, and maps in maps; prints where each map is. */
#include <stdio.h>
#include <stdlib.h>

#include "hmap/hmap.h"

enum { LENGTH = 5000 };

struct node {
    struct node *next;
    struct hmap *map;
};

HMAP_TYPE_INT64(numbers, int64_t);
HMAP_TYPE_INT64(nested, struct hmap *);

struct node *each;
struct hmap *level;

void stop(void)
{
    __asm__ volatile("" : : : "memory");
}

int main(void)
{
    for (int64_t i = 0; i < LENGTH; i++) {
        struct node *node = malloc(sizeof *node);
        node->map = hmap_create(&numbers.type, NULL);
        hmap_put(node->map, &i, &i);
        node->next = each;
        each = node;
        printf("%p 1 each\n", (void *)node->map);
    }
    for (int64_t i = 0; i < LENGTH; i++) {
        struct hmap *above = hmap_create(&nested.type, NULL);
        if (level != NULL)
            hmap_put(above, &i, &level);
        level = above;
        printf("%p %d level\n", (void *)level, i != 0);
    }
    fflush(stdout);
    stop();
    return 0;
}
