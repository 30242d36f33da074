// See untypable_a.cc.
#include "namesakes.h"
#include "untypable.h"

namespace
{
struct Entry {
    double weight;
    const char *label;
};
struct Same {
    unsigned char first[4];
    int second;
};
} // namespace

const Key untypable = {{7}};
static std::unordered_map<Key, std::unordered_map<int, Entry>> outer;
static std::unordered_map<Key, std::unordered_map<int, Same>> alike;

static LOCAL void local()
{
    struct Local {
        double value;
    };
    static std::unordered_map<Key, std::unordered_map<int, Local>> of_function;
    of_function[untypable][1] = {1.25};
    tell("of_function", of_function[untypable], "{value = 1.25}");
}

void fill_b()
{
    outer[untypable][1] = {0.5, "blob"};
    tell("outer", outer[untypable], "{weight = 0.5, label = \"blob\"}");
    alike[untypable][1] = {{1, 2, 3, 4}, 5};
    tell("alike", alike[untypable], "{first = 01020304, second = 5}");
    local();
}
