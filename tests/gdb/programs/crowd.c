/* 64 threads and 10,000 maps (or MAPS), some of each thread. Stops in stop(), with all threads waiting. */

#include <pthread.h>
#include <stdlib.h>

#include "hmap/hmap.h"

#ifndef MAPS
#define MAPS 10000
#endif

enum { THREADS = 64 };

HMAP_TYPE_INT64(numbers, int64_t);

static pthread_barrier_t made, never;

__attribute__((noinline)) void stop(void)
{
    __asm__ volatile("" : : : "memory");
}

static void *work(void *argument)
{
    int64_t thread = *(const int64_t *)argument;
    for (int64_t i = thread; i < MAPS; i += THREADS) {
        const struct hmap_options options = {.name = i == 19 ? "first" : NULL};
        struct hmap *map = hmap_create(&numbers.type, &options);
        for (int64_t key = 0; key <= i % 20; key++) {
            if (map == NULL || hmap_put(map, &key, &i) == NULL)
                abort();
        }
    }
    pthread_barrier_wait(&made);
    pthread_barrier_wait(&never);
    return NULL;
}

int main(void)
{
    static int64_t numbers_of[THREADS];
    pthread_barrier_init(&made, NULL, THREADS + 1);
    pthread_barrier_init(&never, NULL, THREADS + 1);
    for (int64_t i = 0; i < THREADS; i++) {
        pthread_t thread;
        numbers_of[i] = i;
        if (pthread_create(&thread, NULL, work, &numbers_of[i]) != 0)
            return 1;
    }
    pthread_barrier_wait(&made);
    stop();
    return 0;
}
