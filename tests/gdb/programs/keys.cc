/* keys.cc - maps with keys of many types, for hmap-find. */
#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>

enum class Colour : std::uint8_t { Red = 1, Blue = 7 };
struct Point {
    int x, y;
    bool operator==(const Point &o) const
    {
        return x == o.x && y == o.y;
    }
};
struct Key {
    std::uint8_t tag;
    Point at;
    std::string name;
    Colour colour;
    bool operator==(const Key &o) const
    {
        return tag == o.tag && at == o.at && name == o.name;
    }
};
struct Hash {
    std::size_t operator()(const Point &p) const
    {
        return (std::size_t)(p.x * 31 + p.y);
    }
    std::size_t operator()(const Key &k) const
    {
        return k.name.size() * 7 + k.tag;
    }
    std::size_t operator()(const std::array<short, 3> &a) const
    {
        return (std::size_t)a[0];
    }
};
std::unordered_map<Point, int, Hash> points;
std::unordered_map<Key, int, Hash> keys;
std::unordered_map<std::array<short, 3>, int, Hash> arrays;
std::unordered_map<char, int> letters;
std::unordered_map<double, int> doubles;
void stop()
{
    asm volatile("" ::: "memory");
}
int main()
{
    for (int i = 0; i < 50; i++) {
        points[{i, -i}] = i;
        Key key;
        __builtin_memset((void *)&key.tag, 0x5A, 8); /* padding that differs */
        key = Key{(std::uint8_t)i, {i, 2 * i}, "name" + std::to_string(i), Colour::Blue};
        keys[key] = i;
        arrays[{(short)i, 2, 3}] = i;
        letters[(char)('A' + i)] = i;
        doubles[i / 8.0] = i;
    }
    stop();
}
