// Keys that no path can name: bytes, too many for a path.
#include <cstddef>
#include <cstring>
#include <functional>

struct Key {
    unsigned char bytes[300];
    bool operator==(const Key &other) const
    {
        return std::memcmp(bytes, other.bytes, sizeof bytes) == 0;
    }
};

template <> struct std::hash<Key> {
    std::size_t operator()(const Key &key) const
    {
        return key.bytes[0];
    }
};
