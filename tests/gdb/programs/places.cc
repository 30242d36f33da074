// Maps named in ways for which gdb has a meaning of its own: elements behind pointers, references,
// qualified types, aliases.
//
// Prints "TRUTH <expression>|<entries>" lines, and stops in stop().

#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

using Inner = std::unordered_map<int, int>;
using Outer = std::unordered_map<int, Inner>;
typedef Outer Aliased;
typedef const Aliased Fixed;
using Table = std::unordered_map<std::string, int>;

Outer *shards;
Aliased *const aliased = new Aliased[3];
Fixed *fixed;
Outer *rows[2];
std::unique_ptr<Outer> owned;
std::shared_ptr<Inner> shared;
std::unique_ptr<Inner[]> array;
Outer *&alias = shards;
struct Holder {
    Outer *shards;
    Inner &reference;
    const volatile Inner *volatile_one;
} * holder;
std::atomic<Outer *> atomic_pointer;
volatile Inner *volatile_map;

static Outer make(int count)
{
    Outer out;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < 20 + i; k++)
            out[i][k] = k;
    return out;
}

static void tell(const char *expression, std::size_t size)
{
    std::printf("TRUTH %s|%zu\n", expression, size);
}

extern "C" __attribute__((noinline)) void stop(const Table &table, Table &&moved,
                                               const Table *pointer, const std::string &key)
{
    __asm__ volatile("" : : "r"(&table), "r"(&moved), "r"(pointer), "r"(&key) : "memory");
}

int main()
{
    shards = new Outer[4];
    for (int i = 0; i < 4; i++)
        shards[i] = make(5 + i);
    for (int i = 0; i < 3; i++)
        aliased[i] = make(9 + i);
    fixed = aliased;
    rows[1] = shards;
    owned = std::make_unique<Outer>(make(12));
    shared = std::make_shared<Inner>((*owned)[3]);
    array = std::make_unique<Inner[]>(3);
    for (int i = 0; i < 3; i++)
        array[i] = shards[0][i];
    holder = new Holder{shards, shards[0][4], &shards[1][2]};
    atomic_pointer = shards;
    volatile_map = &shards[1][3];

    tell("shards", shards->size());
    tell("shards[2]", shards[2].size());
    tell("shards[2][2]", shards[2][2].size());
    tell("(*shards)[2]", (*shards)[2].size());
    tell("(*(shards + 1))[3]", (*(shards + 1))[3].size());
    tell("aliased[1]", aliased[1].size());
    tell("fixed[2]", fixed[2].size());
    tell("fixed[2][2]", fixed[2].at(2).size());
    tell("rows[1][3]", rows[1][3].size());
    tell("rows[1][3][3]", rows[1][3][3].size());
    tell("alias[1]", alias[1].size());
    tell("alias[1][1]", alias[1][1].size());
    tell("holder->shards[1]", holder->shards[1].size());
    tell("holder->reference", holder->reference.size());
    tell("*holder->volatile_one", shards[1][2].size());
    tell("*volatile_map", shards[1][3].size());
    tell("owned", owned->size());
    tell("*owned", owned->size());
    tell("(*owned)[7]", (*owned)[7].size());
    tell("shared", shared->size());
    tell("array[1]", array[1].size());
    Table table{{"x", 1}, {"y", 2}, {"z", 3}};
    Table other{{"x", 5}, {"y", 6}};
    std::fflush(stdout);
    stop(table, std::move(other), &table, "y");
    return 0;
}
