// Prints what a map of a test's program holds, as hmap-list and the entries CSV have it.
#include <cstdio>
#include <string>
#include <unordered_map>

// clang's debug info lacks the statics of functions that it has inlined.
#ifdef __clang__
#define LOCAL __attribute__((noinline))
#else
#define LOCAL
#endif

template <class Map> void tell(const char *name, const Map &map, const std::string &first)
{
    std::printf("%p %zu %s %s\n", (const void *)&map, map.size(), name, first.c_str());
}
