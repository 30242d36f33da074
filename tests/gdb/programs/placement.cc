/* placement.cc - maps with one long chain: by their keys, by damage, and by a hash of their own. */
#include <cstddef>
#include <cstdio>
#include <string>
#include <unordered_map>

struct Constant {
    std::size_t operator()(long) const noexcept
    {
        return 42;
    }
};

std::unordered_map<long, int> bad_keys;           /* each key hashes to the first bucket */
std::unordered_map<long, int> torn;               /* the same, and then the keys have changed */
std::unordered_map<long, int, Constant> own_hash; /* nobody but the program knows it */

void stop()
{
    asm volatile("" ::: "memory");
}

int main()
{
    for (auto *map : {&bad_keys, &torn}) {
        map->reserve(1000);
        long buckets = (long)map->bucket_count();
        for (long i = 0; i < 400; i++)
            (*map)[i * buckets] = (int)i;
    }
    long number = 1;
    for (auto &entry : torn)
        const_cast<long &>(entry.first) = number++;
    for (long i = 0; i < 400; i++)
        own_hash[i] = (int)i;
    std::printf("%zu %zu\n", bad_keys.bucket_count(), bad_keys.size());
    stop();
}
