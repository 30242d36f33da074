// Maps that only keys lead to that cannot be typed; untypable_b.cc has others of the same names.
#include "namesakes.h"
#include "untypable.h"

namespace
{
struct Entry {
    int hits;
    std::string name;
};
struct Same {
    int first;
    float second;
};
} // namespace
struct Alone {
    int number;
};

const Key untypable = {{7}};
static std::unordered_map<Key, std::unordered_map<int, Entry>> outer;
static std::unordered_map<Key, std::unordered_map<int, Same>> alike;
static std::unordered_map<Key, std::unordered_map<int, Alone>> alone;

void fill_b();
void local_b();
extern "C" __attribute__((noinline)) void stop()
{
    asm volatile("" ::: "memory");
}

static LOCAL void local()
{
    struct Local {
        int number;
    };
    static std::unordered_map<Key, std::unordered_map<int, Local>> of_function;
    of_function[untypable][1] = {7};
    tell("of_function", of_function[untypable], "{number = 7}");
}

int main()
{
    outer[untypable][1] = {10, "user"};
    tell("outer", outer[untypable], "{hits = 10, name = \"user\"}");
    alike[untypable][1] = {1, 1.5f};
    tell("alike", alike[untypable], "{first = 1, second = 1.5}");
    alone[untypable][1] = {3};
    tell("alone", alone[untypable], "{number = 3}");
    local();
    fill_b();
    std::fflush(stdout);
    stop();
}
