"""The services of every target, on the fake one."""

from __future__ import annotations

import struct

import pytest

from hmapdbg.target import Kind, TargetError, Type, Value, Variable
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.types import pointer_to

LONG = Type(Kind.INTEGER, "long", 8, signed=True)
GO_MAP = pointer_to(Type(Kind.STRUCT, "map<int,int>", 48), 8)


def number(text: str, value: int) -> Value:
    return Value(text, LONG, struct.pack("<q", value))


def test_a_value_at_an_address_is_a_cast_where_one_can_be_written() -> None:
    cast = Value("(long *) (0x1000)", pointer_to(LONG, 8), struct.pack("<Q", 0x1000))
    target = FakeTarget(values={cast.expression: cast})
    assert target.evaluate_at("long", "0x1000") == cast


def test_a_map_of_go_at_an_address_is_a_pointer_already() -> None:
    target = FakeTarget(
        types={"map[int]int": GO_MAP, "point": LONG}, values={"p + 8": number("p + 8", 0x2008)}
    )
    found = target.evaluate_at("map[int]int", "p + 8")
    assert found.type == GO_MAP
    assert found.data == struct.pack("<Q", 0x2008)
    assert found.expression == "(map[int]int *) (p + 8)"
    # Any type can be pointed to, even if no cast can express it.
    assert target.evaluate_at("point", "p + 8").type.target == LONG


def test_a_type_that_is_not_there_is_named() -> None:
    target = FakeTarget(values={"0x10": number("0x10", 0x10)})
    with pytest.raises(TargetError, match=r"no type 'map\[int\]bool' in the program"):
        target.evaluate_at("map[int]bool", "0x10")
    with pytest.raises(TargetError, match=r"no symbol '\(struct nothing \*\) \(0x10\)'"):
        target.evaluate_at("struct nothing", "0x10")


def test_locals_are_known_in_their_frame_alone() -> None:
    target = FakeTarget({0x1000: struct.pack("<q", 5)})
    target.globals = [Variable("m", LONG, None, struct.pack("<q", 1))]
    target.frames = {
        (None, 2): [Variable("m", LONG, 0x1000)],
        (7, 0): [Variable("n", LONG, 0x1000)],
    }
    assert [one.path for one in target.iter_locals()] == ["frame 2: m", "thread 7 frame 0: n"]
    with target.frame_selected(None, 2):
        assert target.evaluate("m").data == struct.pack("<q", 5)
    assert target.evaluate("m").data == struct.pack("<q", 1)
    with pytest.raises(TargetError, match="no frame 3"), target.frame_selected(None, 3):
        pass
