// Stops in a function of C, under functions of C++.
#include "namesakes.h"
#include <memory>

extern "C" void through_c(void (*call)());
extern "C" void stop_in_c(void *);

namespace app
{
std::unordered_map<std::string, std::unordered_map<int, std::string>> names{{"a", {{1, "x"}}}};
struct Server {
    std::unordered_map<std::string, int> sessions{{"s", 1}, {"t", 2}};
};
std::unique_ptr<Server> server(new Server);
} // namespace app
namespace
{
std::unordered_map<int, int> hidden{{1, 2}};
}
static std::unordered_map<std::string, int> &instance()
{
    static std::unordered_map<std::string, int> inner{{"x", 1}, {"y", 2}, {"z", 3}};
    return inner;
}
static void called()
{
    std::unordered_map<short, long> local{{1, 2}};
    tell("local", local, "");
    std::fflush(stdout);
    stop_in_c(&local);
}

int main()
{
    tell("names", app::names, "");
    tell("names[\"a\"]", app::names["a"], "");
    tell("server", app::server->sessions, "");
    tell("hidden", hidden, "");
    tell("inner", instance(), "");
    through_c(called);
}
