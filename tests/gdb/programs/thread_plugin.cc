// A plugin with a thread-local map.
#include <unordered_map>

static thread_local std::unordered_map<int, int> cache;

extern "C" void fill(int count)
{
    for (int i = 0; i < count; i++)
        cache[i] = i;
}
