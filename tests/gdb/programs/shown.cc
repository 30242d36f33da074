// Maps with keys and elems of the types that C++ programs have: strings of all kinds, tuples, and
// what the library's own types stand for. Stops in stop().

#include <any>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#if __has_include(<memory_resource>)
#include <memory_resource>
#define HAS_PMR 1
#endif
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <typeindex>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>

struct Item {
    std::string name;
    int number;
};

template <class T> struct Hash {
    std::size_t operator()(const T &) const
    {
        return 1;
    }
};

const char *const LONG = "a text that is too long to be in the string itself";

std::unordered_map<std::string, Item> items{{"short", {"a \"name\"", 1}}, {LONG, {LONG, 2}}};
std::unordered_map<std::string, std::string> texts{{"key", "value"}, {LONG, ""}};
std::unordered_map<int, std::string> by_number{{1, "one"}, {2, LONG}};
std::string lone = "lone";

#ifndef NARROW

using Point = std::pair<int, int>;
using Both = std::tuple<int, std::string, char>;
using Either = std::variant<int, std::string, Point>;
using Milliseconds = std::chrono::milliseconds;

std::unordered_map<std::wstring, int> wide{
    {L"short", 1}, {L"a rather long wide string, on the heap: \u20ac \U0001F600", 2}, {L"", 3}};
std::unordered_map<int, std::u16string> u16{{1, u"short"}, {2, u"a rather long one: \U0001F600"}};
std::unordered_map<std::u32string, int> u32{{U"\u00e4\u20ac\U0001F600", 1}, {U"b", 2}};
std::unordered_map<std::wstring_view, std::u32string_view> views{{L"view", U"seen"}};
std::unordered_map<std::string_view, std::u16string_view> narrow_views{{"view", u"seen"}};
std::unordered_map<const wchar_t *, const char16_t *> pointers{{L"wide", u"sixteen"}};
struct Array {
    wchar_t letters[8];
    char16_t others[4];
};
std::unordered_map<int, Array> arrays{{1, {L"wide", {u'f', u'u', u'l', u'l'}}}};
#ifdef HAS_PMR
std::pmr::unordered_map<std::pmr::string, std::pmr::string> pmr;
#endif
std::unordered_map<Both, Both, Hash<Both>> tuples{{Both(7, "seven", 'x'), Both(8, "eight", 'y')}};
std::unordered_map<Point, std::tuple<>, Hash<Point>> pairs{{{3, 4}, {}}};
std::unordered_map<Either, Either, Hash<Either>> eithers{{7, "text"}, {"text", Point(1, 2)}};
std::unordered_map<std::optional<int>, std::optional<std::string>> optionals{{5, "five"},
                                                                             {std::nullopt, {}}};
std::unordered_map<std::type_index, int> types{{typeid(int), 1}, {typeid(Item), 2}};
std::unordered_map<Milliseconds, std::chrono::nanoseconds, Hash<Milliseconds>> durations{
    {Milliseconds(250), std::chrono::nanoseconds(-3)}};
std::unordered_map<int, std::chrono::duration<int, std::ratio<1, 25>>> frames{
    {1, std::chrono::duration<int, std::ratio<1, 25>>(6)}};
std::unordered_map<int, std::chrono::time_point<std::chrono::steady_clock, std::chrono::seconds>>
    points{{1, std::chrono::time_point<std::chrono::steady_clock, std::chrono::seconds>(
                   std::chrono::seconds(42))}};
std::unordered_map<std::filesystem::path, int, Hash<std::filesystem::path>> paths{{"/usr/share", 1},
                                                                                  {"relative", 2}};
std::unordered_map<std::unique_ptr<int>, std::shared_ptr<int>> owners;
std::unordered_map<int, std::atomic<long>> atomics;
std::unordered_map<int, std::any> anys{{1, 5}, {2, std::string("inside")}, {3, {}}};

#endif

extern "C" __attribute__((noinline)) void stop()
{
    __asm__ volatile("" : : : "memory");
}

int main()
{
#ifndef NARROW
#ifdef HAS_PMR
    pmr["key"] = "value";
#endif
    atomics[1] = 77;
    owners.emplace(nullptr, nullptr);
#endif
    std::printf("%zu %zu %zu %s\n", items.size(), texts.size(), by_number.size(), lone.c_str());
    std::fflush(stdout);
    stop();
}
