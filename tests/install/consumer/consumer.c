/* A user's program: fills a map through the public header, and stops for a debugger. */
#include <stdio.h>

#include <hmap/hmap.h>

enum { ENTRIES = 100 };

HMAP_TYPE_INT64(squares_type, int64_t);

struct hmap *squares;

/* Where the tests put their breakpoint. */
__attribute__((noinline)) void filled(void)
{
    __asm__ volatile("");
}

int main(void)
{
    squares = hmap_create(&squares_type.type, &(struct hmap_options){.name = "squares"});
    if (squares == NULL)
        return 1;
    for (int64_t i = 0; i < ENTRIES; i++) {
        int64_t square = i * i;
        if (hmap_put(squares, &i, &square) == NULL)
            return 1;
    }
    filled();
    printf("%zu entries, %zu problems\n", hmap_count(squares), hmap_check(squares, NULL, NULL));
    hmap_destroy(squares);
    return 0;
}
