/* dontdump.cc - maps in memory that is left out of cores, beside one that is not. */
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory_resource>
#include <sys/mman.h>
#include <unordered_map>

using Map = std::pmr::unordered_map<int, long>;

struct Shard {
    Map *map;
};

Map *sessions;    /* its header and buckets are missing */
Map buckets_only; /* its buckets are missing */
Map here;
Shard shards[3]; /* maps that are missing, too */

void stop()
{
    asm volatile("" ::: "memory");
}

int main(int argc, char **)
{
    const std::size_t size = 8 << 20;
    void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    if (memory == MAP_FAILED || madvise(memory, size, MADV_DONTDUMP) != 0)
        return 1;
    static std::pmr::monotonic_buffer_resource arena(memory, size);
    auto make = [] { return new (arena.allocate(sizeof(Map))) Map(&arena); };

    sessions = make();
    new (&buckets_only) Map(&arena);
    for (auto &shard : shards)
        shard.map = make();
    for (int i = 0; i < 5000; i++)
        (*sessions)[i] = buckets_only[i] = here[i] = i;
    std::printf("%p %zu\n", memory, size);
    std::fflush(stdout);
    stop();
    if (argc > 1)
        std::abort();
}
