"""The search for maps on a fake target: types, paths, limits, and unreadable memory."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

import numpy as np
import pytest

from hmapdbg.languages.cxx import containers
from hmapdbg.listing.collect import Left, Wanted, collect, listing_of
from hmapdbg.reach import limits as time_limits
from hmapdbg.reach import misses, walk
from hmapdbg.reach.key_texts import spelled_keys
from hmapdbg.reach.limits import Limits
from hmapdbg.reach.plan import Plans, Way
from hmapdbg.reach.steps import Path, is_too_long
from hmapdbg.reach.walk import Search
from hmapdbg.target import Field, Gap, Kind, TargetError, Type, Value, Variable
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.interrupt import is_interrupt
from hmapdbg.target.types import array_of, pointer_to

INT = Type(Kind.INTEGER, "int", 4, signed=True)
LONG = Type(Kind.INTEGER, "long", 8, signed=True)


def struct_of(name: str, size: int, *fields: tuple[str, int, Type]) -> Type:
    members = tuple(Field(field, offset, found) for field, offset, found in fields)
    return Type(Kind.STRUCT, name, size, fields=members)


# The family libhmap recognises it as a map, but cannot open it.
HMAP = struct_of(
    "struct hmap",
    32,
    ("buckets", 0, pointer_to(LONG, 8)),
    ("oldbuckets", 8, pointer_to(LONG, 8)),
    ("type", 16, pointer_to(LONG, 8)),
    ("B", 24, INT),
)


def node_type(payload: Type) -> Type:
    """struct node { struct node *next; PAYLOAD value; }"""
    found: list[Type] = []
    link = Type(Kind.POINTER, "struct node *", 8, resolve=lambda: found[0])
    found.append(
        struct_of("struct node", 8 + payload.size, ("next", 0, link), ("value", 8, payload))
    )
    return found[0]


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


# ---- paths


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (Path("a").field("b").field("c"), "a.b.c"),
        (Path("a").pointee().field("b"), "a->b"),
        (Path("a", arrow=".").pointee().field("b"), "a.b"),
        (Path("a").field("b").pointee().pointee().field("c"), "(*a.b)->c"),
        (Path("a").index("3").pointee().field("x"), "a[3]->x"),
        (Path("frame 2: a").pointee().index("1"), "frame 2: (*a)[1]"),
        (Path("thread 3 frame 2: a").pointee().pointee(), "thread 3 frame 2: *a"),
        (Path("m").pointee().elem('"k"').field("f"), 'm["k"].f'),
        (Path("m").elem("").field("f").index("1").pointee(), ""),
        (Path("main.h", arrow=".").assertion("*main.T").field("m"), "main.h.(*main.T).m"),
    ],
)
def test_path_is_spelled_as_typed(path: Path, text: str) -> None:
    assert path.text == text


CHARS = pointer_to(Type(Kind.INTEGER, "char", 1, signed=True, character=True), 8)


@pytest.mark.parametrize(
    ("found", "text", "spelled"),
    [
        (LONG, "-7", "-7"),
        (CHARS, r'"say \"hi\" \\"', r'"say \"hi\" \\"'),
        (CHARS, '"' + "x" * 149 + '"', ""),
        (CHARS, '"cut"…', ""),
        (CHARS, '"tab\there"', r'"tab\x09here"'),
        (CHARS, r'"a\x00b"', r'"a\x00b"'),
        (LONG, "<fault 0x10>", ""),
        (struct_of("struct p", 8, ("a", 0, LONG)), "{a = 1, b = 2}", "{a = 1, b = 2}"),
        (struct_of("struct p", 8, ("a", 0, LONG)), '{a = "]"}', ""),
    ],
)
def test_key_in_a_path(found: Type, text: str, spelled: str) -> None:
    assert spelled_keys(found, [text]) == [spelled]


# ---- plans


def test_types_that_lead_to_no_map_are_not_followed() -> None:
    plans = Plans(FakeTarget())
    assert plans.of(INT) is None
    assert plans.of(node_type(LONG)) is None
    assert plans.of(struct_of("struct s", 16, ("text", 0, CHARS), ("n", 8, LONG))) is None
    assert plans.of(array_of(pointer_to(LONG, 8), 4)) is None


def test_plan_has_only_what_leads_to_a_map() -> None:
    holder = struct_of(
        "struct holder",
        48,
        ("numbers", 0, pointer_to(node_type(LONG), 8)),
        ("map", 8, pointer_to(HMAP, 8)),
        ("maps", 16, array_of(pointer_to(HMAP, 8), 4)),
    )
    plan = Plans(FakeTarget()).of(holder)
    assert plan is not None and plan.leaves is not None
    assert [(leaf.way, leaf.offset) for leaf in plan.leaves] == [
        (Way.POINTER, 8),
        (Way.ARRAY, 16),
    ]
    assert plan.span == 16


def test_structs_of_one_name_in_two_files_are_two() -> None:
    first = struct_of("struct s", 8, ("map", 0, pointer_to(HMAP, 8)))
    second = struct_of("struct s", 8, ("number", 0, LONG))
    plans = Plans(FakeTarget())
    assert plans.of(second) is None
    assert plans.of(first) is not None
    assert plans.of(second) is None


# ---- the search


def test_chain_is_followed_to_its_end_and_a_cycle_once() -> None:
    node = node_type(pointer_to(HMAP, 8))
    count, base = 1000, 0x10000
    data = b"".join(
        struct.pack("<QQ", base + (number + 1) % count * 16, 0) for number in range(count)
    )
    search = Search(FakeTarget({base: data}))
    assert list(search.follow([Variable("head", node, base)], "global")) == []
    assert search.places == count
    assert search.cuts == []


def test_map_at_the_end_of_a_long_chain_goes_by_its_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And one that a few steps lead to by its path, however long the names and keys in it are."""
    node, count, base = node_type(HMAP), 5000, 0x10000
    size = node.size
    data = b"".join(
        struct.pack("<QQQQQ", base + (number + 1) * size if number + 1 < count else 0, 0, 0, 0, 0)
        for number in range(count)
    )
    paths = []

    def no_map(_: object, value: Value) -> None:
        paths.append(value.expression)
        raise TargetError("no map")

    monkeypatch.setattr(walk, "open_map", no_map)
    search = Search(FakeTarget({base: data}))
    assert not list(search.follow([Variable("head", node, base)], "global"))
    assert paths[:3] == ["head.value", "head.next->value", "head.next->next->value"]
    assert paths[100].count("->") == 100 and paths[101:] == [
        f"--type 'struct struct hmap' 0x{base + number * size + 8:x}"
        for number in range(101, count)
    ]


@pytest.mark.parametrize(
    ("text", "is_long"),
    [
        pytest.param("m" + '["10.20.30.40 -> [x] \\"*"]' * 90, False, id="text"),
        pytest.param("m" + "[{a = 1.5, b = 2.5}]" * 90, False, id="structs"),
        pytest.param("m" + "[1]" * 101, True, id="keys"),
        pytest.param("*" * 101 + "m", True, id="pointers"),
    ],
)
def test_path_is_long_by_its_steps(text: str, is_long: bool) -> None:
    assert is_too_long(text) == is_long


def test_limits_say_what_was_cut() -> None:
    node = node_type(pointer_to(HMAP, 8))
    base = 0x10000
    data = b"".join(struct.pack("<QQ", base + 16 * number + 16, 0) for number in range(1000))
    target = FakeTarget({base: data})
    variable = Variable("head", node, base)
    for limits, text in (
        (Limits(generations=10), "pointers were followed only 10 deep"),
        (
            Limits(places=20),
            "the search ended after 20 places: of 21 places known to it, 1 and what they lead to "
            "were not followed: '--places N' allows more",
        ),
        (
            Limits(seconds=0),
            "the search ended after 0 s: of 2 places known to it, 1 and what they lead to were not "
            "followed: '--seconds N' allows more",
        ),
    ):
        search = Search(target, limits)
        assert list(search.follow([variable], "global")) == []
        assert search.cuts == [text]


def test_garbage_is_no_map_and_no_error() -> None:
    segments = {0x1000: bytes(range(256)), 0x2000: struct.pack("<QQ", 0x1000, 0xDEAD0000)}
    target = FakeTarget(segments)
    holder = array_of(pointer_to(HMAP, 8), 2)
    search = Search(target)
    assert list(search.follow([Variable("v", holder, 0x2000)], "global")) == []
    assert search.misses.invalid == 2


# ---- containers


def test_places_side_by_side() -> None:
    found = containers.spread(np.array([100, 500], np.uint64), np.array([2, 3]), 8)
    assert found.addrs.tolist() == [100, 108, 500, 508, 516]
    assert found.rows.tolist() == [0, 0, 1, 1, 1]
    assert found.numbers.tolist() == [0, 1, 0, 1, 2]
    assert not found.cut


def test_too_many_places_are_cut() -> None:
    counts = np.array([5, 1 << 39])
    found = containers.spread(np.array([100, 500], np.uint64), counts, 8)
    assert found.cut and len(found.addrs) == 5


def test_container_of_too_many_is_followed_as_far_as_allowed() -> None:
    most = containers.MAX_ELEMENTS
    counts = np.array([2, 20 * most, 3])
    found = containers.spread(np.array([100, 500, 900], np.uint64), counts, 8)
    assert found.cut and len(found.addrs) == most
    assert found.addrs[[0, 1, 2]].tolist() == [100, 108, 500]
    assert np.bincount(found.rows).tolist() == [2, most - 2]


def test_list_that_never_ends_is_cut() -> None:
    element = containers.Container(containers.Shape.LIST, LONG, 16, (0,), 16)
    data = struct.pack("<QQQ", 0x1000, 0, 0)
    target = FakeTarget({0x1000: data})
    raw = np.frombuffer(struct.pack("<QQ", 0x1000, 0), np.uint8)[None]
    found = element.find(target, np.array([0x9000], np.uint64), raw)
    assert found.cut


def test_map_that_cannot_be_opened_for_whatever_reason_costs_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = FakeTarget()
    names = []

    def broken(_: object, value: Value) -> None:
        names.append(value.expression)
        raise ValueError("embedded null character")

    monkeypatch.setattr(walk, "open_map", broken)
    search = Search(target)
    variables = [Variable(name, HMAP, 0x1000 + 32 * at) for at, name in enumerate(("a", "b"))]
    assert not list(search.follow(variables, "global"))
    assert names == ["a", "b"]
    assert search.misses.failures == [
        f"{name}: ValueError: embedded null character" for name in names
    ]


def test_text_that_can_be_no_name_is_never_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    target = FakeTarget()
    asked: list[str] = []
    monkeypatch.setattr(target, "find_type", asked.append)
    for name in ("", "struct\0hmap", "a\nb", "\x1b[2J", "\ud800", "x" * 100_000):
        assert target.lookup_type(name) is None
    assert not asked
    target.lookup_type("map[string]*main.T")
    assert asked == ["map[string]*main.T"]


def test_time_starts_with_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time_limits.time, "process_time", lambda: now)
    monkeypatch.setattr(time_limits.time, "monotonic", lambda: now)
    clock = time_limits.Clock(20.0)
    now = 1000.0  # debug info has been read
    assert not clock.is_over
    now = 1021.0
    assert clock.is_over


def test_what_a_list_of_misses_has_no_room_for_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    target = FakeTarget()
    monkeypatch.setattr(target, "gap_at", lambda addr: Gap(0, 1 << 32, "why", "remedy"))
    monkeypatch.setattr(misses, "MAX_COUNTED", 3)
    monkeypatch.setattr(misses, "MAX_FAILURES", 2)
    search = Search(target)
    search.misses.add_unread(np.arange(5, dtype=np.uint64))
    for name in "abcd":
        search.misses.add_failure(name, ValueError())
    notes = "\n".join(listing_of(target, search, Left(), [], Wanted()).cuts)
    assert "left out: b" in notes and "left out: 2 more, for reasons like these" in notes
    assert "3 places lead into memory" in notes and "2 more places that could not be read" in notes


def test_no_time_is_no_limit() -> None:
    clock = time_limits.Clock(None)
    assert not clock.is_over and Limits().seconds is None


# ---- Ctrl-C


def chain_of_maps(count: int) -> tuple[FakeTarget, Variable]:
    node, base = node_type(pointer_to(HMAP, 8)), 0x10000
    data = b"".join(struct.pack("<QQ", base + 16 * at + 16, at + 1) for at in range(count))
    return FakeTarget({base: data + bytes(16)}), Variable("head", node, base)


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), ValueError("Quit"), caused(SystemError(), KeyboardInterrupt())]
)
def test_interrupt_is_known_in_every_form(error: BaseException) -> None:
    assert is_interrupt(error)
    with pytest.raises(KeyboardInterrupt):
        Search(FakeTarget()).misses.add_failure("m", error)  # type: ignore[arg-type]


def test_other_errors_are_no_interrupt() -> None:
    assert not is_interrupt(caused(ValueError("quite"), TypeError("Quit now")))


def test_interrupt_ends_the_search_with_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    target, variable = chain_of_maps(100)
    monkeypatch.setattr(target, "iter_globals", lambda: iter([variable]))
    opened = 0

    def interrupted(_: object, value: Value) -> None:
        nonlocal opened
        opened += 1
        if opened == 50:
            raise KeyboardInterrupt
        raise TargetError("no map")

    monkeypatch.setattr(walk, "open_map", interrupted)
    listing = collect(target, Wanted())
    assert opened == 50 and not listing.is_complete
    assert listing.cuts[0].startswith("the search was ended by Ctrl-C: of ")
    assert listing.cuts[1] == "globals searched only in part, locals not at all"


def test_time_that_is_over_leaves_the_rest_unsearched(monkeypatch: pytest.MonkeyPatch) -> None:
    target, variable = chain_of_maps(100)
    monkeypatch.setattr(target, "iter_globals", lambda: iter([variable]))
    monkeypatch.setattr(target, "iter_locals", lambda: pytest.fail("locals were read"))
    listing = collect(target, Wanted(limits=Limits(places=10)))
    assert listing.cuts[1] == "globals searched only in part, locals not at all"


def test_progress_is_told_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    target, variable = chain_of_maps(100)
    monkeypatch.setattr(target, "iter_globals", lambda: iter([variable]))
    said: list[tuple[str, bool]] = []

    class Said:
        def say(self, text: Callable[[], str], at_once: bool = False) -> None:
            said.append((text(), at_once))

    assert collect(target, Wanted(), Said()).is_complete
    assert said[0] == ("globals: 0 variables read", True)
    assert ("globals: 1 variable read", False) in said
    assert any(
        re.match(r"globals: 1 variable read, 60 of 6\d places", text) for text, _ in said
    ), said
    assert [text.split(":")[0] for text, at_once in said if at_once] == ["globals", "locals"]
