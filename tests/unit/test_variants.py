"""Values of which one variant is there: as text, and as keys that a user types."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from hmapdbg.find import parse_key
from hmapdbg.target import Field, Kind, TargetError, Type, Variants
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.types import pointer_to
from hmapdbg.values import Renderer
from hmapdbg.values.literal import Braces, Name, Number, Tagged, parse
from value_columns import Column

U8 = Type(Kind.INTEGER, "u8", 1)
U32 = Type(Kind.INTEGER, "u32", 4)
U64 = Type(Kind.INTEGER, "u64", 8)
CHAR = Type(Kind.INTEGER, "char", 4, character=True)
TEXTS_AT = 0x1000


def struct_of(name: str, size: int, *members: tuple[str, int, Type]) -> Type:
    fields = tuple(Field(one, offset, type) for one, offset, type in members)
    return Type(Kind.STRUCT, name, size, fields=fields)


STR = struct_of("&str", 16, ("data_ptr", 0, pointer_to(U8, 8)), ("length", 8, U64))
MEMBERS = (
    Field("Nothing", 0, struct_of("a::Shape::Nothing", 24)),
    Field("Circle", 0, struct_of("a::Shape::Circle", 24, ("__0", 4, U32))),
    Field("Both", 0, struct_of("a::Shape::Both", 24, ("__1", 8, STR), ("__0", 4, U32))),
    Field("Rect", 0, struct_of("a::Shape::Rect", 24, ("width", 4, U32), ("height", 8, U32))),
)


def choose(raw: NDArray[np.uint8]) -> NDArray[np.int64]:
    """By the first byte."""
    found = raw[:, 0].astype(np.int64)
    return np.where(found < len(MEMBERS), found, -1)


SHAPE = replace(Type(Kind.STRUCT, "a::Shape", 24), variants=Variants(MEMBERS, choose))
PAIR = struct_of("(a::Shape, u8)", 25, ("__1", 24, U8), ("__0", 0, SHAPE))
ID = struct_of("a::Id", 4, ("__0", 0, U32))


def shape(kind: int, first: int = 0, rest: bytes = b"") -> bytes:
    return struct.pack("<II", kind, first) + rest.ljust(16, b"\0")


VALUES = {
    "Nothing": shape(0),
    "Circle(7)": shape(1, 7),
    'Both(3, "ab")': shape(2, 3, struct.pack("<QQ", TEXTS_AT, 2)),
    "Rect {width = 5, height = 6}": shape(3, 5, struct.pack("<Q", 6)),
}


def column(*rows: bytes) -> Column:
    return Column(np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1))


@pytest.fixture
def target() -> FakeTarget:
    return FakeTarget({TEXTS_AT: b"abc"})


def test_each_value_is_shown_as_its_variant(target: FakeTarget) -> None:
    renderer = Renderer(target)
    assert renderer.render(SHAPE, column(*VALUES.values())) == list(VALUES)
    assert renderer.render(SHAPE, column(shape(200))) == ["?"]
    pairs = column(*(value + b"\5" for value in VALUES.values()))
    assert renderer.render(PAIR, pairs) == [f"({text}, 5)" for text in VALUES]


def test_a_key_is_found_by_the_text_that_is_shown(target: FakeTarget) -> None:
    raw = column(*VALUES.values()).data
    for number, text in enumerate(VALUES):
        found = parse_key(target, SHAPE, text).pattern.matches(target, raw)
        assert found.tolist() == [number == one for one in range(len(VALUES))]
    pairs = column(*(value + b"\5" for value in VALUES.values())).data
    for number, text in enumerate(VALUES):
        for key in (f"({text}, 5)", f"{{{text}, 5}}"):
            found = parse_key(target, PAIR, key).pattern.matches(target, pairs)
            assert found.tolist() == [number == one for one in range(len(VALUES))]


@pytest.mark.parametrize(
    "text",
    ["Square", "Circle", "Circle(1, 2)", "Nothing(1)", 'Circle("a")', "Rect {width = 1}", "7"],
)
def test_what_is_no_variant_is_refused(text: str, target: FakeTarget) -> None:
    with pytest.raises(TargetError, match="a::Shape|u32|values"):
        parse_key(target, SHAPE, text)


def test_values_may_be_named_and_the_name_have_a_path(target: FakeTarget) -> None:
    raw = column(*VALUES.values()).data
    for text in ("Shape::Rect {height = 6, width = 5}", "a::Shape::Rect(5, 6)"):
        found = parse_key(target, SHAPE, text).pattern.matches(target, raw)
        assert found.tolist() == [False, False, False, True]


def test_a_struct_like_a_tuple_has_its_name(target: FakeTarget) -> None:
    rows = column(struct.pack("<I", 7), struct.pack("<I", 8))
    assert Renderer(target).render(ID, rows) == ["Id(7)", "Id(8)"]
    for text in ("Id(7)", "7", "{7}"):
        found = parse_key(target, ID, text).pattern.matches(target, rows.data)
        assert found.tolist() == [True, False]


def test_letters_are_shown_as_such(target: FakeTarget) -> None:
    rows = column(*(struct.pack("<I", code) for code in (97, 0xE9, 39, 0xD800)))
    assert Renderer(target).render(CHAR, rows) == ["'a'", "'é'", "'\\''", "55296"]
    for number, text in enumerate(("'a'", "'é'", "'\\''")):
        found = parse_key(target, CHAR, text).pattern.matches(target, rows.data)
        assert found.tolist() == [number == one for one in range(4)]


def test_names_have_values_only_where_they_may() -> None:
    assert parse("Some(5)") is None
    assert parse("Some(5)", tagged=True) == Tagged("Some", Braces((("", Number("5")),)))
    assert parse("(1, None)") == Braces((("", Number("1")), ("", Name("None"))))
    assert parse("(1)") is None and parse("(1 + 2)") is None
    assert parse("(" * 100 + "1" + ")" * 100) is None
