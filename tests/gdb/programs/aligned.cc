// Containers of nodes whose elements are aligned to more than a pointer. Each map holds another
// number of entries.
#include "namesakes.h"
#include <forward_list>
#include <list>
#include <map>
#include <set>

using Map = std::unordered_map<int, int>;

template <int Alignment> struct alignas(Alignment) Aligned {
    int number;
    mutable Map map;
    explicit Aligned(int count) : number(count)
    {
        for (int i = 0; i < count; i++)
            map[i] = i;
    }
    bool operator<(const Aligned &other) const
    {
        return number < other.number;
    }
};

std::forward_list<Aligned<8>> forward_8;
std::forward_list<Aligned<16>> forward_16;
std::forward_list<Aligned<64>> forward_64;
std::list<Aligned<32>> list_32;
std::set<Aligned<64>> set_64;
std::map<int, Aligned<128>> map_128;

extern "C" __attribute__((noinline)) void stop()
{
    asm volatile("" ::: "memory");
}

template <class List> static void fill(List &list, const char *name, int count)
{
    list.emplace_front(count);
    list.emplace_front(count + 1);
    for (const auto &one : list)
        tell(name, one.map, "");
}

int main()
{
    fill(forward_8, "forward_8", 1);
    fill(forward_16, "forward_16", 3);
    fill(forward_64, "forward_64", 5);
    fill(list_32, "list_32", 7);
    for (int i = 9; i < 12; i++) {
        tell("set_64", set_64.emplace(i).first->map, "");
        tell("map_128", map_128.emplace(i, i + 3).first->second.map, "");
    }
    std::fflush(stdout);
    stop();
}
