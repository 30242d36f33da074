// Maps behind keys that are long or hard to spell; prints where each map is.
#include <array>
#include <cstdio>
#include <cstring>
#include <string>
#include <unordered_map>
#include <variant>

using Index = std::unordered_map<int, int>;

struct Fixed {
    char text[300];
    int number;
    bool operator==(const Fixed &o) const
    {
        return number == o.number && std::strcmp(text, o.text) == 0;
    }
};
struct Label {
    std::string text;
    const char *plain;
    bool operator==(const Label &o) const
    {
        return text == o.text && plain == o.plain;
    }
};
using Mixed = std::variant<int, long, std::string, double>;
struct Hash {
    std::size_t operator()(const Fixed &k) const
    {
        return (std::size_t)k.number;
    }
    std::size_t operator()(const Label &k) const
    {
        return k.text.size();
    }
    std::size_t operator()(const std::array<std::string, 2> &k) const
    {
        return k[0].size();
    }
};

std::unordered_map<std::string, Index> by_text;
std::unordered_map<std::u16string, Index> by_wide;
std::unordered_map<const char *, Index> by_plain;
std::unordered_multimap<int, Index> by_equal;
std::unordered_map<Fixed, Index, Hash> by_fixed;
std::unordered_map<Label, Index, Hash> by_label;
std::unordered_map<std::array<std::string, 2>, Index, Hash> by_pair;
std::unordered_map<Mixed, Index> by_mixed;

static std::string times(const char *text, int count)
{
    std::string out;
    while (count-- > 0)
        out += text;
    return out;
}

static int entries;

static void fill(Index &map, const char *how)
{
    entries++;
    for (int i = 0; i < entries; i++)
        map[i] = i;
    std::printf("%p %d %s\n", (void *)&map, entries, how);
}

extern "C" __attribute__((noinline)) void stop()
{
    asm volatile("" ::: "memory");
}

int main()
{
    static const std::string long_1 = times("long ", 100) + "1", long_2 = times("long ", 100) + "2";
    static const char same_1[] = "same", same_2[] = "same";
    fill(by_text[long_1], "beginning and end");
    fill(by_text[long_2], "beginning and end");
    fill(by_text[times("other ", 100)], "beginning");
    fill(by_text["short"], "whole");
    fill(by_wide[u"wide \u00e9"], "whole");
    std::u16string wide;
    for (int i = 0; i < 300; i++)
        wide += u"w\u00e9"[i % 2];
    fill(by_wide[wide], "beginning");
    fill(by_plain[long_1.c_str()], "address");
    fill(by_plain[long_2.c_str()], "address");
    fill(by_plain["alone"], "whole");
    fill(by_plain[same_1], "address");
    fill(by_plain[same_2], "address");
    fill(by_equal.emplace(1, Index())->second, "address");
    fill(by_equal.emplace(1, Index())->second, "address");
    fill(by_equal.emplace(2, Index())->second, "whole");
    Fixed fixed = {};
    std::strcpy(fixed.text, times("fixed ", 40).c_str());
    fixed.number = 1;
    fill(by_fixed[fixed], "beginning");
    fixed.number = 2;
    fill(by_fixed[fixed], "beginning");
    fill(by_label[Label{"a \"b\" ]", "it's"}], "whole");
    fill(by_label[Label{times("label ", 50), nullptr}], "beginning");
    fill(by_pair[{"x", times("pair ", 50)}], "beginning");
    fill(by_pair[{times("pair ", 50), times("pair ", 51)}], "address");
    fill(by_pair[{times("pair ", 50), times("pair ", 52)}], "address");
    fill(by_mixed[7], "address");
    fill(by_mixed[7L], "address");
    fill(by_mixed[0.5], "whole");
    fill(by_mixed[times("held ", 60)], "beginning");
    std::fflush(stdout);
    stop();
}
