// A plugin: built twice, with another NAME, ENTRY and COUNT. All names are the same in both.
#include "namesakes.h"

namespace app
{
struct Entry {
    ENTRY value;
};
std::unordered_map<int, Entry> cache;
inline std::unordered_map<int, Entry> *pointer = &cache;
} // namespace app
static std::unordered_map<int, app::Entry> of_file;
namespace
{
std::unordered_map<std::string, std::unordered_map<int, app::Entry>> nested;
}
thread_local std::unordered_map<int, app::Entry> of_thread;

static void fill_statics()
{
    static std::unordered_map<int, app::Entry> in_function;
    for (int i = 0; i < COUNT; i++)
        in_function[i].value = ENTRY(i);
    tell(NAME " fill_statics()::in_function", in_function, "");
}

extern "C" void fill()
{
    for (int i = 0; i < COUNT; i++) {
        app::cache[i].value = ENTRY(i);
        of_file[i].value = ENTRY(i);
        nested["n"][i].value = ENTRY(i);
        of_thread[i].value = ENTRY(i);
    }
    tell(NAME " app::cache", app::cache, "");
    tell(NAME " of_file", of_file, "");
    tell(NAME " nested", nested, "");
    tell(NAME " nested[\"n\"]", nested["n"], "");
    tell(NAME " of_thread", of_thread, "");
    fill_statics();
}
