"""Hash tables behind a gpointer, recognised by their contents: the sizes, the prime that goes with
them and the counts of a GHashTable agree by so many bits that nothing else is taken for one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...compat import dataclass
from ...target import Field, Kind, Memory, Target, Type
from ..elements import Access, Bytes, Places, Words
from .hash_table import COMMON, NAME, PRIMES, SOURCE, struct_of, version_of

Mask = NDArray[np.bool_]

FIRST = 64  # elements without a hash table after which a list or an array is left
MAX_LENGTH = 100_000  # elements of one that are looked at
MOST_REFERENCES = 1 << 24
_POINTERS = ("keys", "hashes", "values", "hash_func")
_COLUMNS = ("size", "mod", "mask", "nnodes", "noccupied", "ref_count", *_POINTERS)


def table_type(target: Target | None, pointer_size: int) -> Type:
    """The struct of a GHashTable in a process."""
    found = None if target is None else target.lookup_type(NAME)
    if found is not None and found.fields and not found.source.startswith(SOURCE):
        return found
    version = None if target is None else version_of(target)
    return struct_of(version or COMMON, pointer_size).struct


def are_tables(memory: Memory, addrs: Words, struct: Type | None = None) -> Mask:
    """Which addresses (n,) are those of hash tables, of the process's struct or of that one."""
    out = np.zeros(len(addrs), np.bool_)
    rows = np.flatnonzero((addrs != 0) & (addrs % np.uint64(memory.pointer_size) == 0))
    if struct is None:
        target = memory if isinstance(memory, Target) else None
        struct = table_type(target, memory.pointer_size)
    data, ok = memory.gather(addrs[rows], struct.size)
    rows, data = rows[ok], data[ok]

    fields = {name: struct.find(name) for name in _COLUMNS}

    def column(name: str) -> Words:
        field = fields[name]
        assert field is not None  # of a GHashTable
        return memory.integer_column(data, field.offset, field.type.size).astype(np.uint64)

    size, mod, nodes, used = map(column, ("size", "mod", "nnodes", "noccupied"))
    references = column("ref_count")
    shifts = np.log2(np.maximum(size, 1).astype(np.float64)).astype(np.int64)
    primes = np.array(PRIMES, np.uint64)[np.minimum(shifts, len(PRIMES) - 1)]
    sound = (size >= 8) & (size & (size - np.uint64(1)) == 0) & (size < 1 << 32)
    sound &= (column("mask") == size - np.uint64(1)) & (mod == primes)
    sound &= (nodes <= used) & (used < size) & (references - np.uint64(1) < MOST_REFERENCES)
    for name in _POINTERS:
        sound &= column(name) != 0
    out[rows[sound]] = True
    return out


@dataclass(frozen=True)
class Chain:
    """A GList or GSList that holds hash tables: one node, and all behind it; see Elements."""

    element: Type
    size: int
    data: Field
    next: Field

    noun = "GList"
    access = Access.INDEX

    def find(self, memory: Memory, addrs: Words, raw: Bytes) -> Places:
        """See Elements."""
        parts: list[tuple[Words, Words, int]] = []
        rows = np.arange(len(addrs)).astype(np.uint64)
        has_any = np.zeros(len(addrs), np.bool_)
        number = 0
        while len(rows) and number < MAX_LENGTH:
            held = memory.pointer_column(raw, self.data.offset)
            tables = are_tables(memory, held)
            has_any[rows[tables].astype(np.int64)] = True
            parts.append((held[tables], rows[tables], number))
            number += 1
            following = memory.pointer_column(raw, self.next.offset)
            goes_on = following != 0
            if number >= FIRST:
                goes_on &= has_any[rows.astype(np.int64)]
            rows, following = rows[goes_on], following[goes_on]
            raw, ok = memory.gather(following, self.size)
            rows, raw = rows[ok], raw[ok]
        return _joined(parts, cut=bool(len(rows)))

    def locate(self, memory: Memory, addr: int, raw: Bytes, number: int) -> int | None:
        """See Elements."""
        return _located(self.find(memory, np.array([addr], np.uint64), raw), number)


@dataclass(frozen=True)
class PointerArray:
    """A GPtrArray that holds hash tables; see Elements."""

    element: Type
    size: int
    pointer: Field
    length: Field

    noun = "GPtrArray"
    access = Access.INDEX

    def find(self, memory: Memory, addrs: Words, raw: Bytes) -> Places:
        """See Elements."""
        starts = memory.pointer_column(raw, self.pointer.offset)
        lengths = memory.integer_column(raw, self.length.offset, self.length.type.size)
        parts: list[tuple[Words, Words, Words]] = []
        is_cut = False
        for row in np.flatnonzero(starts).tolist():
            count = int(lengths[row])
            is_cut |= count > MAX_LENGTH
            for begin, end in ((0, FIRST), (FIRST, MAX_LENGTH)):
                found = self._part(memory, int(starts[row]), begin, min(end, count))
                parts.append((found[0], np.full(len(found[0]), row, np.uint64), found[1]))
                if not len(found[0]):
                    break
        return _joined(parts, cut=is_cut)

    def locate(self, memory: Memory, addr: int, raw: Bytes, number: int) -> int | None:
        """See Elements."""
        return _located(self.find(memory, np.array([addr], np.uint64), raw), number)

    def _part(self, memory: Memory, start: int, begin: int, end: int) -> tuple[Words, Words]:
        """The tables among elements [begin, end), and their numbers."""
        width = memory.pointer_size
        numbers = np.arange(begin, max(end, begin)).astype(np.uint64)
        data, ok = memory.gather(np.uint64(start) + numbers * np.uint64(width), width)
        held = memory.pointer_column(data)
        chosen = ok & are_tables(memory, held)
        return held[chosen], numbers[chosen]


def _joined(
    parts: list[tuple[Words, Words, Words]] | list[tuple[Words, Words, int]], cut: bool
) -> Places:
    if not parts:
        none = np.zeros(0, np.int64)
        return Places(none.astype(np.uint64), none, none)
    numbers = [
        np.full(len(part[0]), 0, np.uint64) + np.asarray(part[2], np.uint64) for part in parts
    ]
    return Places(
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]).astype(np.int64),
        np.concatenate(numbers).astype(np.int64),
        cut,
    )


def _located(places: Places, number: int) -> int | None:
    at = np.flatnonzero(places.numbers == number)
    return int(places.addrs[at[0]]) if len(at) else None


def recognise(found: Type) -> Chain | PointerArray | None:
    """A struct as such a container; None for any other type."""
    name = found.name.removeprefix("struct ").lstrip("_")
    if name in ("GList", "GSList"):
        data, following = found.find("data"), found.find("next")
        if data is None or following is None or data.type.kind is not Kind.POINTER:
            return None
        return Chain(table_type(None, data.type.size), found.size, data, following)
    if name == "GPtrArray":
        pointer, length = found.find("pdata"), found.find("len")
        if pointer is None or length is None or pointer.type.kind is not Kind.POINTER:
            return None
        return PointerArray(table_type(None, pointer.type.size), found.size, pointer, length)
    return None
