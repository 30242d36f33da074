// Statics of every kind of function: in_N holds N entries.
#include "namesakes.h"
#include <vector>

using Map = std::unordered_map<int, int>;

static Map filled(int number, const char *where)
{
    Map map;
    for (int i = 0; i < number; i++)
        map[i] = i;
    (void)where;
    return map;
}

template <class T> Map &of_template()
{
    static Map in_1 = filled(1, "template"), in_2 = filled(2, "template");
    return in_2.size() ? in_1 : in_2;
}
Map &with_string(const std::string &)
{
    static Map in_3 = filled(3, "function of a class");
    return in_3;
}
struct Struct {
    Struct()
    {
        static Map in_4 = filled(4, "constructor");
        found = &in_4;
    }
    ~Struct()
    {
        static Map in_5 = filled(5, "destructor");
        found = &in_5;
    }
    Map &operator()(int)
    {
        static Map in_6 = filled(6, "operator");
        return in_6;
    }
    explicit operator bool() const
    {
        static Map in_7 = filled(7, "conversion");
        return !in_7.empty();
    }
    template <class T> Map &member(T)
    {
        static Map in_8 = filled(8, "member template");
        return in_8;
    }
    Map *found = nullptr;
};
template <class T> struct Class {
    static Map &member()
    {
        static Map in_9 = filled(9, "member of a class template");
        return in_9;
    }
};
static Map &lambda()
{
    return []() -> Map & {
        static Map in_10 = filled(10, "lambda");
        return in_10;
    }();
}
extern "C" Map *of_c()
{
    static Map in_11 = filled(11, "function of C");
    return &in_11;
}
inline Map &inlined()
{
    static Map in_12 = filled(12, "inline function");
    return in_12;
}
namespace
{
Map &anonymous()
{
    static Map in_13 = filled(13, "function of an anonymous namespace");
    return in_13;
}
} // namespace
static std::size_t blocks(int which)
{
    std::size_t sum = 0;
    if (which & 1) {
        static Map again = filled(14, "inner block");
        sum += again.size();
    }
    if (which & 2) {
        static Map again = filled(15, "another inner block");
        sum += again.size();
    }
    for (int i = 0; i < 1; i++) {
        static Map in_16 = filled(16, "loop");
        sum += in_16.size();
    }
    return sum;
}
Map overloaded; // not those of the functions below
static Map &overload(int)
{
    static Map overloaded = filled(17, "overload");
    return overloaded;
}
static Map &overload(const std::vector<int> &)
{
    static Map overloaded = filled(18, "overload");
    return overloaded;
}

extern "C" __attribute__((noinline)) void stop()
{
    asm volatile("" ::: "memory");
}

int main()
{
    std::size_t sum = of_template<int>().size() + of_template<std::string>().size();
    sum += with_string("").size() + lambda().size() + of_c()->size() + inlined().size();
    {
        Struct one;
        sum += one(1).size() + (one ? 1 : 0) + one.member(1).size() + one.found->size();
    }
    sum += Class<int>::member().size() + anonymous().size() + blocks(3);
    sum += overload(1).size() + overload(std::vector<int>()).size();
    static Map in_19 = filled(19, "main");
    overloaded = filled(20, "global");
    std::printf("%zu\n", sum + in_19.size());
    std::fflush(stdout);
    stop();
}
