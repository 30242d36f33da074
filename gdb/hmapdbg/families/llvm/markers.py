"""The keys that stand for empty and deleted slots of a DenseMap. They are in the program's code, in
DenseMapInfo<K>, and not in debug info: those of LLVM's own DenseMapInfo are tried first, and those
that are as often there as the map counts are taken; else a key that is there more than once is
one, as no entry's is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, product

import numpy as np
from numpy.typing import NDArray

from ...compat import dataclass
from ...geometry.columns import Mask
from ...target import Kind, Type

MAX_DEPTH = 4  # pairs in one another
MAX_TRIED = 64  # markers of a struct, from those of its members
ALIGNMENTS = (12, 1, 2, 3, 4)  # Log2MaxAlign, of LLVM 11 and later first; before, of the pointee
COUNTED = ["Data", "Length"]  # StringRef and ArrayRef, of which the pointer tells
NUMBERS = (Kind.INTEGER, Kind.ENUM, Kind.BOOLEAN)

Keys = NDArray[np.uint8]


@dataclass(frozen=True)
class Part:
    """Bytes of a key that tell a marker from a key; the others, as padding, do not."""

    offset: int
    content: bytes


Marker = tuple[Part, ...]
Markers = tuple[Marker, Marker]  # empty, deleted


@dataclass(frozen=True)
class Expected:
    """How many slots of a table are which, by its own counts."""

    empty: int
    deleted: int


def matches(keys: Keys, marker: Marker | None) -> Mask:
    """Which of n keys (n, size) are a marker; none if there is no such one."""
    out: Mask = np.full(len(keys), marker is not None and len(marker) > 0)
    for part in marker or ():
        wanted = np.frombuffer(part.content, np.uint8)
        out &= (keys[:, part.offset : part.offset + len(wanted)] == wanted).all(axis=1)
    return out


def find_markers(
    keys: Keys, key: Type, expected: Expected, order: str
) -> tuple[Marker | None, Marker | None]:
    """The markers among the keys (n, size) of all slots; None: there is none, or it is not
    known."""
    known = list(_iter_known(key, order))
    for empty, deleted in known:
        found = int(matches(keys, empty).sum()), int(matches(keys, deleted).sum())
        if found == (expected.empty, expected.deleted):
            return empty, deleted
    repeated = _repeated(keys)
    empty_one = _with_count(repeated, expected.empty)
    rest = [one for one in repeated if one[0] != empty_one]
    deleted_one = _with_count(rest, expected.deleted) if expected.deleted else None
    if empty_one is not None and (deleted_one is not None or not expected.deleted):
        return empty_one, deleted_one
    # Counts that nothing agrees with: the audit tells of them.
    return known[0] if known else (empty_one, deleted_one)


def _iter_known(key: Type, order: str, depth: int = 0) -> Iterator[Markers]:
    """Those of LLVM's own DenseMapInfo for a type of key, the likeliest first."""
    size = key.size

    def numbers(empty: int, deleted: int) -> Markers:
        return (_number(empty, size, order),), (_number(deleted, size, order),)

    if key.kind in NUMBERS and 0 < size <= 8:
        most = (1 << (8 * size - 1)) - 1
        if key.signed and not key.character:
            yield numbers(most, -most - 1)
            yield numbers(most, most - 1)  # of long
        yield numbers(-1, -2)
    elif key.kind is Kind.POINTER:
        for bits in ALIGNMENTS:
            yield numbers(-1 << bits, -2 << bits)
        yield numbers(-1, -2)  # of a StringRef or an ArrayRef
    elif key.kind is Kind.STRUCT and depth < MAX_DEPTH:
        fields = [one for one in key.iter_fields() if one.type.size and not one.bit_size]
        if [one.name for one in fields] == COUNTED:
            fields = fields[:1]
        parts = [list(_iter_known(one.type, order, depth + 1)) for one in fields]
        for chosen in islice(product(*parts), MAX_TRIED) if fields else ():
            empty, deleted = (
                tuple(
                    Part(one.offset + part.offset, part.content)
                    for one, pair in zip(fields, chosen)
                    for part in pair[which]
                )
                for which in range(2)
            )
            yield empty, deleted


def _number(value: int, size: int, order: str) -> Part:
    content = (value % (1 << 8 * size)).to_bytes(size, "little")
    return Part(0, content if order == "<" else content[::-1])


def _repeated(keys: Keys) -> Sequence[tuple[Marker, int]]:
    """The keys that are there more than once, the most frequent first, and how often."""
    if not len(keys) or not keys.shape[1]:
        return []
    rows = np.ascontiguousarray(keys).view(f"V{keys.shape[1]}").ravel()
    found, counts = np.unique(rows, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:8]
    return [
        ((Part(0, found[at].tobytes()),), int(counts[at]))
        for at in order.tolist()
        if counts[at] > 1
    ]


def _with_count(found: Sequence[tuple[Marker, int]], count: int) -> Marker | None:
    return next((marker for marker, times in found if times == count), None)
