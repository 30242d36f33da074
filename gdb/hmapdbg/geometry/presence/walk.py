"""The walk of an array of buckets and of their children, all chains of a part side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

import numpy as np

from ...block import Addresses, Block, Buckets, Cells, Chain, Column, Ints, Link, Place, Problem
from ...compat import dataclass
from ...header import Array
from ...target import Target
from ..address_set import AddressSet
from ..columns import BLOCK_BYTES, Mask, Raw, iter_runs
from ..problems import Told
from ..ranges import next_readable, rows_text
from .layout import BucketLayout, EntryReader, Seen

MANY_MORE = 4  # times the entries that the map counts, after which chains are taken for endless


@dataclass(frozen=True)
class _Part:
    """Buckets of one level: n of them."""

    owners: Ints  # (n,)
    addrs: Addresses  # (n,)
    raw: Raw  # (n, size)
    level: int


class PresenceWalk:
    """One pass over an array. `count`: the entries that the map counts; `evacuated`: the buckets
    below it are moved to the other array; `told`: of the walk of all arrays."""

    def __init__(
        self,
        target: Target,
        layout: BucketLayout,
        reader: EntryReader,
        array: Array,
        count: int,
        evacuated: int,
        told: Told,
    ) -> None:
        self.target = target
        self.layout = layout
        self.reader = reader
        self.array = array
        self.evacuated = evacuated
        self.told = told
        self._met = AddressSet()  # child buckets
        self._left = MANY_MORE * max(count, 0) + (1 << 16)

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem, Seen]]:
        """For each part of the array its Problems, a Seen and a Block."""
        low, high = (0, self.array.buckets) if only is None else (only.bucket, only.bucket + 1)
        step = max(BLOCK_BYTES // self.layout.size // (8 if cells else 1), 1)
        first = low
        while first < high:
            end = min(first + step, high)
            raw, ok = self.target.read_rows(self._at(first), end - first, self.layout.size)
            after = next_readable(self.target, self._at(0), self.layout.size, end, high)
            for begin, stop in iter_runs(np.concatenate([~ok, [after > end]])):
                stop = after if stop > len(ok) else first + stop
                text = (
                    f"{self.array.prefix}{rows_text('bucket', first + begin, stop)} cannot be read"
                )
                yield from self.told.problem("unreadable", text, self._at(first + begin), "")
            if not ok.any() and self.target.mappings() is None:
                return  # a wild array is endless
            owners = first + np.flatnonzero(ok)
            parts = [_Part(owners, self._addrs(owners), raw[ok], 0)]
            yield from self._follow(parts)
            yield Seen(*_joined(parts))
            yield self._block(owners, parts, cells)
            first = after

    def iter_chains(self, low: int, high: int) -> Iterator[Chain]:
        """Buckets [low, high), each with its children."""
        for bucket in range(low, high):
            yield Chain(self.array.name, bucket, self._at(bucket), self._links(bucket))

    def _follow(self, parts: list[_Part]) -> Iterator[Problem]:
        """Appends the children of the buckets of a part, level by level."""
        layout, part = self.layout, parts[0]
        moved = part.owners < self.evacuated
        part = _Part(part.owners[~moved], part.addrs[~moved], part.raw[~moved], 0)
        while len(part.owners):
            chained = layout.is_chained(self.target, part.raw)
            owners = part.owners[chained]
            links = layout.pointers(self.target, part.raw[chained])[:, -1]
            places = part.addrs[chained] + np.uint64(
                layout.entries + (layout.slots - 1) * self.target.pointer_size
            )
            raw, ok = self.target.gather(links, layout.size)
            good = ok & (links != 0) & (links % np.uint64(layout.align) == 0)
            good &= ~self._is_main(links)
            for at in np.flatnonzero(~good).tolist():
                text = (
                    f"{self._name(int(owners[at]))}: no child bucket can be at "
                    f"0x{int(links[at]):x}"
                )
                yield from self.told.problem("child", text, int(places[at]), "V3")
            former = np.full(len(links), -1, np.int64)
            former[good] = self._met.add(links[good], owners[good])
            for at in np.flatnonzero(former >= 0).tolist():
                text = (
                    f"{self._name(int(owners[at]))}: the child bucket 0x{int(links[at]):x} is in "
                    f"the chain of {self._name(int(former[at]))} already"
                )
                yield from self.told.problem("met", text, int(places[at]), "V4")
            good &= former < 0
            part = _Part(owners[good], links[good], raw[good], part.level + 1)
            self._left -= len(part.owners)
            if self._left < 0:
                text = f"{self._name(int(part.owners[0]))}: chains have no end"
                yield from self.told.problem("endless", text, int(part.addrs[0]), "V3")
                return
            if len(part.owners):
                parts.append(part)

    def _is_main(self, addrs: Addresses) -> Mask:
        """Which addresses are in the array."""
        first = np.uint64(self._at(0))
        size = np.uint64(self.array.buckets * self.layout.size)
        inside: Mask = (addrs >= first) & (addrs - first < size)
        return inside

    def _block(self, owners: Ints, parts: list[_Part], cells: bool) -> Block:
        """A row for each bucket of the array, and its entries on request."""
        layout = self.layout
        first = int(owners[0]) if len(owners) else 0
        room = int(owners[-1]) - first + 1 if len(owners) else 0
        chain, slots, live = (np.zeros(room, np.int64) for _ in range(3))
        found = []
        for part in parts:
            present, chained = self._slots(part)
            at = part.owners - first
            chain[at] += 1
            slots[at] += layout.slots - chained.astype(np.int64)
            live[at] += present.sum(axis=1)
            if cells:
                found.append(self._cells_of(part, present))
        moved = owners < self.evacuated
        at = owners - first
        rows = Buckets(
            bucket=owners,
            address=self._addrs(owners),
            chain=chain[at],
            slots=slots[at],
            live=live[at],
            deleted=np.zeros(len(at), np.int64),
            empty=np.where(moved, 0, slots[at] - live[at]),
            evacuated=moved,
        )
        children = sum(len(part.owners) for part in parts[1:])
        made = self._cells(found) if cells else None
        return Block(self.array.name, rows, made, overflow=children)

    def _slots(self, part: _Part) -> tuple[Mask, Mask]:
        """Which slots of buckets have a live entry (n, slots), and which buckets have a child."""
        present = self.layout.present(self.target, part.raw)
        chained = self.layout.is_chained(self.target, part.raw)
        present[chained, -1] = False
        if part.level == 0:
            present[part.owners < self.evacuated] = False
        return present, chained

    def _cells_of(
        self, part: _Part, present: Mask
    ) -> tuple[Ints, Ints, Ints, Ints, Addresses, Addresses]:
        """Columns of the entries of buckets: bucket, level, slot, hash, bucket's address, entry."""
        rows, slots = np.nonzero(present)
        hashes = part.raw[rows, self.layout.hashes + slots].astype(np.int64)
        pointers = self.layout.pointers(self.target, part.raw)[rows, slots]
        levels = np.full(len(rows), part.level)
        return part.owners[rows], levels, slots, hashes, part.addrs[rows], pointers

    def _cells(self, found: list[tuple[Ints, Ints, Ints, Ints, Addresses, Addresses]]) -> Cells:
        columns = [np.concatenate([one[at] for one in found]) for at in range(6)]
        order = np.lexsort((columns[2], columns[1], columns[0]))
        bucket, level, slot, hashes, addrs, pointers = (column[order] for column in columns)
        places = self.layout.entries + slot * self.target.pointer_size
        slots = addrs.astype(np.uint64) + places.astype(np.uint64)
        keys, elems = self.reader.values(self.target, pointers.astype(np.uint64), slots)
        return Cells(bucket, level, slot, hashes, addrs.astype(np.uint64), keys, elems)

    def _links(self, bucket: int) -> Iterator[Link]:
        raw, ok = self.target.read_rows(self._at(bucket), 1, self.layout.size)
        if not ok[0]:
            yield Link(self._at(bucket), note="cannot be read")
            return
        owners = np.array([bucket])
        parts = [_Part(owners, self._addrs(owners), raw, 0)]
        problems = list(self._follow(parts))
        for part in parts:
            present, chained = self._slots(part)
            pointers = self.layout.pointers(self.target, part.raw)[0]
            begin, width = self.layout.entries, self.target.pointer_size
            numbers = np.arange(self.layout.slots).astype(np.uint64)
            slots = part.addrs[0] + np.uint64(begin) + numbers * np.uint64(width)
            keys, elems = self._shown(np.where(present[0], pointers, np.uint64(0)), slots)
            hashes = part.raw[0, self.layout.hashes : self.layout.hashes + self.layout.slots]
            yield Link(
                int(part.addrs[0]),
                tophash=tuple(hashes.tolist()),
                marks=tuple("live" if is_there else "empty" for is_there in present[0].tolist()),
                live=tuple(present[0].tolist()),
                keys=keys,
                elems=elems,
                overflow=int(pointers[-1]) if chained[0] else 0,
            )
        for one in problems:
            yield Link(one.address or 0, note=one.text)

    def _shown(self, pointers: Addresses, slots: Addresses) -> tuple[Column, Column]:
        return self.reader.values(self.target, pointers, slots)

    def _addrs(self, owners: Ints) -> Addresses:
        found: Addresses = np.uint64(self._at(0)) + owners.astype(np.uint64) * np.uint64(
            self.layout.size
        )
        return found

    def _at(self, bucket: int) -> int:
        return self.array.address + bucket * self.layout.size

    def _name(self, bucket: int) -> str:
        return f"{self.array.prefix}bucket {bucket:,}"


def _joined(parts: list[_Part]) -> tuple[Ints, Addresses, Raw, Ints]:
    return (
        np.concatenate([part.owners for part in parts]),
        np.concatenate([part.addrs for part in parts]),
        np.concatenate([part.raw for part in parts]),
        np.concatenate([np.full(len(part.owners), part.level) for part in parts]),
    )
