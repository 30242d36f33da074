/*
 * absl_layouts.cc - maps as each release of Abseil lays them out, for releases that no package has:
 * the structs with the names and the order of fields of container/internal/raw_hash_set.h, without
 * their methods. The contents are made here: of a map of n entries the keys are 0 to n - 1, and
 * their values the same, negative.
 */
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <tuple>
#include <utility>

constexpr std::size_t WIDTH = 16; /* of a window */
enum class ctrl_t : signed char { kEmpty = -128, kDeleted = -2, kSentinel = -1 };

/* ---- what all releases have ------------------------------------------------------------------ */

template <typename T, std::size_t number> struct Storage {
    T value;
};

/* The elements that are not empty. */
template <typename First, typename... Rest> struct CompressedTuple : Storage<First, 0> {
};
template <typename First, typename Second>
struct CompressedTuple<First, Second> : Storage<First, 0>, Storage<Second, 1> {
};

template <typename K, typename V> union map_slot_type {
    std::pair<const K, V> value;
    std::pair<K, V> mutable_value;
    K key;
};
template <typename K, typename V> struct FlatHashMapPolicy {
    using slot_type = map_slot_type<K, V>;
};
template <typename K, typename V> struct NodeHashMapPolicy {
    using slot_type = std::pair<const K, V> *;
};

struct HashtablezInfo {
};
struct HashtablezInfoHandle {
    HashtablezInfo *info_;
};
HashtablezInfo info;

/* A HeapOrSoo. */
template <typename Pointers> union PointersOrSlot {
    Pointers heap;
    unsigned char soo_data[sizeof(Pointers)];
};

/* What a table is made of. */
struct Made {
    ctrl_t *control;
    void *slots;
    std::size_t capacity, size, growth_left, blocked;
    bool is_sampled;
};

/* ---- the releases ---------------------------------------------------------------------------- */

namespace v2022
{
template <typename Policy> struct raw_hash_set {
    using slot_type = typename Policy::slot_type;
    ctrl_t *ctrl_;
    slot_type *slots_;
    std::size_t size_;
    std::size_t capacity_;
    CompressedTuple<std::size_t, HashtablezInfoHandle> settings_;

    void set(const Made &made)
    {
        ctrl_ = made.control;
        slots_ = static_cast<slot_type *>(made.slots);
        size_ = made.size;
        capacity_ = made.capacity;
        settings_.Storage<std::size_t, 0>::value = made.growth_left;
        settings_.Storage<HashtablezInfoHandle, 1>::value.info_ = made.is_sampled ? &info : nullptr;
    }
};
} // namespace v2022

namespace v2023_01
{
struct CommonFields {
    ctrl_t *control_;
    void *slots_;
    std::size_t size_;
    std::size_t capacity_;
    CompressedTuple<std::size_t, HashtablezInfoHandle> compressed_tuple_;

    void set(const Made &made)
    {
        control_ = made.control;
        slots_ = made.slots;
        size_ = made.size;
        capacity_ = made.capacity;
        compressed_tuple_.Storage<std::size_t, 0>::value = made.growth_left;
    }
};
} // namespace v2023_01

namespace v2023_08
{
struct CommonFields {
    ctrl_t *control_;
    void *slots_;
    std::size_t capacity_;
    CompressedTuple<std::size_t, HashtablezInfoHandle> compressed_tuple_;

    void set(const Made &made)
    {
        control_ = made.control;
        slots_ = made.slots;
        capacity_ = made.capacity;
        compressed_tuple_.Storage<std::size_t, 0>::value = made.size;
    }
};
} // namespace v2023_08

namespace v2024_01
{
struct CommonFields {
    ctrl_t *control_;
    void *slots_;
    std::size_t capacity_;
    std::size_t size_;

    void set(const Made &made)
    {
        control_ = made.control;
        slots_ = made.slots;
        capacity_ = made.capacity;
        size_ = made.size << 1 | made.is_sampled;
    }
};
} // namespace v2024_01

namespace v2024_07
{
union MaybeInitializedPtr {
    void *p;
};
struct HeapPtrs {
    ctrl_t *control;
    MaybeInitializedPtr slot_array;
};
using HeapOrSoo = PointersOrSlot<HeapPtrs>;
struct CommonFields {
    std::size_t capacity_;
    std::size_t size_;
    HeapOrSoo heap_or_soo_;

    void set(const Made &made)
    {
        capacity_ = made.capacity;
        size_ = made.size << 1 | made.is_sampled;
        heap_or_soo_.heap = {made.control, {made.slots}};
    }
};
} // namespace v2024_07

namespace v2025_05
{
using v2024_07::HeapOrSoo;
struct HashtableSize {
    std::uint64_t data_;
};
struct CommonFields {
    std::size_t capacity_;
    HashtableSize size_;
    HeapOrSoo heap_or_soo_;

    void set(const Made &made)
    {
        const std::uint64_t seed = 0xbeef;
        capacity_ = made.capacity;
        size_.data_ = std::uint64_t(made.size) << 17 | std::uint64_t(made.is_sampled) << 16 | seed;
        heap_or_soo_.heap = {made.control, {made.slots}};
    }
};
} // namespace v2025_05

template <typename T> union MaybeInitializedPtr {
    T *p;
};

namespace v2025_08
{
using v2025_05::HashtableSize;
struct HeapPtrs {
    MaybeInitializedPtr<ctrl_t> control;
    MaybeInitializedPtr<void> slot_array;
};
using HeapOrSoo = PointersOrSlot<HeapPtrs>;
struct CommonFields {
    std::size_t capacity_;
    HashtableSize size_;
    HeapOrSoo heap_or_soo_;

    void set(const Made &made)
    {
        const std::uint64_t seed = 0xbeef;
        capacity_ = made.capacity;
        size_.data_ = std::uint64_t(made.size) << 17 | std::uint64_t(made.is_sampled) << 16 | seed;
        heap_or_soo_.heap = {{made.control}, {made.slots}};
    }
};
} // namespace v2025_08

namespace v2026_05
{
using v2025_08::HeapOrSoo;
struct HashtableInlineData {
    std::uint64_t capacity_internal_ : 8;
    std::uint64_t data_ : 56;
};
struct CommonFields {
    HashtableInlineData inline_data_;
    HeapOrSoo heap_or_soo_;

    void set(const Made &made)
    {
        const std::uint64_t seed = 0xef;
        inline_data_.capacity_internal_ = static_cast<unsigned>(__builtin_ctzl(made.capacity + 1));
        inline_data_.data_ =
            std::uint64_t(made.size) << 9 | std::uint64_t(made.is_sampled) << 8 | seed;
        heap_or_soo_.heap = {{made.control}, {made.slots}};
    }
};
} // namespace v2026_05

namespace v2026_08
{
struct HeapPtrs {
    MaybeInitializedPtr<ctrl_t> control;
};
using HeapOrSoo = PointersOrSlot<HeapPtrs>;
struct HashtableInlineData {
    std::uint64_t capacity_internal_ : 6;
    std::uint64_t data_ : 58;
};
struct CommonFields {
    HashtableInlineData inline_data_;
    HeapOrSoo heap_or_soo_;

    void set(const Made &made)
    {
        const std::uint64_t seed = 0x1f;
        inline_data_.capacity_internal_ = static_cast<unsigned>(__builtin_ctzl(made.capacity + 1));
        inline_data_.data_ = std::uint64_t(made.size) << 9 | std::uint64_t(made.blocked) << 6 |
                             std::uint64_t(made.is_sampled) << 5 | seed;
        heap_or_soo_.heap = {{made.control}};
    }
};
} // namespace v2026_08

/* ---- containers ------------------------------------------------------------------------------ */

template <typename Policy, typename CommonFields> struct raw_hash_set {
    using slot_type = typename Policy::slot_type;
    CompressedTuple<CommonFields, std::hash<int>, std::equal_to<int>, std::allocator<int>>
        settings_;

    void set(const Made &made)
    {
        settings_.Storage<CommonFields, 0>::value.set(made);
    }
};

template <typename CommonFields, typename K, typename V>
struct flat_hash_map : raw_hash_set<FlatHashMapPolicy<K, V>, CommonFields> {
};
template <typename CommonFields, typename K, typename V>
struct node_hash_map : raw_hash_set<NodeHashMapPolicy<K, V>, CommonFields> {
};

/* parallel-hashmap: the oldest layout, with a std::tuple, in shards. */
namespace phmap
{
struct HashtablezInfoHandle {
};
template <typename Policy> struct raw_hash_set {
    using slot_type = typename Policy::slot_type;
    ctrl_t *ctrl_;
    slot_type *slots_;
    std::size_t size_;
    std::size_t capacity_;
    HashtablezInfoHandle infoz_;
    std::tuple<std::size_t, std::hash<int>, std::equal_to<int>, std::allocator<int>> settings_;

    void set(const Made &made)
    {
        ctrl_ = made.control;
        slots_ = static_cast<slot_type *>(made.slots);
        size_ = made.size;
        capacity_ = made.capacity;
        std::get<0>(settings_) = made.growth_left;
    }
};
template <typename K, typename V> struct flat_hash_map : raw_hash_set<FlatHashMapPolicy<K, V>> {
};
template <typename K, typename V> struct parallel_flat_hash_map {
    struct Inner : std::mutex {
        flat_hash_map<K, V> set_;
    };
    std::array<Inner, 4> sets_;
};
} // namespace phmap

/* ---- their contents -------------------------------------------------------------------------- */

/* What a table is to hold, and how its release keeps its growth left. */
struct Plan {
    std::size_t capacity, size, deleted;
    enum { FIELD, WORD, BYTE } room = WORD;
    bool is_sampled = false;
    std::size_t blocked = 0;
    int first = 0; /* key */
};

static std::size_t limit_of(const Plan &plan)
{
    if (plan.room == Plan::BYTE && plan.capacity < 4 * WIDTH)
        return plan.capacity - (plan.capacity >= WIDTH - 1) - plan.blocked;
    return plan.capacity - plan.capacity / 8 - plan.blocked;
}

/* A key's value, in a slot of its own or behind a pointer. */
static void put(map_slot_type<int, int> &slot, int key)
{
    slot.mutable_value = {key, -key};
}
static void put(std::pair<const int, int> *&slot, int key)
{
    slot = new std::pair<const int, int>(key, -key);
}

template <typename Map> void make(Map &map, const Plan &plan)
{
    using Slot = typename Map::slot_type;
    std::size_t used = plan.size + plan.deleted, left = limit_of(plan) - used;
    std::size_t bytes = plan.capacity + WIDTH, room = (bytes + 7) & ~std::size_t{7};
    std::size_t before = plan.room == Plan::FIELD ? 0 : 8 + 8 * std::size_t{plan.is_sampled};
    if (plan.room == Plan::BYTE)
        before += room - bytes; /* slots stand right behind the control bytes */
    auto *block = static_cast<char *>(
        std::calloc(1, before + room + (plan.capacity - plan.blocked) * sizeof(Slot)));
    auto *control = reinterpret_cast<ctrl_t *>(block + before);
    auto *slots = reinterpret_cast<Slot *>(
        block + (plan.room == Plan::BYTE ? before + bytes : before + room));

    std::memset(control, int(ctrl_t::kEmpty), bytes);
    auto set = [&](std::size_t slot, ctrl_t byte) {
        control[slot] = byte;
        if (slot < WIDTH - 1)
            control[plan.capacity + 1 + slot] = byte;
    };
    for (std::size_t i = 0; i < plan.size; i++) {
        set(i, ctrl_t(i * 5 % 128));
        put(slots[i], plan.first + int(i));
    }
    for (std::size_t i = plan.size; i < used; i++)
        set(i, ctrl_t::kDeleted);
    for (std::size_t i = plan.capacity - plan.blocked; i < plan.capacity; i++)
        set(i, ctrl_t::kSentinel);
    control[plan.capacity] = ctrl_t::kSentinel;
    if (plan.room == Plan::WORD)
        reinterpret_cast<std::uint64_t *>(control)[-1] = left | std::uint64_t{plan.deleted > 0}
                                                                    << 63;
    if (plan.room == Plan::BYTE && plan.capacity < 128)
        reinterpret_cast<unsigned char *>(control)[-1] =
            static_cast<unsigned char>(left | std::size_t{plan.deleted > 0} << 7);
    if (plan.room == Plan::BYTE && plan.capacity > 127) {
        std::size_t low = left < 127 ? left : 127;
        std::uint64_t word = std::uint64_t{low | std::size_t{plan.deleted > 0} << 7} << 56;
        word |= left - low;
        std::memcpy(reinterpret_cast<char *>(control) - 8, &word, 8);
    }
    map.set({control, slots, plan.capacity, plan.size, left, plan.blocked, plan.is_sampled});
}

/* The one slot of a table is in the map. */
template <typename Map> void make_inline(Map &map, std::size_t size)
{
    auto &common = map.settings_;
    map.set({nullptr, nullptr, 1, size, 0, 0, false});
    if (size)
        put(*reinterpret_cast<typename Map::slot_type *>(&common.value.heap_or_soo_.soo_data), 0);
}

/* The one slot of a table is in a block, without control bytes. */
template <typename Map> void make_bare(Map &map)
{
    auto *slot =
        static_cast<typename Map::slot_type *>(std::calloc(1, sizeof(typename Map::slot_type)));

    put(*slot, 0);
    map.set({reinterpret_cast<ctrl_t *>(slot), slot, 1, 1, 0, 0, false});
}

/* Too large for a map itself. */
struct Large {
    int number;
    char rest[60];
};
static void put(map_slot_type<int, Large> &slot, int key)
{
    slot.mutable_value = {key, Large{-key, {}}};
}

/* ---- the maps -------------------------------------------------------------------------------- */

struct v2022_map : v2022::raw_hash_set<FlatHashMapPolicy<int, int>> {
} v2022_some, v2022_sampled;
flat_hash_map<v2023_01::CommonFields, int, int> v2023_01_some;
flat_hash_map<v2023_08::CommonFields, int, int> v2023_08_some;
node_hash_map<v2023_08::CommonFields, int, int> v2023_08_nodes;
flat_hash_map<v2024_01::CommonFields, int, int> v2024_01_some, v2024_01_sampled;
flat_hash_map<v2024_07::CommonFields, int, int> v2024_07_some, v2024_07_sampled, v2024_07_inline,
    v2024_07_empty, v2024_07_moved, v2024_07_destroyed;
flat_hash_map<v2024_07::CommonFields, int, Large> v2024_07_large;
flat_hash_map<v2025_05::CommonFields, int, int> v2025_05_some, v2025_05_sampled, v2025_05_inline;
flat_hash_map<v2025_08::CommonFields, int, int> v2025_08_some, v2025_08_inline;
flat_hash_map<v2025_08::CommonFields, int, Large> v2025_08_bare;
node_hash_map<v2025_08::CommonFields, int, int> v2025_08_node;
flat_hash_map<v2026_05::CommonFields, int, int> v2026_05_some, v2026_05_sampled, v2026_05_inline,
    v2026_05_moved;
flat_hash_map<v2026_08::CommonFields, int, int> v2026_08_some, v2026_08_small, v2026_08_blocked,
    v2026_08_sampled, v2026_08_inline;
flat_hash_map<v2026_08::CommonFields, int, Large> v2026_08_bare;
phmap::flat_hash_map<int, int> phmap_some;
phmap::parallel_flat_hash_map<int, int> phmap_shards;

extern "C" __attribute__((noinline)) void fixture_stop(void)
{
    __asm__ volatile("" ::: "memory");
}

int main()
{
    make(v2022_some, {1023, 500, 100, Plan::FIELD});
    make(v2022_sampled, {15, 10, 2, Plan::FIELD, true});
    make(v2023_01_some, {1023, 500, 100, Plan::FIELD});
    make(v2023_08_some, {1023, 500, 100});
    make(v2023_08_nodes, {63, 50, 3});
    make(v2024_01_some, {1023, 500, 100});
    make(v2024_01_sampled, {31, 20, 5, Plan::WORD, true});
    make(v2024_07_some, {1023, 500, 100});
    make(v2024_07_sampled, {31, 20, 5, Plan::WORD, true});
    make_inline(v2024_07_inline, 1);
    make_inline(v2024_07_empty, 0);
    make(v2024_07_large, {1, 1, 0});
    /* The capacities of builds with assertions. */
    v2024_07_moved.set({nullptr, nullptr, ~std::size_t{0} - 100 + 3, 0, 0, 0, false});
    v2024_07_destroyed.set({nullptr, nullptr, ~std::size_t{0} - 100 + 2, 0, 0, 0, false});
    make(v2025_05_some, {1023, 500, 100});
    make(v2025_05_sampled, {31, 20, 5, Plan::WORD, true});
    make_inline(v2025_05_inline, 1);
    make(v2025_08_some, {1023, 500, 100});
    make_inline(v2025_08_inline, 1);
    make_bare(v2025_08_bare);
    make_inline(v2025_08_node, 1);
    make(v2026_05_some, {1023, 500, 100});
    make(v2026_05_sampled, {31, 20, 5, Plan::WORD, true});
    make_inline(v2026_05_inline, 1);
    make_inline(v2026_05_moved, 0);
    v2026_05_moved.settings_.value.inline_data_.capacity_internal_ = 155 + 3;
    make(v2026_08_some, {1023, 500, 100, Plan::BYTE});
    make(v2026_08_small, {63, 60, 2, Plan::BYTE});
    make(v2026_08_blocked, {31, 20, 0, Plan::BYTE, false, 5});
    make(v2026_08_sampled, {31, 20, 5, Plan::BYTE, true});
    make_inline(v2026_08_inline, 1);
    make_bare(v2026_08_bare);
    make(phmap_some, {1023, 500, 100, Plan::FIELD});
    for (int i = 0; i < 3; i++)
        make(phmap_shards.sets_[std::size_t(i)].set_,
             {127, 100, 5, Plan::FIELD, false, 0, 100 * i});
    /* One shard is empty: its control bytes are those of no map. */
    static ctrl_t nothing[16] = {ctrl_t::kSentinel, ctrl_t::kEmpty};
    phmap_shards.sets_[3].set_.set({nothing, nullptr, 0, 0, 0, 0, false});
    fixture_stop();
    return 0;
}
