/*
 * f14_layouts.cc - maps as folly lays them out, which no package has: the structs with the names and
 * the order of fields of folly/container/detail/F14Table.h and F14Policy.h, without their methods.
 * The contents are made here, as the library does it: of a map of n entries the keys are 0 to n - 1,
 * and their values the same, negative.
 */
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

enum { METADATA = 16 };

template <typename Item> constexpr std::size_t slots_of = sizeof(Item) == 4 ? 12 : 14;
template <typename Item>
constexpr std::size_t
    stride_of = (METADATA + (slots_of<Item> + (sizeof(Item) == 16)) * sizeof(Item) + 15) / 16 * 16;

/* From 2026-04 on; before, items are a member. */
template <typename Item> struct F14Chunk {
    std::array<std::uint8_t, 14> tags_;
    std::uint8_t control_;
    std::uint8_t outboundOverflowCount_;
};
namespace old
{
template <typename Item> struct alignas(16) F14Chunk {
    std::array<std::uint8_t, 14> tags_;
    std::uint8_t control_;
    std::uint8_t outboundOverflowCount_;
    std::array<std::aligned_storage_t<sizeof(Item), alignof(Item)>,
               slots_of<Item> + (sizeof(Item) == 16)>
        rawItems_;
};
} // namespace old

/* ---- policies and tables --------------------------------------------------------------------- */

template <typename Key, typename Mapped>
using Pair = std::conditional_t<std::is_void_v<Mapped>, Key, std::pair<const Key, Mapped>>;

template <typename Key, typename Mapped> struct ValueContainerPolicy {
    using Value = Pair<Key, Mapped>;
    using Item = Value;
};
template <typename Key, typename Mapped> struct NodeContainerPolicy {
    using Value = Pair<Key, Mapped>;
    using Item = Value *;
};
template <typename Key, typename Mapped> struct VectorContainerPolicy {
    using Value = Pair<Key, Mapped>;
    using Item = std::uint32_t;
    Value *values_;
};

struct PackedSizeAndChunkShift {
    std::uint64_t packedSizeAndChunkShift_;
};
struct SizeAndChunkShiftAndPackedBegin {
    PackedSizeAndChunkShift sizeAndChunkShift_;
    std::uint64_t packedBegin_;
};
struct SizeAndPackedBegin {
    std::size_t size_;
    std::uint64_t packedBegin_;
};

template <typename Policy> struct F14Table : Policy {
    using Chunk = F14Chunk<typename Policy::Item>;
    Chunk *chunks_;
    SizeAndChunkShiftAndPackedBegin sizeAndChunkShiftAndPackedBegin_;

    void set(void *chunks, std::size_t size, unsigned shift)
    {
        chunks_ = static_cast<Chunk *>(chunks);
        sizeAndChunkShiftAndPackedBegin_.sizeAndChunkShift_.packedSizeAndChunkShift_ =
            size << 8 | shift;
    }
};
namespace old
{
template <typename Policy> struct F14Table : Policy {
    using Chunk = F14Chunk<typename Policy::Item>;
    Chunk *chunks_;
    std::size_t chunkMask_;
    SizeAndPackedBegin sizeAndPackedBegin_;

    void set(void *chunks, std::size_t size, unsigned shift)
    {
        chunks_ = static_cast<Chunk *>(chunks);
        chunkMask_ = (std::size_t{1} << shift) - 1;
        sizeAndPackedBegin_.size_ = size;
    }
};
} // namespace old

template <typename Table> struct F14Map {
    Table table_;
};

/* ---- how they are filled --------------------------------------------------------------------- */

alignas(16) unsigned char empty_instance[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255};

template <typename Value> Value *make(void *at, int key)
{
    if constexpr (std::is_same_v<Value, int>)
        return new (at) int(key);
    else
        return new (at) Value(key, -key);
}

template <typename Table> void fill(F14Map<Table> &map, int size, unsigned shift, unsigned scale)
{
    using Item = typename Table::Item;
    using Value = typename Table::Value;
    std::size_t chunks = std::size_t{1} << shift, slots = slots_of<Item>;
    std::size_t capacity = (((chunks - 1) >> (slots == 12 ? 12 : 0)) + 1) * scale;
    std::size_t bytes = chunks == 1 ? METADATA + capacity * sizeof(Item) : chunks * stride_of<Item>;
    auto *memory = static_cast<unsigned char *>(std::calloc(1, bytes + capacity * sizeof(Value)));
    auto *values = reinterpret_cast<Value *>(memory + bytes);

    if (slots == 12) {
        std::uint16_t wide = static_cast<std::uint16_t>(scale);
        std::memcpy(memory + 12, &wide, sizeof(wide));
    } else {
        memory[14] = static_cast<unsigned char>(scale);
    }
    for (int key = 0; key < size; key++) {
        std::uint64_t hash = static_cast<std::uint64_t>(key + 1) * 0x9E3779B97F4A7C15u;
        hash = (hash ^ hash >> 29) * 0xBF58476D1CE4E5B9u;
        std::size_t index = hash >> 40 & (chunks - 1), tag = (hash >> 56) | 0x80, slot = 0;
        unsigned char *chunk = memory + index * stride_of<Item>;
        bool is_away = false;
        for (;;) {
            slot = 0;
            while (slot < slots && (chunks > 1 || slot < capacity) && chunk[slot] != 0)
                slot++;
            if (slot < slots)
                break;
            chunk[15]++;
            is_away = true;
            index = (index + 2 * tag + 1) & (chunks - 1);
            chunk = memory + index * stride_of<Item>;
        }
        chunk[slot] = static_cast<unsigned char>(tag);
        chunk[14] = static_cast<unsigned char>(chunk[14] + 16 * is_away);
        void *at = chunk + METADATA + slot * sizeof(Item);
        if constexpr (std::is_pointer_v<Item>) {
            Item entry = make<Value>(std::malloc(sizeof(Value)), key);
            std::memcpy(at, &entry, sizeof(entry));
        } else if constexpr (std::is_same_v<Item, std::uint32_t>) {
            std::uint32_t number = static_cast<std::uint32_t>(key);
            make<Value>(values + number, key);
            std::memcpy(at, &number, sizeof(number));
            map.table_.values_ = values;
        } else {
            make<Value>(at, key);
        }
    }
    map.table_.set(memory, static_cast<std::size_t>(size), shift);
}

using Value = ValueContainerPolicy<int, int>;
F14Map<F14Table<Value>> values, one, full, empty;
F14Map<old::F14Table<Value>> old_values, old_empty;
F14Map<F14Table<NodeContainerPolicy<int, int>>> nodes;
F14Map<F14Table<VectorContainerPolicy<int, int>>> vectors;
F14Map<F14Table<ValueContainerPolicy<int, void>>> set;
F14Map<old::F14Table<VectorContainerPolicy<int, int>>> old_vectors;

extern "C" __attribute__((noinline)) void fixture_stop()
{
    asm volatile("");
}

int main()
{
    fill(values, 700, 6, 12);
    fill(one, 1, 0, 2);
    fill(full, 14, 0, 14);
    fill(nodes, 90, 3, 12);
    fill(vectors, 300, 5, 320);
    fill(set, 75, 3, 80);
    fill(old_values, 700, 6, 12);
    fill(old_vectors, 300, 5, 320);
    empty.table_.set(empty_instance, 0, 0);
    old_empty.table_.set(empty_instance, 0, 0);
    fixture_stop();
    return 0;
}
