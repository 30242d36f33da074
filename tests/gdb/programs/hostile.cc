// Containers of C++ whose keys, elems and types are hostile. Stops in stop().

#include <string>
#include <unordered_map>
#include <unordered_set>

#include "hostile.h"

struct EVILTYPE_EVILTYPE_EVIL {
    std::string text;
    std::unordered_map<std::string, int> inner;
};

std::unordered_map<std::string, std::string> texts;
std::unordered_map<std::string, EVILTYPE_EVILTYPE_EVIL> structs;
std::unordered_set<std::string> EVILVARI_EVILVARI_EVIL;

extern "C" __attribute__((noinline)) void stop()
{
    __asm__ volatile("" : : : "memory");
}

int main()
{
    for (const text &one : hostile) {
        std::string text(one.bytes, one.size);
        texts[text] = text + '\0' + text;
        structs[text].text = text;
        structs[text].inner[text] = 1;
        EVILVARI_EVILVARI_EVIL.insert(text);
    }
    texts[std::string(MEGABYTE, '\x1b')] = std::string(MEGABYTE, '=');
    stop();
}
