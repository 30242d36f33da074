"""The walk of tables of slots with their control bytes apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Block, Buckets, Cells, Chain, Column, Ints, Link, Problem
from ...header import Array
from ...target import Target
from ..columns import BLOCK_BYTES, iter_runs
from ..control_bytes import FULL
from ..problems import Told
from ..ranges import next_readable, rows_text
from .layout import RUN, Seen, SlotLayout, Table
from .probes import iter_steps


class ControlWalk:
    """The slots of a map's tables.

    The walk itself reports control bytes that cannot be read, and

        R3  a control byte is empty, deleted, or full with 7 bits of the hash
    """

    def __init__(
        self,
        target: Target,
        layout: SlotLayout,
        arrays: Sequence[Array],
        tables: Sequence[Table],
        told: Told,
    ) -> None:
        self.target = target
        self.layout = layout
        self.arrays = arrays
        self.tables = tables
        self.told = told
        self._bases = {array.address: table.base for array, table in zip(arrays, tables)}

    def walk(self, cells: bool) -> Iterator[Union[Block, Problem, Seen]]:
        """For each part of a table its Problems, a Seen and a Block."""
        for number, table in enumerate(self.tables):
            if table.has_control:
                yield from self._walk_table(number, cells)
            else:
                yield from self._walk_single(number, cells)

    def _walk_table(self, number: int, cells: bool) -> Iterator[Union[Block, Problem, Seen]]:
        layout, array, slots = self.layout, self.arrays[number], self.tables[number].slots
        width = 1 + (layout.size + layout.key_size + layout.elem_size if cells else 0)
        step = max(BLOCK_BYTES // (RUN * width), 1) * RUN
        first = 0
        while first < slots:
            end = min(first + step, slots)
            following = next_readable(self.target, array.address, 1, end, slots) // RUN * RUN
            following = following if end < following < slots else max(end, min(following, slots))
            ctrl, ok = self.control_bytes(array, first, end)
            yield from self._tell_unread(array, first, ok, following)
            if ok.any():
                yield from self._walk_part(number, first, ctrl, ok, cells)
            elif self.target.mappings() is None and end < slots:
                more = "the slots after them were not tried: there is no memory map"
                yield from self.told.problem("unreadable", more, array.address + end, "")
                return
            first = following

    def _walk_single(self, number: int, cells: bool) -> Iterator[Union[Block, Seen]]:
        """A slot without control byte: its table's count tells whether it is full."""
        array, ctrl = self.arrays[number], self._single_byte(number)
        ok = np.ones(len(ctrl), np.bool_)
        rows = self._rows(array, 0, ctrl, ok)
        yield Seen(number, array, 0, rows, ctrl, ok)
        found = None
        if cells:
            full = np.flatnonzero(ctrl < FULL)
            found = self.cells(array, full, np.full(len(full), -1))
        yield Block(array.name, rows, found, probe_ends=ctrl >= FULL)

    def _single_byte(self, number: int) -> NDArray[np.uint8]:
        """What the control byte of a table's only slot would be."""
        table = self.tables[number]
        byte = 0 if table.items else self.layout.control.empty
        return np.full(table.slots, byte, np.uint8)

    def _walk_part(
        self,
        number: int,
        first: int,
        ctrl: NDArray[np.uint8],
        ok: NDArray[np.bool_],
        cells: bool,
    ) -> Iterator[Union[Block, Problem, Seen]]:
        """Slots from `first` on, from their control bytes; `ok`: which were read."""
        array = self.arrays[number]
        rows = self._rows(array, first, ctrl, ok)
        seen = Seen(number, array, first, rows, ctrl, ok)
        yield from self._check(seen)
        yield seen
        # A row that was not read as a whole is none.
        whole = np.logical_and.reduceat(ok, np.arange(0, len(ok), RUN))
        kept = rows if whole.all() else rows.take(whole)
        full = first + np.flatnonzero((ctrl < FULL) & ok)
        found = self.cells(array, full, ctrl[full - first]) if cells else None
        ends = (ctrl == self.layout.control.empty) if whole.all() else None
        yield Block(array.name, kept, found, probe_ends=ends)

    def _tell_unread(
        self, array: Array, first: int, ok: NDArray[np.bool_], following: int
    ) -> Iterator[Problem]:
        """Control bytes from `first` on that could not be read; none is up to `following`."""
        unread = np.concatenate([~ok, [following > first + len(ok)]])
        for low, high in iter_runs(unread):
            end = following if high == len(unread) and unread[-1] else first + high
            slots = rows_text("slot", first + low, end)
            text = f"{array.prefix}control bytes of {slots} cannot be read"
            yield from self.told.problem("unreadable", text, array.address + first + low, "")

    def control_bytes(
        self, array: Array, first: int, end: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """The control bytes of slots [first, end) of a table, and which were read; others are
        empty."""
        data, missing = self.target.read_span(array.address + first, array.address + end)
        ok = np.ones(end - first, np.bool_)
        ctrl = np.array(data, np.uint8)
        for low, high in missing:
            at = slice(low - array.address - first, high - array.address - first)
            ok[at] = False
            ctrl[at] = self.layout.control.empty
        return ctrl, ok

    def cells(self, array: Array, slots: Ints, ctrl: NDArray[np.integer[Any]]) -> Cells:
        """The entries of full slots of a table, by their numbers (n,) and control bytes (-1: they
        have none)."""
        row = slots // RUN
        keys, elems = self._entries(array, slots)
        return Cells(
            bucket=row,
            chain_index=np.zeros(len(slots), np.int64),
            slot=slots % RUN,
            tophash=ctrl.astype(np.int64),
            address=np.uint64(array.address) + (row * RUN).astype(np.uint64),
            keys=keys,
            elems=elems,
        )

    def _entries(self, array: Array, slots: Ints) -> tuple[Column, Column]:
        layout = self.layout
        places = layout.slot_addresses(self._bases[array.address], slots)
        there = np.ones(len(slots), np.bool_)
        if layout.reach is not None:
            raw, ok = self.target.gather(places, layout.size)
            places, there = layout.reach.find(self.target, raw)
            there &= ok
        parts = ((layout.key, layout.key_size), (layout.elem, layout.elem_size))
        low = min(offset for offset, _ in parts)
        high = max(offset + size for offset, size in parts)
        if high == low:  # of no bytes
            data, ok = np.zeros((len(slots), 0), np.uint8), np.ones(len(slots), np.bool_)
        else:
            data, ok = self.target.gather(places + np.uint64(low), high - low)
        ok &= there
        columns = [data[:, offset - low : offset - low + size] for offset, size in parts]
        faults = np.where(ok, np.uint64(0), places)
        if ok.all():
            return Column(columns[0]), Column(columns[1])
        return Column(columns[0], faults, ~ok), Column(columns[1], faults, ~ok)

    def _rows(
        self, array: Array, first: int, ctrl: NDArray[np.uint8], ok: NDArray[np.bool_]
    ) -> Buckets:
        starts = np.arange(0, len(ctrl), RUN)
        full, empty = (ctrl < FULL) & ok, (ctrl == self.layout.control.empty) & ok
        live = np.add.reduceat(full.astype(np.int64), starts)
        rest = np.add.reduceat(empty.astype(np.int64), starts)
        slots = np.minimum(starts + RUN, len(ctrl)) - starts
        return Buckets(
            bucket=first // RUN + np.arange(len(starts)),
            address=np.uint64(array.address + first) + starts.astype(np.uint64),
            chain=np.ones(len(starts), np.int64),
            slots=slots,
            live=live,
            deleted=slots - live - rest,
            empty=rest,
            evacuated=np.zeros(len(starts), np.bool_),
        )

    def _check(self, seen: Seen) -> Iterator[Problem]:
        what, control, at = seen.array.prefix, self.layout.control, seen.array.address
        ctrl = seen.ctrl
        wrong = (ctrl >= FULL) & (ctrl != control.empty) & (ctrl != control.deleted)
        for place in np.flatnonzero(wrong & seen.ok).tolist():
            slot = seen.first + place
            text = f"{what}slot {slot:,}: control byte 0x{ctrl[place]:02x} is not valid"
            yield from self.told.problem("R3", text, at + slot, "R3")

    # ---- single slots

    def lookup(self, number: int, home: int, byte: int) -> Cells:
        """The entries that a lookup from `home` on compares with a key of that control byte, in the
        table of that number."""
        array, slots = self.arrays[number], self.tables[number].positions
        width = min(self.layout.window, slots)
        found: dict[int, None] = {}
        for _, step in iter_steps(slots, self.layout.window):
            window = (home + step + np.arange(width)) & (slots - 1)
            ctrl, ok = self.target.gather(np.uint64(array.address) + window.astype(np.uint64), 1)
            found.update(dict.fromkeys(window[(ctrl[:, 0] == byte) & ok].tolist()))
            if slots < self.layout.window or (ctrl[ok, 0] == self.layout.control.empty).any():
                break
        at = np.array(list(found), np.int64)
        return self.cells(array, at, np.full(len(at), byte, np.uint8))

    def iter_chains(self, number: int, low: int, high: int) -> Iterator[Chain]:
        """Rows [low, high) of a table: each is a chain of one."""
        array = self.arrays[number]
        for row in range(low, high):
            yield Chain(array.name, row, array.address + row * RUN, iter([self._link(number, row)]))

    def _link(self, number: int, row: int) -> Link:
        array, table = self.arrays[number], self.tables[number]
        first, end = row * RUN, min(row * RUN + RUN, table.slots)
        address = array.address + first
        if table.has_control:
            ctrl, ok = self.control_bytes(array, first, end)
        else:
            ctrl, ok = self._single_byte(number), np.ones(1, np.bool_)
        if not ok.all():
            return Link(address, note="cannot be read")
        keys, elems = self._entries(array, np.arange(first, end))
        return Link(
            address,
            tophash=tuple(ctrl.tolist()) if table.has_control else (),
            marks=tuple(map(self.layout.control.name, ctrl.tolist())),
            live=tuple((ctrl < FULL).tolist()),
            keys=keys,
            elems=elems,
        )

    def entry_addresses(self, cells: Cells) -> Addresses:
        """Where the entry of each cell is; 0: nowhere."""
        slots = cells.bucket * RUN + cells.slot
        starts = cells.address - (cells.bucket * RUN).astype(np.uint64)
        out = np.zeros(len(slots), np.uint64)
        for start in np.unique(starts).tolist():
            rows = np.flatnonzero(starts == np.uint64(start))
            places = self.layout.slot_addresses(self._bases[start], slots[rows])
            if self.layout.reach is not None:
                raw, ok = self.target.gather(places, self.layout.size)
                places, there = self.layout.reach.find(self.target, raw)
                places = np.where(ok & there, places, np.uint64(0))
            out[rows] = places
        return out
