"""The table of a QHash: spans of 128 slots. A span has a byte for each slot, the number of the
entry that is there, or 255; and a pointer to its entries, of which more are allocated as it fills.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Column, Ints
from ...compat import dataclass
from ...geometry.columns import Mask
from ...geometry.flat.layout import EMPTY, LIVE, RUN, States
from ...target import Memory, Target
from .types import SLOTS, Parts

UNUSED = 255  # SpanConstants::UnusedEntry
READ_AT_ONCE = 1 << 15  # spans


class Spans:
    """The spans of a map, and where each has its entries; see geometry.flat.layout.StateColumn.

    `entries` (n,): the address of each span's; `allocated` (n,): how many it has room for; 0 for
    spans that cannot be read."""

    def __init__(self, target: Target, parts: Parts, base: int, count: int) -> None:
        self.base = base
        self.stride = parts.span.size
        self._offsets = parts.span["offsets"].offset
        entries: list[Addresses] = []
        allocated: list[Ints] = []
        for first in range(0, count, READ_AT_ONCE):
            number = min(READ_AT_ONCE, count - first)
            raw, ok = target.read_rows(base + first * self.stride, number, self.stride)
            words = target.pointer_column(raw, parts.span["entries"].offset)
            entries.append(np.where(ok, words, np.uint64(0)))
            rooms = raw[:, parts.span["allocated"].offset].astype(np.int64)
            allocated.append(np.where(ok, rooms, 0))
        self.entries = np.concatenate(entries)
        self.allocated = np.concatenate(allocated)

    run_size = RUN  # a byte a slot

    @property
    def pitch(self) -> tuple[int, int]:
        """See StateColumn."""
        return SLOTS // RUN, self.stride

    def runs(self, rows: Ints) -> Addresses:
        """See StateColumn."""
        return self.addresses(rows * RUN)

    def address(self, slot: int) -> int:
        """See StateColumn."""
        return self.base + slot // SLOTS * self.stride + self._offsets + slot % SLOTS

    def addresses(self, slots: Ints) -> Addresses:
        """Where the bytes of slots are (n,)."""
        places = slots // SLOTS * self.stride + self._offsets + slots % SLOTS
        return np.uint64(self.base) + places.astype(np.uint64)

    def read(self, memory: Memory, first: int, end: int) -> tuple[NDArray[Any], Mask]:
        """See StateColumn; what is stored are the numbers of entries."""
        low, high = first // SLOTS, -(-end // SLOTS)
        raw, ok = memory.read_rows(self.base + low * self.stride, high - low, self.stride)
        numbers = raw[:, self._offsets : self._offsets + SLOTS].ravel()
        part = slice(first - low * SLOTS, end - low * SLOTS)
        found = np.repeat(ok, SLOTS)[part]
        return np.where(found, numbers[part], np.uint8(UNUSED)).astype(np.int64), found

    def states(self, stored: NDArray[Any]) -> States:
        """See StateColumn."""
        return np.where(stored == UNUSED, EMPTY, LIVE).astype(np.uint8)

    def up_to_unused(self, memory: Memory, home: int, count: int) -> tuple[Ints, Ints]:
        """The slots from one on, of `count`, up to the first unused one, wrapping at the end; and
        what is stored of them."""
        parts: list[tuple[Ints, Ints]] = []
        for first, end in _pieces(home, count):
            stored, ok = self.read(memory, first, end)
            ends = np.flatnonzero((stored == UNUSED) | ~ok)
            stop = int(ends[0]) if len(ends) else end - first
            parts.append((np.arange(first, first + stop), stored[:stop]))
            if len(ends):
                break
        slots, found = zip(*parts)
        return np.concatenate(slots), np.concatenate(found)

    def entry_addresses(self, memory: Memory, slots: Ints, size: int) -> Addresses:
        """Where the entries of `size` bytes of live slots are; 0 where the span has no such
        entry."""
        if not len(slots):
            return np.zeros(0, np.uint64)
        first = int(slots.min())
        numbers, _ = self.read(memory, first, int(slots.max()) + 1)
        numbers = numbers[slots - first]
        spans = slots // SLOTS
        places = self.entries[spans] + (numbers * size).astype(np.uint64)
        return np.where(numbers < self.allocated[spans], places, np.uint64(0))


def _pieces(home: int, count: int) -> Iterator[tuple[int, int]]:
    """The slots from `home` on, span by span, wrapping at the end.

    >>> list(_pieces(200, 256))
    [(200, 256), (0, 128), (128, 200)]
    """
    for low, high in ((home, count), (0, home)):
        while low < high:
            end = min((low // SLOTS + 1) * SLOTS, high)
            yield low, end
            low = end


@dataclass(frozen=True)
class InEntry:
    """The keys or elems of a table, in its entries; see geometry.flat.layout.SlotPart."""

    target: Target
    spans: Spans
    entry: int  # bytes of an entry
    offset: int  # in the entry
    size: int  # bytes of a value
    inner: int = -1  # where the entry has a pointer instead: offset in what it leads to

    def places(self, slots: Ints) -> Addresses:
        """See SlotPart."""
        return self.spans.addresses(slots)

    def values(self, memory: Memory, slots: Ints) -> Column:
        """See SlotPart."""
        places = self.addresses(slots)
        data, ok = memory.gather(places, self.size)
        ok &= places > 0
        return Column.read(data, ok, places)

    def addresses(self, slots: Ints) -> Addresses:
        """See SlotPart."""
        entries = self.spans.entry_addresses(self.target, slots, self.entry)
        places = np.where(entries > 0, entries + np.uint64(self.offset), np.uint64(0))
        if self.inner < 0:
            return places
        data, ok = self.target.gather(places, self.target.pointer_size)
        lists = self.target.pointer_column(data)
        return np.where(ok & (lists > 0), lists + np.uint64(self.inner), np.uint64(0))


@dataclass(frozen=True)
class NoElems:
    """The elems of a set; see SlotPart."""

    size: int = 0

    def places(self, slots: Ints) -> Addresses:
        """See SlotPart."""
        return np.zeros(len(slots), np.uint64)

    def values(self, _memory: Memory, slots: Ints) -> Column:
        """See SlotPart."""
        return Column(np.zeros((len(slots), 0), np.uint8))

    def addresses(self, slots: Ints) -> Addresses:
        """See SlotPart."""
        return np.zeros(len(slots), np.uint64)
