"""Keys as typed by users: literals, patterns, and errors."""

from __future__ import annotations

import math
import struct as packing
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import integer, struct
from hmapdbg.target import Field, Kind, Type
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.types import array_of, pointer_to
from hmapdbg.values.literal import Braces, Name, Number, parse, unescaped
from hmapdbg.values.pattern import Misfit, pattern_of, shape_of

INT = integer(4, signed=True, name="int")
BYTE = integer(1)
CHAR = Type(Kind.INTEGER, "char", 1, signed=True, character=True)
DOUBLE = Type(Kind.FLOAT, "double", 8, signed=True)
BOOL = Type(Kind.BOOLEAN, "bool", 1)
COLOUR = Type(Kind.ENUM, "Colour", 4, enumerators=(("ns::RED", 1), ("ns::BLUE", 7)))
POINTER = pointer_to(INT, 8)
POINT = struct("point", [("x", INT), ("y", INT)])
PADDED = struct("padded", [("tag", BYTE), ("wide", integer(8))])
NESTED = struct("nested", [("at", POINT), ("name", array_of(CHAR, 4))])


def matches(found: Type, text: str, *rows: bytes, order: Any = "little") -> list[bool]:
    target = FakeTarget(byte_order=order)
    literal = parse(text)
    assert literal is not None, text
    raw = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1)
    return pattern_of(target, found, literal).matches(target, raw).tolist()


SPELLINGS = (
    "{x = 1, y = 2}", "{1,2}", "{ y = 2, x = 1 }", "{.x=1, .y=2}", "{x: 1, y: 2,}", "{0x1, 0b10}",
    "{x=01,y=+2}", "{1u, 2L}",
)  # fmt: skip


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_struct_by_its_fields_in_any_order_or_in_their_order(text: str) -> None:
    rows = [packing.pack("<ii", *pair) for pair in ((1, 2), (2, 1), (1, 3))]
    assert matches(POINT, text, *rows) == [True, False, False]


def test_padding_is_not_compared() -> None:
    rows = [b"\x05" + junk * 7 + packing.pack("<Q", 9) for junk in (b"\0", b"\xaa")]
    assert matches(PADDED, "{tag = 5, wide = 9}", *rows) == [True, True]
    assert matches(PADDED, "{5, 8}", *rows) == [False, False]


def test_structs_in_structs_and_text_in_arrays() -> None:
    rows = [packing.pack("<ii4s", 1, 2, name) for name in (b"ab\0\xff", b"abcd", b"ab\0\0")]
    assert matches(NESTED, '{at = {1, 2}, name = "ab"}', *rows) == [True, False, True]
    assert matches(NESTED, '{{y = 2, x = 1}, "abcd"}', *rows) == [False, True, False]


@pytest.mark.parametrize(
    ("found", "text", "number"),
    [
        (INT, "-7", -7),
        (INT, "0x10", 16),
        (INT, "017", 15),
        (INT, "1_000", 1000),
        (INT, "'A'", 65),
        (INT, "65 'A'", 65),
        (INT, "'\\n'", 10),
        (INT, "2e3", 2000),
        (COLOUR, "RED", 1),
        (COLOUR, "ns::BLUE", 7),
        (COLOUR, "7", 7),
        (BOOL, "true", 1),
        (POINTER, "nil", 0),
        (POINTER, "NULL", 0),
        (POINTER, "0x7fff12345678", 0x7FFF12345678),
    ],
)
@pytest.mark.parametrize("order", ["little", "big"])
def test_numbers_in_any_base_characters_and_names(
    found: Type, text: str, number: int, order: Any
) -> None:
    row = number.to_bytes(found.size, order, signed=number < 0)
    assert matches(found, text, row, bytes(found.size - 1) + b"\x63", order=order)[0]


@pytest.mark.parametrize("text", ["nan", "NaN", "-nan"])
def test_a_nan_is_any_nan(text: str) -> None:
    rows = [packing.pack("<d", value) for value in (math.nan, -math.nan, math.inf, 0.0)]
    assert matches(DOUBLE, text, *rows) == [True, True, False, False]


def test_floats_are_compared_as_numbers() -> None:
    rows = [packing.pack("<d", value) for value in (0.0, -0.0, 0.1, 1e100, -math.inf)]
    assert matches(DOUBLE, "0", *rows) == [True, True, False, False, False]
    assert matches(DOUBLE, "0.1", *rows) == [False, False, True, False, False]
    assert matches(DOUBLE, "1E+100", *rows) == [False, False, False, True, False]
    assert matches(DOUBLE, "-inf", *rows) == [False, False, False, False, True]


def test_arrays_and_bytes() -> None:
    assert matches(array_of(INT, 2), "{1, 2}", packing.pack("<ii", 1, 2)) == [True]
    assert matches(array_of(BYTE, 4), "0a0b0c0d", b"\x0a\x0b\x0c\x0d") == [True]
    assert matches(array_of(BYTE, 4), "{10, 11, 12, 13}", b"\x0a\x0b\x0c\x0d") == [True]
    assert matches(array_of(BYTE, 4), '"\\n\\v\\f\\r"', b"\x0a\x0b\x0c\x0d") == [True]


# What begins with "ab" and ends with "yz", with more between them; also as wider characters.
TEXTS = (b"ab-yz", b"abyz", b"ab", b"", b"ab\xc3\xa9yz", b"ab-y", b"xb-yz", b"ab" * 50 + b"yz")
WITH_BOTH = [True, False, False, False, True, False, False, True]
WITH_START = [True, True, False, False, True, True, False, True]


def test_text_by_its_beginning_and_its_end() -> None:
    found = array_of(CHAR, 120)
    rows = [text.ljust(120, b"\0") for text in TEXTS]
    assert matches(found, '"ab"..."yz"', *rows) == WITH_BOTH
    assert matches(found, '"ab" ... ', *rows) == WITH_START
    assert matches(found, '""...', *rows) == [True, True, True, False, True, True, True, True]
    assert matches(array_of(CHAR, 4), '"ab"..."d"', b"abcd", b"abd\0", b"ab\0d") == [
        *(True, False, False)
    ]


@pytest.mark.parametrize(("unit", "code"), [(1, "utf-8"), (2, "utf-16-le"), (4, "utf-32-le")])
def test_text_behind_pointers_by_its_beginning_and_its_end(unit: int, code: str) -> None:
    letter = Type(Kind.INTEGER, "letter", unit, signed=unit == 1, character=True)
    segments = {
        0x1000 * (number + 1): text.decode().encode(code).ljust(0x1000, b"\0")
        for number, text in enumerate(TEXTS)
    }
    target = FakeTarget(segments)
    addrs = np.array([*segments, 0], "<u8")
    raw = addrs.view(np.uint8).reshape(-1, 8)
    for text, expected in (('"ab"..."yz"', WITH_BOTH), ('"ab"...', WITH_START)):
        literal = parse(text)
        assert literal is not None
        pattern = pattern_of(target, pointer_to(letter, 8), literal)
        assert pattern.matches(target, raw).tolist() == [*expected, False]


@pytest.mark.parametrize("text", ['"a"..', '"a"..."', '"a"...b', '..."a"', '"a"..."b"..."c"'])
def test_dots_that_are_not_between_texts(text: str) -> None:
    assert parse(text) is None


def test_bit_fields() -> None:
    found = Type(
        Kind.STRUCT, "flags", 4,
        fields=(Field("low", 0, INT, 0, 3), Field("high", 0, INT, 3, 5)),
    )  # fmt: skip
    rows = [packing.pack("<I", number) for number in (0b10101_011, 0b10101_010, 0xFFFFFF_AB)]
    assert matches(found, "{low = 3, high = 21}", *rows) == [True, False, True]


@pytest.mark.parametrize(
    ("found", "text", "why"),
    [
        (POINT, "{x = 1}", "2 values are expected, not 1"),
        (POINT, "{x = 1, z = 2}", "no value for 'y'"),
        (POINT, "{x = 1, 2}", "name all values or none"),
        (POINT, "{x = 1, x = 2}", "2 values"),
        (POINT, "{1, 2, 3}", "2 values are expected, not 3"),
        (POINT, '{1, "a"}', "'int' is expected"),
        (POINT, "5", "'point' is expected"),
        (INT, "0x100000000", "'int' ranges from -2147483648 to 2147483647"),
        (INT, "1.5", "'int' is expected"),
        (COLOUR, "GREEN", "'Colour' is expected"),
        (DOUBLE, '"1"', "a number is expected"),
        (array_of(INT, 2), "{1}", "2 values are expected, not 1"),
        (array_of(CHAR, 2), '"abc"', "at most 2 bytes"),
    ],
)
def test_what_does_not_fit_is_refused(found: Type, text: str, why: str) -> None:
    literal = parse(text)
    assert literal is not None
    with pytest.raises(Misfit, match=why.replace("'", ".")):
        pattern_of(FakeTarget(), found, literal)


@pytest.mark.parametrize("text", ["", "a b", "{1", "{1,,2}", "1 2", '"a', "a + b", "f(x)", "{1}}",
                                  "p->q", "x[1]", "{" * 100 + "1" + "}" * 100])  # fmt: skip
def test_what_is_no_literal_is_none(text: str) -> None:
    assert parse(text) is None


def test_shapes_are_what_one_types() -> None:
    assert shape_of(NESTED) == '{at = {x = int, y = int}, name = "text"}'
    assert shape_of(array_of(INT, 3)) == "{int, … 3 in all}"
    assert shape_of(COLOUR) == "ns::RED"


def test_escapes() -> None:
    assert unescaped(r"\x41\102\n\\\"\u00e9\0") == b'AB\n\\"\xc3\xa9\0'


VALUES = st.recursive(
    st.integers(-(1 << 63), 1 << 63).map(str),
    lambda inner: st.lists(inner, min_size=1, max_size=4).map(lambda one: f"{{{', '.join(one)}}}"),
)


@given(VALUES)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_every_nested_list_of_numbers_is_parsed(text: str) -> None:
    def again(literal: object) -> str:
        if isinstance(literal, Braces):
            return "{" + ", ".join(again(value) for _, value in literal.items) + "}"
        assert isinstance(literal, Number)
        return str(literal.integer())

    assert again(parse(text)) == text


@given(st.text(max_size=30))
@settings(max_examples=500, deadline=None, derandomize=True)
def test_any_text_is_parsed_or_refused(text: str) -> None:
    literal = parse(text)
    if isinstance(literal, Name):
        assert literal.text == text.strip()
