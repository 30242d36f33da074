// Maps of several allocators, and by how much each has made malloc's chunks grow.
#include <cstdio>
#include <cstdlib>
#include <malloc.h>
#include <memory_resource>
#include <new>
#include <string>
#include <unordered_map>
#include <unordered_set>

static size_t in_use; // bytes of chunks
static int grown;     // arrays that were freed

#ifndef OTHER_MALLOC
static size_t chunk(void *block)
{
    const bool is_mapped = static_cast<size_t *>(block)[-1] & 2;
    const size_t size = malloc_usable_size(block) + (is_mapped ? 2 : 1) * sizeof(size_t);
    // From glibc 2.43 on, the last word of a mapping of its own is not counted.
    return is_mapped ? (size + 4095) / 4096 * 4096 : size;
}

void *operator new(size_t size)
{
    void *block = malloc(size);
    in_use += chunk(block);
    return block;
}

void operator delete(void *block) noexcept
{
    if (block == nullptr)
        return;
    grown++;
    in_use -= chunk(block);
    free(block);
}

#else
// As jemalloc and tcmalloc do it: classes of sizes, nothing of the allocator's beside the blocks,
// none of which is used again.
void *operator new(size_t size)
{
    alignas(16) static char arena[64 << 20];
    static size_t used = 0;
    void *block = arena + used;
    used += (size + 15) / 16 * 16;
    if (used > sizeof arena)
        std::abort();
    return block;
}

void operator delete(void *) noexcept
{
}
#endif

void operator delete(void *block, size_t) noexcept
{
    operator delete(block);
}

struct wide {
    long numbers[9];
};

std::unordered_map<int, long> reserved;
std::unordered_map<int, long> grows;
std::unordered_map<long, wide> wides;
std::unordered_set<char> letters;
std::unordered_multimap<int, short> equal;
std::unordered_map<int, long> few;
std::unordered_map<int, long> large;
std::unordered_map<int, long> emptied;
std::unordered_map<int, long> unused;
static char room[1 << 20];
static std::pmr::monotonic_buffer_resource bytes(room, sizeof room,
                                                 std::pmr::null_memory_resource());
std::pmr::unordered_map<int, long> pooled(&bytes);

extern "C" __attribute__((noinline)) void stop()
{
    asm volatile("" ::: "memory");
}

template <class Fill> static void measure(const char *name, size_t own, Fill fill)
{
    const size_t before = in_use;
    grown = 0;
    fill();
    std::printf("held %s %zu %d\n", name, own + in_use - before, grown);
}

int main()
{
    setvbuf(stdout, nullptr, _IOLBF, 4096);
    measure("reserved", sizeof reserved, [] {
        reserved.reserve(1000);
        for (int i = 0; i < 1000; i++)
            reserved[i] = 49;
    });
    measure("grows", sizeof grows, [] {
        for (int i = 0; i < 30000; i++)
            grows[i] = i;
    });
    measure("wides", sizeof wides, [] {
        wides.reserve(100);
        for (int i = 0; i < 100; i++)
            wides[i].numbers[8] = 33;
    });
    measure("letters", sizeof letters, [] { letters = {'a', 'b', 'c'}; });
    measure("equal", sizeof equal, [] {
        equal.reserve(50);
        for (int i = 0; i < 50; i++)
            equal.emplace(i % 7, i);
    });
    measure("few", sizeof few, [] { few[1] = 1; });
    measure("large", sizeof large, [] {
        large.reserve(1 << 20); // an array with a mapping of its own
        for (int i = 0; i < 10; i++)
            large[i] = i;
    });
    measure("emptied", sizeof emptied, [] {
        emptied.reserve(300);
        emptied[1] = 1;
        emptied.clear();
    });
    measure("unused", sizeof unused, [] {});
    for (int i = 0; i < 1000; i++)
        pooled[i] = 33;
    stop();
}
