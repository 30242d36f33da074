"""Names of members: hidden and ambiguous ones, base classes; and what stands before a path."""

from __future__ import annotations

import pytest

from hmapdbg.reach.members import Members, find_qualified
from hmapdbg.target import Field, Kind, Type
from hmapdbg.target.spelling import Scope, split_scope

LONG = Type(Kind.INTEGER, "long", 8, signed=True)
BASE = Type(Kind.STRUCT, "ns::Base", 8, fields=(Field("cache", 0, LONG),))


def derived(name: str, *bases: Type, own: tuple[str, ...] = ()) -> Type:
    """A struct of base classes one after the other, and members behind them."""
    fields = []
    at = 0
    for one in bases:
        fields.append(Field(one.name, at, one, base=True))
        at += one.size
    for member in own:
        fields.append(Field(member, at, LONG))
        at += 8
    return Type(Kind.STRUCT, name, at, fields=tuple(fields))


HIDES = derived("Hides", BASE, own=("cache",))
LEFT, RIGHT = derived("Left", BASE, own=("own",)), derived("Right", BASE, own=("own",))
DIAMOND = derived("Diamond", LEFT, RIGHT, own=("mine",))


def test_a_member_hides_those_of_base_classes() -> None:
    found = HIDES.find("cache")
    assert found is not None and found.offset == 8
    assert DIAMOND.find("cache") is None and DIAMOND.find("own") is None
    mine = DIAMOND.find("mine")
    assert mine is not None and mine.offset == 32
    assert derived("More", HIDES).find("cache") == found


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        ("ns::Base::cache", None),  # there are two
        ("Left::ns::Base::cache", 0),
        ("Right::ns::Base::cache", 16),
        ("Right::own", 24),
        ("Right", 16),
        ("ns::Base", None),
        ("mine", None),
        ("Left::mine", None),
    ],
)
def test_names_with_base_classes(name: str, offset: int | None) -> None:
    found = find_qualified(DIAMOND, name)
    assert (None if found is None else found.offset) == offset


def test_the_shortest_name_that_means_a_member() -> None:
    def names(struct: Type, *members: str) -> tuple[str, ...]:
        way = Members()
        for name in members:
            member = next(one for one in struct.fields if one.name == name)
            way, struct = way.into(struct, member), member.type
        return way.names

    assert names(HIDES, "cache") == ("cache",)
    assert names(HIDES, "ns::Base", "cache") == ("'ns::Base::cache'",)
    assert names(DIAMOND, "Right", "ns::Base", "cache") == ("'Right::ns::Base::cache'",)
    assert names(DIAMOND, "Left") == ("'Left'",)
    assert names(DIAMOND, "mine") == ("mine",)
    assert names(derived("Only", LEFT), "Left", "own") == ("own",)
    lettered = derived("Lettered<'a'>", own=("x",))
    both = derived("Both", lettered, derived("Lettered<'b'>", own=("x",)))
    assert names(both, "Lettered<'a'>", "x") == ("",)  # no path can have it


@pytest.mark.parametrize(
    ("path", "scope", "rest"),
    [
        ("a.b", Scope(), "a.b"),
        ("frame 3: m", Scope(level=3), "m"),
        ("thread 2 frame 3: m", Scope(thread=2, level=3), "m"),
        ("thread 2: ns::m", Scope(thread=2), "ns::m"),
        ("object libx.so.1: 'f(int)'::m", Scope(object="libx.so.1"), "'f(int)'::m"),
        ("object a.so thread 7: m", Scope(object="a.so", thread=7), "m"),
        ("frame: m", Scope(), "frame: m"),
        ("object: m", Scope(), "object: m"),
        ("object x", Scope(), "object x"),
    ],
)
def test_what_stands_before_a_path(path: str, scope: Scope, rest: str) -> None:
    assert split_scope(path) == (scope, rest)
    assert scope.text + rest == path
