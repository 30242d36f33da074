"""The keys of a DenseMap that stand for slots without an entry; StringRef and SmallVector."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from hmapdbg.families.llvm.markers import Expected, find_markers, matches
from hmapdbg.languages import find_counted_string, find_elements
from hmapdbg.target import Field, Kind, Type
from hmapdbg.target.types import pointer_to

INT = Type(Kind.INTEGER, "int", 4, signed=True)
LONG = Type(Kind.INTEGER, "long", 8, signed=True)
UNSIGNED = Type(Kind.INTEGER, "unsigned", 4)
POINTER = pointer_to(INT, 8)
CHAR = Type(Kind.INTEGER, "char", 1, signed=True, character=True)
PAIR = Type(
    Kind.STRUCT, "pair", 16, fields=(Field("first", 0, INT), Field("second", 8, LONG))
)  # with padding
HANDLE = Type(Kind.STRUCT, "Handle", 8, fields=(Field("a", 0, INT), Field("b", 4, INT)))
REF = Type(
    Kind.STRUCT,
    "StringRef",
    16,
    fields=(Field("Data", 0, pointer_to(CHAR, 8)), Field("Length", 8, LONG)),
)


def rows_of(packed: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(packed), np.uint8).reshape(len(packed), -1)


CASES = {
    "int": (INT, struct.Struct("<i"), (2**31 - 1,), (-(2**31),), [(5,), (-1,), (0,)]),
    "long": (LONG, struct.Struct("<q"), (2**63 - 1,), (2**63 - 2,), [(5,), (-1,)]),
    "long long": (LONG, struct.Struct("<q"), (2**63 - 1,), (-(2**63),), [(5,), (-1,)]),
    "unsigned": (UNSIGNED, struct.Struct("<I"), (2**32 - 1,), (2**32 - 2,), [(5,), (0,)]),
    "pointer": (POINTER, struct.Struct("<Q"), (2**64 - 4096,), (2**64 - 8192,), [(8,), (16,)]),
    "text": (REF, struct.Struct("<Qq"), (2**64 - 1, 0), (2**64 - 2, 0), [(8, 0), (16, 3)]),
    "pair": (
        PAIR,
        struct.Struct("<i4xq"),
        (2**31 - 1, 2**63 - 1),
        (-(2**31), 2**63 - 2),
        [(5, 1), (2**31 - 1, 1)],
    ),
    "unknown": (HANDLE, struct.Struct("<ii"), (-77, 1), (-77, 2), [(5, 1), (-77, 3)]),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("deleted", [0, 2, 3])
def test_markers_are_known_or_those_that_are_as_often_there_as_counted(
    name: str, deleted: int
) -> None:
    key, packing, empty, tombstone, entries = CASES[name]
    packed = [packing.pack(*one) for one in (*[empty] * 4, *[tombstone] * deleted, *entries)]
    keys = rows_of(packed).copy()
    if name == "pair":
        keys[:, 4:8] = np.arange(len(keys))[:, None]  # what lies in padding is no part of a key
    found = find_markers(keys, key, Expected(4, deleted), "<")
    assert matches(keys, found[0]).tolist() == [at < 4 for at in range(len(keys))]
    if deleted:
        assert matches(keys, found[1]).tolist() == [
            4 <= at < 4 + deleted for at in range(len(keys))
        ]


def test_a_single_deleted_slot_of_an_unknown_key_stays_unknown() -> None:
    packed = [struct.pack("<ii", *one) for one in ((-77, 1), (-77, 1), (-77, 2), (5, 5))]
    empty, deleted = find_markers(rows_of(packed), HANDLE, Expected(2, 1), "<")
    keys = rows_of(packed)
    # An int's markers do not agree with the counts, but nothing does.
    assert not matches(keys, deleted).any() and matches(keys, empty).sum() in (0, 2)


def test_big_endian_numbers() -> None:
    keys = rows_of([struct.pack(">i", one) for one in (2**31 - 1, 2**31 - 1, 7)])
    found = find_markers(keys, INT, Expected(2, 0), ">")
    assert matches(keys, found[0]).tolist() == [True, True, False]


def test_strings_and_vectors() -> None:
    assert find_counted_string(REF) is not None
    numbers = Type(
        Kind.STRUCT,
        "ArrayRef",
        16,
        fields=(Field("Data", 0, POINTER), Field("Length", 8, LONG)),
    )
    assert find_counted_string(numbers) is None
    fields = (Field("BeginX", 0, POINTER), Field("Size", 8, INT), Field("Capacity", 12, INT))
    vector = Type(
        Kind.STRUCT, "SmallVector", 32, fields=fields, resolve_argument=lambda number: LONG
    )
    found = find_elements(vector)
    assert found is not None and found.element is LONG and found.size == 12
