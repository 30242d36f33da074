// Members that are inherited, hidden and ambiguous, and classes made of containers.
#include "namesakes.h"
#include <memory>
#include <tuple>
#include <vector>

using Map = std::unordered_map<int, int>;
using Words = std::unordered_map<std::string, int>;

static int last;
static void fill(Map &map)
{
    last++;
    for (int i = 0; i < last; i++)
        map[i] = i;
    std::printf("%p %zu\n", (void *)&map, map.size());
}
static void fill(Words &map)
{
    last++;
    for (int i = 0; i < last; i++)
        map[std::to_string(i)] = i;
    std::printf("%p %zu\n", (void *)&map, map.size());
}

struct Base {
    long before = 1;
    Map cache;
};
struct Hides : Base {
    Map cache;
};
struct HidesAgain : Hides {
    Words cache;
};
struct Left : Base {
    Map own;
};
struct Right : Base {
    Map own;
};
struct Diamond : Left, Right {
    Map mine;
};
struct Two : Map, Words {
    Map third;
};
struct More : Map {
    Words beside;
};
struct Of : std::vector<Map> {
    Map beside;
};
namespace
{
struct Base2 : Base {
    Map cache;
};
template <char C> struct Lettered {
    Map cache;
};
struct Letters : Lettered<'a'>, Lettered<'b'> {
};
struct Unnamed : Base2 {
    union {
        struct {
            long a, b;
        };
        long c;
    };
    struct {
        Map deep;
        Map cache;
    } inner;
};
} // namespace
struct Virtual {
    long before = 1;
    Map cache;
    virtual ~Virtual()
    {
    }
};
struct Near : virtual Virtual {
    Map own;
};
struct Far : virtual Virtual {
    Map own;
};
struct Whole : Near, Far {
    Map cache;
};

Whole whole;
Near near;
Hides hides;
HidesAgain *again = new HidesAgain;
std::unique_ptr<Diamond> diamond(new Diamond);
Two two[2];
More more;
std::vector<Of> ofs(2);
Unnamed unnamed;
Letters letters;
std::tuple<Map, int, Map, Words> tuple;
std::unordered_map<std::string, HidesAgain> by_name;

extern "C" __attribute__((noinline)) void stop()
{
    asm volatile("" ::: "memory");
}

int main()
{
    fill(hides.cache), fill(hides.Base::cache);
    fill(again->cache), fill(again->Hides::cache), fill(again->Base::cache);
    fill(diamond->Left::cache), fill(diamond->Right::cache), fill(diamond->Left::own);
    fill(diamond->Right::own), fill(diamond->mine);
    for (Two &one : two)
        fill(static_cast<Map &>(one)), fill(static_cast<Words &>(one)), fill(one.third);
    fill(static_cast<Map &>(more)), fill(more.beside);
    for (Of &of : ofs) {
        of.resize(2);
        fill(of[0]), fill(of[1]), fill(of.beside);
    }
    fill(unnamed.cache), fill(unnamed.Base::cache), fill(unnamed.inner.deep);
    fill(unnamed.inner.cache);
    fill(letters.Lettered<'a'>::cache), fill(letters.Lettered<'b'>::cache);
    fill(std::get<0>(tuple)), fill(std::get<2>(tuple)), fill(std::get<3>(tuple));
    HidesAgain &named = by_name["k"];
    fill(named.cache), fill(named.Hides::cache), fill(named.Base::cache);
    fill(whole.cache), fill(whole.Virtual::cache), fill(whole.Near::own), fill(whole.Far::own);
    fill(near.cache), fill(near.own);
    std::printf("%p %zu\n", (void *)&by_name, by_name.size());
    std::fflush(stdout);
    stop();
}
