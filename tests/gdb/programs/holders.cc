// Maps in what C++ has to hold values of several types, or none: behind base classes, in variants,
// optionals, std::any, std::function; and remnants of maps that are none any more.
//
// Prints a line for each map that is alive, "MAP <address> <entries> <how>", and stops in stop().
// Built from two objects: this file, and this file again with OTHER defined.

#include <any>
#include <array>
#include <cstdio>
#include <deque>
#include <forward_list>
#include <functional>
#include <initializer_list>
#include <list>
#include <memory>
#include <new>
#include <optional>
#include <scoped_allocator>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>
#if __has_include(<memory_resource>)
#include <memory_resource>
#define HAS_PMR 1
#endif
#if __cplusplus > 201703L
#include <expected>
#include <span>
#endif

using Map = std::unordered_map<int, int>;

struct Handler {
    virtual ~Handler() = default;
    virtual int answer() const
    {
        return 0;
    }
    Map base;
};

struct Other {
    virtual ~Other() = default;
    long other = 1;
};

void tell(const Map &map, const char *how);
Map make();
Handler *other_handler();

#ifdef OTHER

// Of the same name as one of the other file, and of another layout.
namespace
{
struct Hidden : Handler {
    std::string text = "another one";
    long numbers[7] = {};
    Map hidden = make();
};
} // namespace

Handler *other_handler()
{
    auto *out = new Hidden;
    tell(out->base, "hidden of the other file, its base");
    tell(out->hidden, "hidden of the other file");
    return out;
}

#else

static int made;

void tell(const Map &map, const char *how)
{
    std::printf("MAP %p %zu %s\n", static_cast<const void *>(&map), map.size(), how);
}

Map make()
{
    Map out;
    made++;
    for (int i = 0; i < made * 2; i++)
        out[i * 31] = i;
    return out;
}

namespace
{
struct Hidden : Handler {
    Map hidden = make();
    int answer() const override
    {
        return 1;
    }
};
} // namespace

// The part that is pointed to is not at the beginning.
struct Both : Other, Handler {
    Map both = make();
};

template <class T> struct Of : Handler {
    T value = make();
};

template <int Tag, class T> struct Tagged {
    using value_type = T;
    template <class U> struct rebind {
        using other = Tagged<Tag, U>;
    };
    Tagged() = default;
    template <class U> Tagged(const Tagged<Tag, U> &)
    {
    }
    T *allocate(std::size_t n)
    {
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T *p, std::size_t n)
    {
        std::allocator<T>().deallocate(p, n);
    }
    bool operator==(const Tagged &) const
    {
        return true;
    }
    bool operator!=(const Tagged &) const
    {
        return false;
    }
};

template <class A> using MapOf = std::unordered_map<int, long, std::hash<int>, std::equal_to<>, A>;
using Pair = std::pair<const int, long>;

struct Union {
    int which;
    union {
        long number;
        Map map;
        char bytes[64];
    };
    Union() : which(0), number(0)
    {
    }
    ~Union()
    {
    }
};

std::vector<std::unique_ptr<Handler>> handlers;
std::shared_ptr<Handler> shared;
Handler *raw;
Other *sideways;
std::unordered_map<std::string, std::unique_ptr<Handler>> by_name;
std::variant<int, Map, std::string, std::unique_ptr<Map>> variant, second_variant, other_variant,
    valueless, of_pointer;
std::any any, small_any, empty_any;
std::function<std::size_t()> function, small_function, counted_function, empty_function;
std::forward_list<Map> forward;
std::array<Map, 2> array;
std::deque<Map> deque;
std::optional<Map> optional, emptied, never;
std::optional<std::vector<Map>> optional_vector, emptied_vector;
std::weak_ptr<Map> alive, expired;
std::shared_ptr<void> made_void, given_void, deleted_void, part_void, no_void;
std::weak_ptr<void> alive_void, expired_void;
std::shared_ptr<Map[]> of_array, no_array;
std::shared_ptr<Map[2]> of_two;
Union in_use, dead, never_used;
MapOf<Tagged<3, Pair>> tagged;
MapOf<std::scoped_allocator_adaptor<std::allocator<Pair>>> scoped;
#ifdef HAS_PMR
std::pmr::unordered_map<int, long> pmr;
#endif
#if __cplusplus > 201703L
std::span<Map> span;
std::span<Map, 2> fixed_span = array;
std::shared_ptr<Map[]> made_array;
std::move_only_function<std::size_t()> move_only, small_move_only, no_move_only, moved_from;
std::move_only_function<std::size_t()> lent_move_only;
std::move_only_function<std::size_t() const> object_move_only;
std::expected<Map, std::string> expected, unexpected = std::unexpected(std::string("no"));
#endif

struct Lent {
    Map *map;
    std::size_t operator()() const
    {
        return map->size();
    }
};

extern "C" __attribute__((noinline)) void stop()
{
    __asm__ volatile("" : : : "memory");
}

struct Throws {
    operator Map() const
    {
        throw 1;
    }
};

template <class M> static void fill(M &map, const char *how, int count)
{
    for (int i = 0; i < count; i++)
        map[i] = i;
    std::printf("MAP %p %zu %s\n", static_cast<const void *>(&map), map.size(), how);
}

static void make_handlers()
{
    auto hidden = std::make_unique<Hidden>();
    tell(hidden->base, "hidden, its base");
    tell(hidden->hidden, "hidden");
    handlers.push_back(std::move(hidden));
    handlers.push_back(std::unique_ptr<Handler>(other_handler()));
    handlers.push_back(std::make_unique<Handler>());
    tell(handlers.back()->base, "the base itself");
    auto both = std::make_shared<Both>();
    tell(both->base, "both, the base");
    tell(both->both, "both");
    shared = both;
    auto *of = new Of<Map>;
    tell(of->base, "of, the base");
    tell(of->value, "of");
    raw = of;
    auto *side = new Both;
    tell(side->base, "sideways, the base");
    tell(side->both, "sideways");
    sideways = side;
    struct Local : Handler {
        Map local = make();
    };
    auto local = std::make_unique<Local>();
    tell(local->base, "local class, the base");
    tell(local->local, "local class");
    by_name["a"] = std::move(local);
    std::printf("MAP %p 1 by name\n", static_cast<void *>(&by_name));
}

int main()
{
    make_handlers();
    variant = make();
    tell(std::get<Map>(variant), "variant");
    second_variant = make();
    second_variant = 7;
    other_variant = make();
    other_variant = "text";
    try {
        valueless = make();
        valueless.emplace<Map>(Throws());
    } catch (int) {
    }
    of_pointer = std::make_unique<Map>(make());
    tell(*std::get<3>(of_pointer), "variant of a pointer");
    any = make();
    tell(std::any_cast<Map &>(any), "any");
    static Map outside = make();
    tell(outside, "outside");
    small_any = &outside;
    empty_any = make();
    empty_any.reset();
    function = [m = make()] { return m.size(); };
    small_function = [m = new Map(make())] { return m->size(); };
    counted_function = [m = std::make_shared<Map>(make())] { return m->size(); };
    empty_function = function;
    empty_function = nullptr;
    for (int i = 0; i < 3; i++)
        forward.push_front(make());
    for (const Map &one : forward)
        tell(one, "forward_list");
    array = {make(), make()};
    for (const Map &one : array)
        tell(one, "array");
    deque.push_back(make());
    tell(deque[0], "deque");
    optional = make();
    tell(*optional, "optional");
    emptied = make();
    emptied.reset();
    optional_vector.emplace();
    optional_vector->push_back(make());
    tell((*optional_vector)[0], "optional vector");
    emptied_vector.emplace(3, make());
    emptied_vector.reset();
    static auto owner = std::make_shared<Map>(make());
    alive = owner;
    tell(*owner, "owner");
    auto gone = std::make_shared<Map>(make());
    expired = gone;
    gone.reset();
    made_void = std::make_shared<Map>(make());
    tell(*static_cast<Map *>(made_void.get()), "made void");
    given_void = std::shared_ptr<Map>(new Map(make()));
    tell(*static_cast<Map *>(given_void.get()), "given void");
    deleted_void = std::shared_ptr<Map>(new Map(make()), [](Map *map) { delete map; });
    tell(*static_cast<Map *>(deleted_void.get()), "deleted void");
    // Points to a part of what it owns.
    auto whole = std::make_shared<std::pair<int, Map>>(1, make());
    part_void = std::shared_ptr<void>(whole, &whole->second);
    tell(whole->second, "part void");
    whole.reset();
    alive_void = owner;
    auto other_gone = std::make_shared<Map>(make());
    expired_void = other_gone;
    other_gone.reset();
    of_array.reset(new Map[3]{make(), make(), make()});
    of_two.reset(new Map[2]{make(), make()});
    for (int i = 0; i < 3; i++)
        tell(of_array[i], "of array");
    for (int i = 0; i < 2; i++)
        tell(of_two[i], "of two");
    new (&in_use.map) Map(make());
    in_use.which = 1;
    tell(in_use.map, "union");
    new (&dead.map) Map(make());
    dead.map.~Map();
    dead.number = 5;
    fill(tagged, "tagged", 300);
    fill(scoped, "scoped", 310);
#ifdef HAS_PMR
    fill(pmr, "pmr", 320);
#endif
    auto lambda = [kept = make(), &by_reference = outside] { return kept.size(); };
    std::printf("MAP * %d lambda\n", made * 2);
#if __cplusplus > 201703L
    static Map *spanned = new Map[2]{make(), make()};
    span = std::span<Map>(spanned, 2);
    tell(spanned[0], "span");
    tell(spanned[1], "span");
    made_array = std::make_shared<Map[]>(3, make());
    for (int i = 0; i < 3; i++)
        tell(made_array[i], "made array");
    move_only = [m = make()] { return m.size(); };
    std::printf("MAP * %zu move only\n", move_only());
    small_move_only = [m = std::make_unique<Map>(make())] { return m->size(); };
    std::printf("MAP * %zu small move only\n", small_move_only());
    // What is copied byte by byte has one manager in common from gcc 16 on.
    lent_move_only = [m = new Map(make())] { return m->size(); };
    std::printf("MAP * %zu lent move only\n", lent_move_only());
    object_move_only = Lent{new Map(make())};
    std::printf("MAP * %zu object move only\n", object_move_only());
    moved_from = [m = make()] { return m.size(); };
    no_move_only = std::move(moved_from);
    no_move_only = nullptr;
    expected = make();
    tell(*expected, "expected");
#endif
    std::printf("SUMS %zu %zu %zu\n", function(), small_function(), counted_function());
    std::fflush(stdout);
    stop();
    return static_cast<int>(lambda());
}

#endif
