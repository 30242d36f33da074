// Types private to this file; namesakes_b.cc has others of the same names, and some of equal size.
#include "namesakes.h"

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
struct Holder {
    std::unordered_map<int, Same> inner;
    std::unordered_map<int, Same> *far;
};
std::unordered_map<int, Entry> users;
std::unordered_map<int, Same> pairs;
std::unordered_map<std::string, Holder> holders;
std::unordered_map<int, Entry> shared_name;
} // namespace
struct Plain; // of the other file
static std::unordered_map<int, Plain *> opaque;

void fill_b();
void local_b();
extern "C" __attribute__((noinline)) void stop()
{
    asm volatile("" ::: "memory");
}

__attribute__((noinline)) static void local_a()
{
    struct Local {
        short number;
        short other;
        double value;
    };
    static std::unordered_map<int, Local> in_function;
    in_function[1] = {2, 3, 4.5};
    tell("in_function", in_function, "{number = 2, other = 3, value = 4.5}");
    local_b();
}

int main()
{
    users[1] = {10, "user"};
    tell("users", users, "{hits = 10, name = \"user\"}");
    pairs[1] = {1, 1.5f};
    tell("pairs", pairs, "{first = 1, second = 1.5}");
    shared_name[1] = {7, "seven"};
    tell("shared_name", shared_name, "{hits = 7, name = \"seven\"}");
    holders["h"].inner[1] = {2, 2.5f};
    tell("holders", holders, "h");
    holders["h"].far = &pairs;
    tell("holders[\"h\"].inner", holders["h"].inner, "{first = 2, second = 2.5}");
    opaque[1] = nullptr;
    tell("opaque", opaque, "0x0");
    fill_b();
    local_a();
}
