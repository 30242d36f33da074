// Thread-local maps of each thread: of files, classes, functions.
#include "namesakes.h"
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

using Map = std::unordered_map<int, int>;

thread_local Map of_program;
static thread_local std::unordered_map<std::string, Map> of_file;
struct Struct {
    static thread_local Map of_class;
};
thread_local Map Struct::of_class;
thread_local Map *pointed;

static std::mutex mutex;
static std::condition_variable changed;
static int ready;
static bool done;

static Map &of_function()
{
    static thread_local Map in_function;
    return in_function;
}

static void work(int number)
{
    std::unique_lock<std::mutex> lock(mutex);
    for (int i = 0; i < number; i++)
        of_program[i] = of_file["inner"][i] = Struct::of_class[i] = of_function()[i] = i;
    pointed = new Map(of_program);
    tell("of_program", of_program, std::to_string(number));
    tell("of_file", of_file, std::to_string(number));
    tell("of_file[\"inner\"]", of_file["inner"], std::to_string(number));
    tell("of_class", Struct::of_class, std::to_string(number));
    tell("in_function", of_function(), std::to_string(number));
    tell("pointed", *pointed, std::to_string(number));
    ready++;
    changed.notify_all();
    changed.wait(lock, [] { return done; });
}

extern "C" __attribute__((noinline)) void stop()
{
    asm volatile("" ::: "memory");
}

int main()
{
    std::vector<std::thread> threads;
    for (int number = 1; number <= 3; number++)
        threads.emplace_back(work, 10 * number);
    {
        std::unique_lock<std::mutex> lock(mutex);
        changed.wait(lock, [] { return ready == 3; });
        std::fflush(stdout);
        stop();
        done = true;
        changed.notify_all();
    }
    for (auto &one : threads)
        one.join();
}
