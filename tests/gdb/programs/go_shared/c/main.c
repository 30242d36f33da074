/* A program with a map of libhmap, and a library of Go with a map of its own. */

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>

#include <hmap/hmap.h>

extern void Fill(void); /* of the library */

HMAP_TYPE_INT32(numbers, int);

struct hmap *of_c;

int main(void)
{
    of_c = hmap_create(&numbers.type, &(struct hmap_options){.name = "of_c"});
    for (int32_t i = 0; i < 50; i++) {
        if (hmap_put(of_c, &i, &i) == NULL) {
            abort();
        }
    }
    Fill();
    raise(SIGUSR1);
    hmap_destroy(of_c);
}
