"""The walk of tables of groups that remember overflow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Union

import numpy as np

from ...block import Addresses, Block, Buckets, Cells, Chain, Column, Ints, Link, Problem
from ...header import Array
from ...target import Target
from ..columns import BLOCK_BYTES, Mask, Raw, iter_runs
from ..problems import Told
from ..ranges import next_readable, rows_text
from .layout import EMPTY, GroupLayout, Seen, Table
from .probes import Sequence as Probing

MAX_LOOKUP = 1 << 16  # groups that one lookup looks at
SAMPLE_GROUPS, SAMPLE_STEP = 1 << 12, 1 << 8  # groups that a sample is taken of, and read at a time


class OverflowWalk:
    """The groups of a map's tables; it reports metadata that cannot be read."""

    def __init__(
        self,
        target: Target,
        layout: GroupLayout,
        arrays: Sequence[Array],
        tables: Sequence[Table],
        told: Told,
    ) -> None:
        self.target = target
        self.layout = layout
        self.arrays = arrays
        self.tables = tables
        self.told = told
        self._bases = [(array.address, table.base) for array, table in zip(arrays, tables)]

    def walk(self, cells: bool) -> Iterator[Union[Block, Problem, Seen]]:
        """For each part of a table its Problems, a Seen and a Block."""
        for number in range(len(self.tables)):
            yield from self._walk_table(number, cells)

    def _walk_table(self, number: int, cells: bool) -> Iterator[Union[Block, Problem, Seen]]:
        layout, array, groups = self.layout, self.arrays[number], self.tables[number].groups
        entry = layout.size + layout.key_size + layout.elem_size
        step = max(BLOCK_BYTES // (layout.stride + (layout.slots * entry if cells else 0)), 1)
        first = 0
        while first < groups:
            end = min(first + step, groups)
            after = next_readable(self.target, array.address, layout.stride, end, groups)
            seen = self.read(number, first, end)
            yield from self._tell_unread(seen, after)
            if seen.ok.any():
                yield seen
                yield self._block(seen, cells)
            elif self.target.mappings() is None and end < groups:
                more = "the groups after them were not tried: there is no memory map"
                at = array.address + end * layout.stride
                yield from self.told.problem("unreadable", more, at, "")
                return
            first = after

    def read(self, number: int, first: int, end: int) -> Seen:
        """Groups [first, end) of a table."""
        layout, array, table = self.layout, self.arrays[number], self.tables[number]
        metadata, numbers = layout.metadata, np.arange(first, end)
        steps = numbers.astype(np.uint64) * np.uint64(layout.stride)
        addrs = np.uint64(array.address) + steps
        if layout.stride == metadata.size:
            raw, ok = self.target.read_rows(int(addrs[0]), end - first, layout.stride)
        else:
            raw, ok = self.target.gather(addrs, metadata.size)
        found = np.where(ok[:, None], metadata.bytes_of(raw), np.uint8(EMPTY)).astype(np.uint8)
        left = table.slots - numbers * layout.slots
        there = np.arange(layout.slots) < left[:, None]
        behind = found[~there & ok[:, None]].astype(np.int64)
        found[~there] = EMPTY
        live = (found != EMPTY).sum(axis=1)
        slots = there.sum(axis=1)
        rows = Buckets(
            bucket=numbers,
            address=addrs,
            chain=np.ones(len(numbers), np.int64),
            slots=slots,
            live=live,
            deleted=np.zeros(len(numbers), np.int64),
            empty=slots - live,
            evacuated=np.zeros(len(numbers), np.bool_),
        )
        return Seen(number, array, rows, found, behind, metadata.passed(raw), ok)

    def _tell_unread(self, seen: Seen, after: int) -> Iterator[Problem]:
        """Groups that could not be read; none is up to `after`."""
        first, array = int(seen.rows.bucket[0]), seen.array
        unread = np.concatenate([~seen.ok, [after > first + len(seen.ok)]])
        for low, high in iter_runs(unread):
            end = after if high == len(unread) and unread[-1] else first + high
            text = f"{array.prefix}{rows_text('group', first + low, end)} cannot be read"
            address = array.address + (first + low) * self.layout.stride
            yield from self.told.problem("unreadable", text, address, "")

    def _block(self, seen: Seen, cells: bool) -> Block:
        whole = seen.ok.all()
        rows = seen.rows if whole else seen.rows.take(seen.ok)
        found = None
        if cells:
            row, slot = np.nonzero(seen.bytes != EMPTY)
            found = self.cells(seen.number, seen.rows.bucket[row], slot, seen.bytes[row, slot])
        ends = ~seen.passed.ravel() if whole else None
        return Block(seen.array.name, rows, found, probe_ends=ends)

    def cells(self, number: int, groups: Ints, slots: Ints, stored: Raw) -> Cells:
        """The entries of slots of a table (n,), and their bytes."""
        array = self.arrays[number]
        keys, elems = self._entries(self.tables[number].base, groups, slots)
        steps = groups.astype(np.uint64) * np.uint64(self.layout.stride)
        return Cells(
            bucket=groups,
            chain_index=np.zeros(len(groups), np.int64),
            slot=slots,
            tophash=stored.astype(np.int64),
            address=np.uint64(array.address) + steps,
            keys=keys,
            elems=elems,
        )

    def _places(self, base: int, groups: Ints, slots: Ints) -> tuple[Addresses, Mask]:
        """Where entries are, and which slots lead to one."""
        layout = self.layout
        places = layout.slot_addresses(base, groups, slots)
        if layout.reach is None:
            return places, np.ones(len(places), np.bool_)
        raw, ok = self.target.gather(places, layout.size)
        found, there = layout.reach.find(self.target, raw)
        return found, there & ok

    def _entries(self, base: int, groups: Ints, slots: Ints) -> tuple[Column, Column]:
        """Keys and elems of slots."""
        layout = self.layout
        places, there = self._places(base, groups, slots)
        parts = ((layout.key, layout.key_size), (layout.elem, layout.elem_size))
        low = min(offset for offset, _ in parts)
        high = max(offset + size for offset, size in parts)
        if high == low:  # of no bytes
            data, ok = np.zeros((len(slots), 0), np.uint8), np.ones(len(slots), np.bool_)
        else:
            data, ok = self.target.gather(places + np.uint64(low), high - low)
        ok &= there
        columns = [data[:, offset - low : offset - low + size] for offset, size in parts]
        if ok.all():
            return Column(columns[0]), Column(columns[1])
        faults = np.where(ok, np.uint64(0), places)
        return Column(columns[0], faults, ~ok), Column(columns[1], faults, ~ok)

    def entry_addresses(self, cells: Cells) -> Addresses:
        """Where the entry of each cell is; 0: nowhere."""
        steps = cells.bucket.astype(np.uint64) * np.uint64(self.layout.stride)
        starts = cells.address - steps
        out = np.zeros(len(cells), np.uint64)
        for start, base in self._bases:
            rows = np.flatnonzero(starts == np.uint64(start))
            places, there = self._places(base, cells.bucket[rows], cells.slot[rows])
            out[rows] = np.where(there, places, np.uint64(0))
        return out

    # ---- single groups

    def lookup(self, number: int, probing: Probing, home: int, kind: int, byte: int) -> Cells:
        """The entries that a lookup from a group on compares with a key of that class and byte."""
        count = self.tables[number].groups
        found: list[tuple[int, int]] = []
        for step in range(min(count, MAX_LOOKUP)):
            group = int(home + probing(step, np.array([kind]))[0]) % count
            seen = self.read(number, group, group + 1)
            found += [(group, slot) for slot in np.flatnonzero(seen.bytes[0] == byte).tolist()]
            if not seen.ok[0] or not seen.passed[0, kind]:
                break
        groups, slots = np.array(found, np.int64).reshape(-1, 2).T
        return self.cells(number, groups, slots, np.full(len(found), byte, np.uint8))

    def sample(self, number: int, most: int) -> Cells:
        """Some entries of a table, of its first groups."""
        parts, groups = [], self.tables[number].groups
        for first in range(0, min(groups, SAMPLE_GROUPS), SAMPLE_STEP):
            seen = self.read(number, first, min(first + SAMPLE_STEP, groups))
            row, slot = np.nonzero(seen.bytes != EMPTY)
            row, slot = row[:most], slot[:most]
            most -= len(row)
            stored = seen.bytes[row, slot]
            parts.append(self.cells(number, seen.rows.bucket[row], slot, stored))
            if not most:
                break
        return Cells.join(parts)

    def iter_chains(self, number: int, low: int, high: int) -> Iterator[Chain]:
        """Groups [low, high) of a table: each is a chain of one."""
        array = self.arrays[number]
        for group in range(low, high):
            address = array.address + group * self.layout.stride
            yield Chain(array.name, group, address, iter([self._link(number, group, address)]))

    def _link(self, number: int, group: int, address: int) -> Link:
        seen, table = self.read(number, group, group + 1), self.tables[number]
        if not seen.ok[0]:
            return Link(address, note="cannot be read")
        slots = np.arange(int(seen.rows.slots[0]))
        stored = seen.bytes[0, : len(slots)].tolist()
        keys, elems = self._entries(table.base, np.full(len(slots), group), slots)
        return Link(
            address,
            tophash=tuple(stored),
            marks=tuple("full" if byte != EMPTY else "empty" for byte in stored),
            live=tuple(byte != EMPTY for byte in stored),
            keys=keys,
            elems=elems,
        )
