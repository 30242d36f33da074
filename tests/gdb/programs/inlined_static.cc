// A static of a function that exists only in its caller, which has no statics itself: no linker name
// leads to it, only a search of all functions.
#include <unordered_map>

using Map = std::unordered_map<int, int>;

Map global{{1, 1}};

static inline __attribute__((always_inline)) Map &inlined()
{
    static Map of_inlined{{1, 1}, {2, 2}};
    return of_inlined;
}

extern "C" __attribute__((noinline)) void stop()
{
    asm volatile("" ::: "memory");
}

__attribute__((noinline)) static std::size_t caller()
{
    return inlined().size();
}

int main()
{
    std::size_t size = caller();
    stop();
    return size == 2 ? 0 : 1;
}
