"""An opened map over arrays of slots: a family only provides its Header and a SlotLayout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Union

import numpy as np

from ...block import Addresses, Block, Buckets, Cells, Chain, Column, Link, Place, Problem
from ...header import Array, Header
from ...layout import StructLayout
from ...target import MemoryFault, Target
from ..columns import BLOCK_BYTES, KeySet, iter_runs
from ..problems import Told
from ..ranges import next_readable, rows_text
from .layout import DELETED, EMPTY, LIVE, Seen, SlotLayout

STATE_NAMES = {EMPTY: "empty", DELETED: "deleted", LIVE: "live"}


class SlotMap:
    """See families.family.Map. A family subclasses it for a known hash (`place_of`), and for
    invariants of its own.

    compare_keys: whether keys with equal bytes are equal; then

        K1  no key is live twice
    """

    def __init__(
        self,
        target: Target,
        header: Header,
        layout: SlotLayout,
        structs: Sequence[StructLayout],
        compare_keys: bool = True,
    ) -> None:
        self.target = target
        self.header = header
        self.layout = layout
        self.structs = structs
        self.compare_keys = compare_keys

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem]]:
        """See family.Map. A known hash says where a lookup begins, not where it ends: of `only`,
        the array counts."""
        told = Told()
        for item in self._walk(told, cells, only):
            if not isinstance(item, Seen):
                yield item
        yield from told.iter_cut()

    def audit(self) -> Iterator[Union[Block, Problem]]:
        """K1, and what a subclass checks of the slots; see family.Map."""
        told, keys = Told(), KeySet()
        for item in self._walk(told, cells=True, only=None):
            if isinstance(item, Seen):
                yield from self.check_slots(told, item)
                continue
            yield item
            if isinstance(item, Block) and item.cells is not None and self.compare_keys:
                keys.add_bytes(item.cells.keys, self.slot_addresses(item.cells)[0])
        for first, second in keys.iter_twice():
            text = f"the key at 0x{second:x} is also live at 0x{first:x}"
            yield from told.problem("K1", text, second, "K1")
        yield from told.iter_cut()

    def check_slots(self, told: Told, seen: Seen) -> Iterator[Problem]:
        """The family's own invariants; none here."""
        return iter(())

    def check_placement(self) -> None:
        """See family.Map."""

    def iter_chains(self, array: str, low: int, high: int) -> Iterator[Chain]:
        """See family.Map: each slot is a chain of one."""
        found = self.header.array(array)
        for number in range(low, high):
            address = found.address + number * self.layout.size
            yield Chain(array, number, address, iter([self._link(address, number)]))

    def place_of(self, key: bytes) -> Place | None:
        """See family.Map."""
        return None

    def slot_addresses(self, cells: Cells) -> tuple[Addresses, Addresses]:
        """See family.Map."""
        layout = self.layout
        return cells.address + np.uint64(layout.key), cells.address + np.uint64(layout.elem)

    def layouts(self) -> Sequence[StructLayout]:
        """See family.Map."""
        return self.structs

    # ---- the walk

    def _walk(
        self, told: Told, cells: bool, only: Place | None
    ) -> Iterator[Union[Block, Problem, Seen]]:
        for array in self.header.arrays:
            if only is None or only.array == array.name:
                yield from self._walk_array(told, array, cells)

    def _walk_array(
        self, told: Told, array: Array, cells: bool
    ) -> Iterator[Union[Block, Problem, Seen]]:
        size = self.layout.size
        step = max(1, BLOCK_BYTES // size)
        first = 0
        while first < array.buckets:
            count = min(step, array.buckets - first)
            raw, ok = self.target.read_rows(array.address + first * size, count, size)
            hole = first
            for low, high in iter_runs(ok):
                yield from self._unreadable(told, array, hole, first + low)
                hole = first + high
            numbers = first + np.flatnonzero(ok)
            addrs = np.uint64(array.address) + numbers.astype(np.uint64) * np.uint64(size)
            following = next_readable(
                self.target, array.address, size, first + count, array.buckets
            )
            # A hole may go on after this block.
            yield from self._unreadable(told, array, hole, following)
            if len(numbers):
                states = self.layout.states(raw[ok], first)
                seen = Seen(array.name, numbers, addrs, raw[ok], states)
                yield seen
                yield Block(array.name, self._rows(seen), self._cells(seen) if cells else None)
            elif self.target.mappings() is None and following < array.buckets:
                more = "the slots after them were not tried: there is no memory map"
                yield from told.problem("unreadable", more, array.address + following * size, "")
                return
            first = following

    def _unreadable(self, told: Told, array: Array, low: int, high: int) -> list[Problem]:
        if low >= high:
            return []
        text = f"{array.prefix}{rows_text('slot', low, high)} cannot be read"
        return told.problem("unreadable", text, array.address + low * self.layout.size, "")

    def _rows(self, seen: Seen) -> Buckets:
        count = len(seen.numbers)
        return Buckets(
            bucket=seen.numbers,
            address=seen.addrs,
            chain=np.ones(count, np.int64),
            slots=np.ones(count, np.int64),
            live=(seen.states == LIVE).astype(np.int64),
            deleted=(seen.states == DELETED).astype(np.int64),
            empty=(seen.states == EMPTY).astype(np.int64),
            evacuated=np.zeros(count, np.bool_),
        )

    def _cells(self, seen: Seen) -> Cells:
        layout = self.layout
        live = np.flatnonzero(seen.states == LIVE)
        raw = seen.raw[live]
        at = layout.hash_at
        return Cells(
            bucket=seen.numbers[live],
            chain_index=np.zeros(len(live), np.int64),
            slot=np.zeros(len(live), np.int64),
            tophash=raw[:, at].astype(np.int64) if at >= 0 else np.full(len(live), -1),
            address=seen.addrs[live],
            keys=Column(raw[:, layout.key : layout.key + layout.key_size]),
            elems=Column(raw[:, layout.elem : layout.elem + layout.elem_size]),
        )

    def _link(self, address: int, number: int) -> Link:
        layout = self.layout
        try:
            raw = np.frombuffer(self.target.read(address, layout.size), np.uint8)[None]
        except MemoryFault:
            return Link(address, note="cannot be read")
        state = int(layout.states(raw, number)[0])
        return Link(
            address,
            tophash=(int(raw[0, layout.hash_at]),) if layout.hash_at >= 0 else (),
            marks=(STATE_NAMES[state],),
            live=(state == LIVE,),
            keys=Column(raw[:, layout.key : layout.key + layout.key_size]),
            elems=Column(raw[:, layout.elem : layout.elem + layout.elem_size]),
        )
