// Loads two plugins that have the same names; see plugin.cc.
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>

extern "C" __attribute__((noinline)) void stop()
{
    asm volatile("" ::: "memory");
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        void *handle = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
        if (!handle) {
            std::fprintf(stderr, "%s\n", dlerror());
            return EXIT_FAILURE;
        }
        reinterpret_cast<void (*)()>(dlsym(handle, "fill"))();
    }
    std::fflush(stdout);
    stop();
}
