// Loads two plugins of thread_plugin.cc, and fills the maps of two threads.
#include <dlfcn.h>
#include <future>
#include <thread>

extern "C" __attribute__((noinline)) void stop()
{
    asm volatile("" ::: "memory");
}

int main(int, char **plugins)
{
    using Fill = void (*)(int);
    auto first = reinterpret_cast<Fill>(dlsym(dlopen(plugins[1], RTLD_NOW), "fill"));
    auto second = reinterpret_cast<Fill>(dlsym(dlopen(plugins[2], RTLD_NOW), "fill"));
    first(3);
    second(5);
    std::promise<void> filled, looked_at;
    std::thread other([&] {
        first(7);
        second(9);
        filled.set_value();
        looked_at.get_future().wait();
    });
    filled.get_future().wait();
    stop();
    looked_at.set_value();
    other.join();
}
