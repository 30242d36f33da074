"""How values are shown, compared with Python's own decoding of the same bytes."""

from __future__ import annotations

import decimal
import math
import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmapdbg.block import Column
from hmapdbg.target import Field, Kind, Type
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.types import array_of, byte_array, pointer_to
from hmapdbg.values import Renderer
from value_columns import (
    relaxed,
    CHAR,
    INT,
    INT64,
    BOOL,
    FLOAT,
    DOUBLE,
    CHAR_POINTER,
    GO_STRING,
    ORDERS,
    column,
    render,
    structure,
)


@relaxed
@given(st.data(), st.integers(1, 16), st.booleans(), st.sampled_from(["little", "big"]))
def test_integers_of_any_size_are_decimal(data, size, signed, order):
    rows = data.draw(st.lists(st.binary(min_size=size, max_size=size), min_size=1, max_size=20))
    type = Type(Kind.INTEGER, "t", size, signed=signed)
    expected = [int.from_bytes(row, order, signed=signed) for row in rows]
    assert render(type, rows, order) == [str(value) for value in expected]
    renderer = Renderer(FakeTarget(byte_order=order))
    assert renderer.decode_integers(type, column(rows)) == expected


def test_char_alone_is_a_number():
    assert render(CHAR, [b"A", b"\xff"]) == ["65", "-1"]


def test_decode_integers_is_for_plain_integers_alone():
    renderer = Renderer(FakeTarget())
    two = np.zeros((2, 4), np.uint8)
    assert renderer.decode_integers(FLOAT, Column(two)) is None
    assert renderer.decode_integers(INT, Column(two, np.array([0, 9], np.uint64))) is None
    assert renderer.decode_integers(INT, Column(two, np.zeros(2, np.uint64))) == [0, 0]
    assert renderer.decode_integers(INT64, Column(two)) is None


def test_boolean_other_than_zero_is_true():
    assert render(BOOL, [b"\0", b"\1", b"\2", b"\xff"]) == ["false", "true", "true", "true"]
    assert render(replace(BOOL, size=4), [bytes(4), b"\0\0\1\0"]) == ["false", "true"]


@ORDERS
def test_enum_shows_the_first_name_of_a_value_or_its_number(order):
    colour = Type(
        Kind.ENUM,
        "colour",
        4,
        enumerators=(("RED", 0), ("BLUE", 7), ("AZURE", 7), ("NONE", -1)),
    )
    rows = [value.to_bytes(4, order, signed=True) for value in (0, 7, -1, 5)]
    assert render(colour, rows, order) == ["RED", "BLUE", "NONE", "5"]


@ORDERS
@pytest.mark.parametrize("size", [4, 8])
def test_pointers_are_lower_case_hex(order, size):
    values = [0, 0xABCDEF, (1 << 8 * size) - 1]
    rows = [value.to_bytes(size, order) for value in values]
    assert render(pointer_to(INT, size), rows, order) == [f"0x{value:x}" for value in values]


def test_pointer_to_an_unknown_type_is_an_address():
    assert render(Type(Kind.POINTER, "void *", 8), [b"\x10" + bytes(7)]) == ["0x10"]


# Floats


def notation(digits, exponent, negative):
    """Python's repr of 0.DIGITS * 10**exponent, with float_repr_style "short"."""
    point = exponent - 1
    if -4 <= point < 16:
        if point < 0:
            text = "0." + "0" * (-point - 1) + digits
        else:
            digits = digits.ljust(point + 2, "0")
            text = digits[: point + 1] + "." + digits[point + 1 :]
    else:
        text = digits[0] + ("." + digits[1:] if digits[1:] else "") + f"e{point:+03d}"
    return "-" + text if negative else text


def shortest(value):
    """The oracle: the fewest digits that numpy reads back as the same float; of those the nearest,
    and of two equally near the even one."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == 0:
        return repr(float(value))
    exact = decimal.Decimal(float(value))
    for count in range(1, 18):
        near = []
        for rounding in (decimal.ROUND_FLOOR, decimal.ROUND_CEILING):
            context = decimal.Context(prec=count, rounding=rounding)
            candidate = context.plus(exact)
            with np.errstate(over="ignore"):
                if type(value)(str(candidate)) == value:
                    odd = candidate.as_tuple().digits[-1] % 2
                    near.append((abs(candidate - exact), odd, candidate))
        if near:
            break
    _, digits, exponent = min(near)[2].normalize().as_tuple()
    shown = "".join(map(str, digits))
    return notation(shown, exponent + len(shown), value < 0)


def test_the_oracle_agrees_with_repr():
    for value in (1.0, -0.1, 1e16, 123456789012345680.0, 1e-4, 9.999e-5, 1e22, 5e-324, 2.0**-44):
        assert shortest(np.float64(value)) == repr(value)


@relaxed
@given(st.lists(st.floats(), min_size=1, max_size=20), st.sampled_from(["little", "big"]))
def test_double_is_its_repr(values, order):
    rows = [struct.pack("<d" if order == "little" else ">d", value) for value in values]
    assert render(DOUBLE, rows, order) == [repr(value) for value in values]


@relaxed
@given(
    st.lists(st.binary(min_size=4, max_size=4), min_size=1, max_size=20),
    st.sampled_from(["little", "big"]),
)
def test_float_has_the_shortest_digits_that_read_back(rows, order):
    values = np.frombuffer(b"".join(rows), "<f4" if order == "little" else ">f4")
    texts = render(FLOAT, rows, order)
    assert texts == [shortest(np.float32(value)) for value in values]
    for text, value in zip(texts, values):
        assert np.float32(text) == value or math.isnan(value)


def test_float_near_the_borders_of_the_notation():
    values = [1e-4, -1e-4, 9.9e-5, 1.0001e-4, 1e16, 9.999999e15, 1e15, 1e8, 16777216, 0.1, -0.0]
    rows = [struct.pack("<f", value) for value in values]
    expected = "0.0001 -0.0001 9.9e-05 0.00010001 1e+16 9999999000000000.0 1000000000000000.0"
    expected += " 100000000.0 16777216.0 0.1 -0.0"
    assert render(FLOAT, rows) == expected.split()


@ORDERS
def test_every_half_float(order):
    patterns = np.arange(1 << 16, dtype=np.uint16)
    code = "<" if order == "little" else ">"
    rows = patterns.astype(code + "u2").view(np.uint8).reshape(-1, 2)
    texts = Renderer(FakeTarget(byte_order=order)).render(
        Type(Kind.FLOAT, "_Float16", 2), Column(rows)
    )
    assert texts == [shortest(value) for value in patterns.view(np.float16)]


X87 = pytest.mark.skipif(np.finfo(np.longdouble).nmant != 63, reason="host without x87")


@X87
@pytest.mark.parametrize("size", [12, 16])
def test_long_double_of_x86_is_shortest_in_80_bits(size):
    values = ["0.1", "1.5", "-2.0", "1e+4000", "0.0", "inf", "-inf", "nan", "0.0001", "1e-05"]
    values += ["1e+16", "9999999999999999.0", "100000000.0", "-1.25e-05", "-0.0"]
    rows = [np.array([text], np.longdouble).tobytes()[:10].ljust(size, b"\0") for text in values]
    assert render(Type(Kind.FLOAT, "long double", size), rows) == values
    third = (np.longdouble(1) / 3).tobytes()[:10].ljust(size, b"\0")
    assert render(Type(Kind.FLOAT, "long double", size), [third]) == ["0.33333333333333333334"]


@X87
def test_float_of_16_bytes_that_is_not_x87_is_bytes():
    quad_one = bytes(14) + b"\xff\x3f"
    unnormal = bytes(7) + b"\x01\xff\x3f" + bytes(6)
    type = Type(Kind.FLOAT, "long double", 16)
    assert render(type, [quad_one, unnormal, bytes(16)]) == [quad_one.hex(), unnormal.hex(), "0.0"]


def test_float_of_the_other_byte_order_or_an_unknown_size_is_bytes():
    row = bytes(range(16))
    assert render(Type(Kind.FLOAT, "long double", 16), [row], "big") == [row.hex()]
    assert render(Type(Kind.FLOAT, "odd", 3), [row[:3]]) == ["000102"]


def test_bytes_that_are_no_characters_are_hex():
    assert render(byte_array(3), [b"\0\xab\xff"]) == ["00abff"]
    signed = Type(Kind.INTEGER, "signed char", 1, signed=True)
    assert render(array_of(signed, 2), [b"AB"]) == ["4142"]
    assert render(Type(Kind.OTHER, "complex", 2), [b"\1\2"]) == ["0102"]
    assert render(structure(size=2), [b"\1\2"]) == ["0102"]
    assert render(byte_array(4), [b"\1\2\3\4"], max_string=2) == ["0102…"]


def test_values_without_bytes():
    nothing = [b"", b""]
    assert render(structure(size=0), nothing) == ["{}", "{}"]
    assert render(array_of(INT, 0), nothing) == ["{}", "{}"]
    assert render(Type(Kind.OTHER, "void", 0), nothing) == ["", ""]
    assert render(Type(Kind.INTEGER, "int", 0), nothing) == ["", ""]


def test_empty_columns():
    for type in (INT, INT64, BOOL, FLOAT, CHAR_POINTER, GO_STRING, array_of(CHAR, 4)):
        assert render(type, []) == []
    for type in (array_of(INT, 2), structure(Field("a", 0, INT), size=4), byte_array(3)):
        assert render(type, []) == []


@ORDERS
def test_arrays_and_structs_nest(order):
    code = "<" if order == "little" else ">"
    point = structure(Field("x", 0, INT), Field("y%", 4, FLOAT), size=8)
    outer = structure(
        Field("p", 0, array_of(point, 2)),
        Field("m", 16, array_of(array_of(BOOL, 2), 2)),
        Field("next", 24, Type(Kind.POINTER, "struct outer *", 8)),
        size=32,
    )
    rows = [
        struct.pack(code + "ififBBBB4xQ", 1, 0.5, -2, 1e20, 0, 1, 1, 0, 0x1000),
        struct.pack(code + "ififBBBB4xQ", 3, 0, 4, -0.0, 1, 1, 1, 1, 0),
    ]
    assert render(outer, rows, order) == [
        "{p = {{x = 1, y% = 0.5}, {x = -2, y% = 1e+20}},"
        " m = {{false, true}, {true, false}}, next = 0x1000}",
        "{p = {{x = 3, y% = 0.0}, {x = 4, y% = -0.0}},"
        " m = {{true, true}, {true, true}}, next = 0x0}",
    ]


def test_unions_list_all_members_and_anonymous_ones_are_inlined():
    union = Type(Kind.UNION, "u", 4, fields=(Field("a", 0, INT), Field("b", 0, FLOAT)))
    anonymous = replace(union, name="")
    outer = structure(Field("u", 0, union), Field("", 4, anonymous), size=8)
    row = struct.pack("<if", 1, 1.0)
    expected = "{u = {a = 1, b = 1e-45}, a = 1065353216, b = 1.0}"
    assert render(outer, [row]) == [expected]


@relaxed
@given(st.data(), st.sampled_from(["little", "big"]))
def test_bit_fields_of_both_byte_orders(data, order):
    widths = data.draw(st.lists(st.integers(1, 70), min_size=1, max_size=6))
    signs = data.draw(st.lists(st.booleans(), min_size=len(widths), max_size=len(widths)))
    size = -(-sum(widths) // 8)
    rows = data.draw(st.lists(st.binary(min_size=size, max_size=size), min_size=1, max_size=5))
    fields, first = [], 0
    for i, (width, signed) in enumerate(zip(widths, signs)):
        type = Type(Kind.INTEGER, "t", 8, signed=signed)
        fields.append(Field(f"f{i}", first // 8, type, bit_offset=first, bit_size=width))
        first += width
    expected = []
    for row in rows:
        whole, parts = int.from_bytes(row, order), []
        for field in fields:
            shift = field.bit_offset
            if order == "big":
                shift = 8 * size - field.bit_offset - field.bit_size
            value = whole >> shift & (1 << field.bit_size) - 1
            if field.type.signed and value >> field.bit_size - 1:
                value -= 1 << field.bit_size
            parts.append(f"{field.name} = {value}")
        expected.append("{" + ", ".join(parts) + "}")
    assert render(structure(*fields, size=size), rows, order) == expected


@ORDERS
def test_bit_fields_of_other_types(order):
    mode = Type(Kind.ENUM, "mode", 4, enumerators=(("OFF", 0), ("ON", 1), ("AUTO", 2)))
    flags = structure(
        Field("b", 0, BOOL, bit_offset=0, bit_size=1),
        Field("m", 0, mode, bit_offset=1, bit_size=2),
        size=4,
    )
    row = (0b101).to_bytes(4, "little") if order == "little" else b"\xc0\0\0\0"
    assert render(flags, [row], order) == ["{b = true, m = AUTO}"]


def test_long_arrays_are_cut_and_counted():
    renderer = Renderer(FakeTarget(), max_elements=3)
    five = array_of(Type(Kind.INTEGER, "short", 2), 5)
    rows = column([struct.pack("<5H", 1, 2, 3, 4, 5)] * 2)
    assert renderer.render(five, rows) == ["{1, 2, 3, ...}"] * 2
    assert renderer.cut_arrays == 2


def test_nesting_is_bounded():
    type = INT
    for _ in range(40):
        type = structure(Field("n", 0, type), size=4)
    (text,) = render(type, [bytes(4)])
    assert text.count("n = ") == 8 and "{...}" in text
    wide = INT
    for _ in range(30):
        wide = structure(Field("l", 0, wide), Field("r", 0, wide), size=4)
    (text,) = render(wide, [bytes(4)])
    assert text.count("{...}") == 256


def test_rows_rendered_in_parts_keep_their_places(monkeypatch):
    monkeypatch.setattr("hmapdbg.values.renderer.MAX_VALUES", 10)
    pair = structure(Field("a", 0, INT), Field("s", 4, array_of(INT, 2)), size=12)
    rows = [struct.pack("<iii", i, -i, 7) for i in range(50)]
    assert render(pair, rows) == [f"{{a = {i}, s = {{{-i}, 7}}}}" for i in range(50)]


def test_faulty_debug_info_shows_what_there_is():
    outside = structure(
        Field("a", 2, INT),
        Field("b", 0, INT, bit_offset=30, bit_size=4),
        Field("c", 0, CHAR),
        size=4,
    )
    assert render(outside, [b"\1\0\0\0"]) == ["{a = ?, b = ?, c = 1}"]
    target = FakeTarget()
    assert Renderer(target).render(INT, column([b"\1\2"])) == ["0102"]
    crooked = replace(array_of(INT, 2), size=9)
    assert render(crooked, [bytes(range(9))]) == ["000102030405060708"]
    assert render(replace(INT, size=17), [bytes(17)]) == ["00" * 17]


def test_faults_replace_values():
    for type, first in ((INT, "1"), (CHAR_POINTER, "<fault 0x1>"), (array_of(INT, 1), "{1}")):
        values = column([b"\1".ljust(type.size, b"\0")] * 4)
        addrs = np.array([8, 0xFFFFFFFFFFFFF000, 16, 0], np.uint64)
        data = Column.read(values.data, np.array([True, False, False, False]), addrs)
        texts = Renderer(FakeTarget()).render(type, data)
        assert texts == [first, "<fault 0xfffffffffffff000>", "<fault 0x10>", "<fault 0x0>"]
