"""Offsets from type descriptions, and decoding with them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders import integer, struct
from hmapdbg.layout import struct_layout
from hmapdbg.target import Kind, TargetError, Type
from hmapdbg.target.types import Field, array_of, pointer_to

U8, U16, U32, U64 = (integer(size) for size in (1, 2, 4, 8))
INNER = struct("", [("low", U16), ("high", U16)])
SAMPLE = struct(
    "struct sample",
    [
        ("count", U64),
        ("flags", U8),
        ("signed", integer(4, signed=True)),
        ("", INNER),
        ("next", pointer_to(U64, 8)),
        ("yes", Type(Kind.BOOLEAN, "bool", 1)),
        ("state", Type(Kind.ENUM, "enum state", 4)),
        ("array", array_of(U32, 2)),
        ("ratio", Type(Kind.FLOAT, "double", 8)),
        ("wide", integer(16)),
    ],
)
SCALARS = ["count", "flags", "signed", "low", "high", "next", "yes", "state"]


@pytest.mark.parametrize("order", ["little", "big"])
def test_scalars_are_decoded_at_their_offsets_in_the_target_s_order(order: str) -> None:
    layout = struct_layout(SAMPLE, SCALARS)
    values = {
        "count": (1 << 64) - 2,
        "flags": 0x81,
        "signed": -5,
        "low": 0x1234,
        "high": 0xFEDC,
        "next": 0xFFFF_8000_0000_1000,
        "yes": 1,
        "state": 0x8000_0001,
    }
    data = bytearray(b"\xaa" * layout.size)
    for name, value in values.items():
        member = layout[name]
        data[member.offset : member.offset + member.size] = value.to_bytes(
            member.size, order, signed=name == "signed"
        )
    assert layout.decode(bytes(data), order) == values  # type: ignore[arg-type]
    assert layout.dtype("<" if order == "little" else ">").itemsize == SAMPLE.size


def test_members_say_where_they_lie_and_whence_that_is_known() -> None:
    layout = struct_layout(replace(SAMPLE, source="file"), ["count", "high"], ["nosuch", "array"])
    assert (layout.name, layout.size) == ("struct sample", SAMPLE.size)
    assert [(one.name, one.offset, one.size, one.source) for one in layout.members] == [
        ("count", 0, 8, "file"),
        ("high", 18, 2, "file"),
        ("array", SAMPLE.find("array").offset, 8, "file"),  # type: ignore[union-attr]
    ]
    assert "array" in layout and "nosuch" not in layout
    with pytest.raises(KeyError):
        layout["nosuch"]


def test_what_is_no_scalar_is_not_decoded() -> None:
    layout = struct_layout(SAMPLE, ["array", "ratio", "wide", "flags"])
    assert list(layout.decode(bytes(layout.size), "little")) == ["flags"]


def test_missing_field_is_named_with_the_remedy() -> None:
    with pytest.raises(TargetError) as error:
        struct_layout(SAMPLE, ["count", "nosuch"])
    assert str(error.value).startswith("'struct sample' has no field 'nosuch': ")
    assert "ptype struct sample" in str(error.value)


def test_anonymous_members_nest_and_keep_their_bit_fields() -> None:
    bits = Type(Kind.STRUCT, "", 4, fields=(Field("a", 0, U32, 0, 3), Field("b", 0, U32, 3, 5)))
    outer = Type(Kind.STRUCT, "", 8, fields=(Field("x", 0, U32), Field("", 4, bits)))
    whole = Type(Kind.STRUCT, "struct s", 24, fields=(Field("", 16, outer),))
    found = whole.find("b")
    assert found is not None
    assert (found.offset, found.bit_offset, found.bit_size) == (20, 20 * 8 + 3, 5)
    assert [one.name for one in whole.iter_fields()] == ["x", "a", "b"]
