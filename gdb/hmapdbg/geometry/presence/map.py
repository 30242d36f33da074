"""An opened map over buckets with presence bits: a family provides its Header, a BucketLayout and
an EntryReader.

    V1  the number of entries that the map counts is that of its entries
    V3  each child of a bucket is one, and chains end
    V4  a bucket is the child of one other
    V5  the child buckets that the map counts of an array are there
    V6  where a bucket is chained, the last of its slots has no entry
    V7  of an array that growth empties, the buckets that are evacuated are empty
    V8  the entries that the map counts of an array are there
    V9  no key is there twice

V2 is the family's: what the header shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Union

import numpy as np

from ...block import Addresses, Block, Cells, Chain, Place, Problem
from ...compat import dataclass
from ...header import Array, Header, Role
from ...layout import StructLayout
from ...target import Target
from ..columns import Identities, KeySet
from ..problems import Told
from .layout import BucketLayout, EntryReader, Seen
from .walk import PresenceWalk


@dataclass(frozen=True)
class Counted:
    """What a map counts of an array, and where."""

    used: int
    used_at: int
    children: int
    children_at: int


class PresenceMap:
    """See families.family.Map. `counted`: of each array of the header; `identities`: a number for
    each key, equal for equal keys, and which are known; None: unknown."""

    def __init__(
        self,
        target: Target,
        header: Header,
        layout: BucketLayout,
        reader: EntryReader,
        counted: Sequence[Counted],
        structs: Sequence[StructLayout],
        identities: Identities | None,
    ) -> None:
        self.target = target
        self.header = header
        self.layout = layout
        self.reader = reader
        self.counted = counted
        self.structs = structs
        self.identities = identities

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem]]:
        """See family.Map."""
        told = Told()
        for array in self.header.arrays:
            if only is not None and only.array != array.name:
                continue
            for item in self._walk(array, told).walk(cells, only):
                if not isinstance(item, Seen):
                    yield item
        yield from told.iter_cut()

    def audit(self) -> Iterator[Union[Block, Problem]]:
        """V3 to V9; see family.Map."""
        told, keys = Told(), KeySet()
        for array, counted in zip(self.header.arrays, self.counted):
            live = found = 0
            is_whole = True
            for item in self._walk(array, told).walk(cells=True):
                if isinstance(item, Seen):
                    yield from self._check_bits(told, array, item)
                    continue
                yield item
                if isinstance(item, Problem):
                    is_whole &= bool(item.invariant)
                    continue
                found += item.overflow
                live += 0 if item.buckets is None else int(item.buckets.live.sum())
                if item.cells is not None and self.identities is not None:
                    numbers, known = self.identities(item.cells.keys)
                    keys.add(numbers[known], self._slots(item.cells)[known])
            if is_whole:
                yield from _iter_miscounted(array, counted, live, found)
        for first, second in keys.iter_twice():
            text = f"the key of the entry at 0x{second:x} is also that at 0x{first:x}"
            yield from told.problem("V9", text, second, "V9")
        yield from told.iter_cut()

    def check_placement(self) -> Iterator[Problem] | None:
        """See family.Map."""
        return None

    def iter_chains(self, array: str, low: int, high: int) -> Iterator[Chain]:
        """See family.Map."""
        return self._walk(self.header.array(array), Told()).iter_chains(low, high)

    def place_of(self, key: bytes) -> Place | None:
        """See family.Map."""
        return None

    def slot_addresses(self, cells: Cells) -> tuple[Addresses, Addresses]:
        """See family.Map."""
        slots = self._slots(cells)
        data, ok = self.target.gather(slots, self.target.pointer_size)
        pointers = np.where(ok, self.target.pointer_column(data), np.uint64(0))
        return self.reader.places(self.target, pointers, slots)

    def layouts(self) -> Sequence[StructLayout]:
        """See family.Map."""
        return self.structs

    def _slots(self, cells: Cells) -> Addresses:
        """Where the entry pointers of cells are."""
        places = self.layout.entries + cells.slot * self.target.pointer_size
        found: Addresses = cells.address + places.astype(np.uint64)
        return found

    def _walk(self, array: Array, told: Told) -> PresenceWalk:
        growth = self.header.growth
        evacuated = growth.nevacuate if growth is not None and array.role is Role.OLD else 0
        count = self.header.count
        return PresenceWalk(self.target, self.layout, self.reader, array, count, evacuated, told)

    def _check_bits(self, told: Told, array: Array, seen: Seen) -> Iterator[Problem]:
        """V6 and V7."""
        present = self.layout.present(self.target, seen.raw)
        chained = self.layout.is_chained(self.target, seen.raw)
        growth = self.header.growth
        evacuated = growth.nevacuate if growth is not None and array.role is Role.OLD else 0
        moved = (seen.owners < evacuated) & (seen.levels == 0)
        for which, text, rule in (
            (chained & present[:, -1] & ~moved, "its last slot has an entry and a child", "V6"),
            (moved & (chained | present.any(axis=1)), "it was evacuated, but is not empty", "V7"),
        ):
            for at in np.flatnonzero(which).tolist():
                name = f"{array.prefix}bucket {int(seen.owners[at]):,}"
                yield from told.problem(rule, f"{name}: {text}", int(seen.addrs[at]), rule)


def _iter_miscounted(array: Array, counted: Counted, live: int, children: int) -> Iterator[Problem]:
    """V5 and V8."""
    if counted.used != live:
        text = f"{array.prefix}array: {counted.used:,} entries are counted, but {live:,} were found"
        yield Problem(text, counted.used_at, "V8")
    if counted.children != children:
        text = (
            f"{array.prefix}array: {counted.children:,} child buckets are counted, but "
            f"{children:,} were found"
        )
        yield Problem(text, counted.children_at, "V5")
