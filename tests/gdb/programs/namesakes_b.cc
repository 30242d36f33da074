// See namesakes_a.cc.
#include "namesakes.h"

namespace
{
struct Entry {
    double weight;
    long bytes;
    const char *label;
};
struct Same {
    unsigned char first[4];
    int second;
};
struct Holder {
    std::unordered_map<int, Same> inner;
    std::unordered_map<int, Same> *far;
};
std::unordered_map<int, Entry> blobs;
std::unordered_map<int, Same> quads;
std::unordered_map<std::string, Holder> keepers;
std::unordered_map<int, Entry> shared_name;
} // namespace

extern "C" void stop();

void fill_b()
{
    blobs[1] = {0.5, 1000, "blob"};
    tell("blobs", blobs, "{weight = 0.5, bytes = 1000, label = \"blob\"}");
    quads[1] = {{1, 2, 3, 4}, 5};
    tell("quads", quads, "{first = 01020304, second = 5}");
    shared_name[1] = {1.5, 3, "three"};
    tell("shared_name", shared_name, "{weight = 1.5, bytes = 3, label = \"three\"}");
    static std::unordered_map<int, Same> behind;
    behind[1] = {{4, 3, 2, 1}, 8};
    tell("behind", behind, "{first = 04030201, second = 8}");
    keepers["k"].inner[1] = {{9, 9, 9, 9}, 6};
    tell("keepers", keepers, "k");
    keepers["k"].far = &behind;
    tell("keepers[\"k\"].inner", keepers["k"].inner, "{first = 09090909, second = 6}");
}

void local_b()
{
    struct Local {
        double value;
        int number;
    };
    static std::unordered_map<int, Local> in_function;
    in_function[1] = {4.25, 9};
    tell("in_function", in_function, "{value = 4.25, number = 9}");
    std::unordered_map<int, Local> on_stack{{1, {1.25, 8}}};
    tell("on_stack", on_stack, "{value = 1.25, number = 8}");
    std::fflush(stdout);
    stop();
}
