"""The walk of tables of groups: several tables are gathered together, with a Block of rows for
each, and one of all cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Union

import numpy as np

from ...block import Addresses, Block, Buckets, Cells, Chain, Column, Link, Place, Problem
from ...header import Array
from ...target import MemoryFault, Target
from ..columns import BLOCK_BYTES, Mask, Raw, box_targets, iter_runs, unboxed
from ..control_bytes import FULL, Control
from ..problems import Told
from ..ranges import rows_text
from .layout import GroupLayout, Seen


class GroupWalk:
    """The groups of a map's arrays.

    The walk itself reports groups that cannot be read, and

        S5  a control byte is empty, deleted, or full with 7 bits of the hash
    """

    def __init__(
        self,
        target: Target,
        layout: GroupLayout,
        control: Control,
        arrays: Sequence[Array],
        told: Told,
    ) -> None:
        self.target = target
        self.layout = layout
        self.control = control
        self.arrays = arrays
        self.told = told

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem, Seen]]:
        """For each table its Problems, a Seen, and a Block of its rows; then, with `cells`, Blocks
        of the cells of several tables: keys and elems are gathered together. With `only`, just its
        table."""
        step = max(1, BLOCK_BYTES // self.layout.unboxed_size)
        batch: list[int] = []
        size = 0
        for number, array in enumerate(self.arrays):
            if only is not None and array.name != only.array:
                continue
            if batch and size + array.buckets > step:
                yield from self._walk_tables(batch, cells)
                batch, size = [], 0
            batch.append(number)
            size += array.buckets
        if batch:
            yield from self._walk_tables(batch, cells)

    def _walk_tables(
        self, numbers: Sequence[int], cells: bool
    ) -> Iterator[Union[Block, Problem, Seen]]:
        """Some tables at once: their groups are gathered together."""
        layout = self.layout
        arrays = [self.arrays[number] for number in numbers]
        counts = np.array([array.buckets for array in arrays])
        ends = np.cumsum(counts)
        group = np.arange(ends[-1]) - np.repeat(ends - counts, counts)
        starts = np.array([array.address for array in arrays], np.uint64)
        addrs = np.repeat(starts, counts) + group.astype(np.uint64) * np.uint64(layout.size)
        raw, ok = self.target.gather(addrs, layout.size)
        ctrl = layout.control_bytes(self.target, raw)
        full = (ctrl < FULL) & ok[:, None]
        empty = (ctrl == self.control.empty) & ok[:, None]
        live, rest = full.sum(axis=1), empty.sum(axis=1)
        rows = Buckets(
            bucket=group,
            address=addrs,
            chain=np.ones(len(group), np.int64),
            slots=np.full(len(group), layout.slots, np.int64),
            live=live,
            deleted=layout.slots - live - rest,
            empty=rest,
            evacuated=np.zeros(len(group), np.bool_),
        )
        for number, array, low, high in zip(numbers, arrays, ends - counts, ends):
            part = slice(int(low), int(high))
            seen = Seen(number, array, rows.take(part), ok[part], ctrl[part], raw[part])
            yield from self._check(seen)
            yield seen
            kept = seen.rows if seen.ok.all() else seen.rows.take(seen.ok)
            yield Block(array.name, kept)
        if cells:
            names = np.repeat(np.array([array.name for array in arrays], dtype=object), counts)
            found = self._cells(rows, raw, ctrl, full)
            found.arrays = names[np.nonzero(full)[0]]
            yield Block(arrays[0].name, None, found)

    def _cells(self, rows: Buckets, raw: Raw, ctrl: Raw, full: Mask) -> Cells:
        row, slot = np.nonzero(full)
        values = []
        for _, offset, step, size, real, boxed in self.layout.parts:
            data = self.layout.slots_of(raw, offset, step, size)[row, slot]
            values.append(unboxed(self.target, data, real) if boxed else Column(data))
        return Cells(
            bucket=rows.bucket[row],
            chain_index=np.zeros(len(row), np.int64),
            slot=slot,
            tophash=ctrl[row, slot].astype(np.int64),
            address=rows.address[row],
            keys=values[0],
            elems=values[1],
        )

    def _check(self, seen: Seen) -> Iterator[Problem]:
        what, rows, ctrl = seen.array.prefix, seen.rows, seen.ctrl
        for low, high in iter_runs(~seen.ok):
            text = f"{what}{rows_text('group', low, high)} cannot be read"
            yield from self.told.problem("unreadable", text, int(rows.address[low]), "")
        wrong = (ctrl >= FULL) & (ctrl != self.control.empty) & (ctrl != self.control.deleted)
        for group, slot in np.argwhere(wrong & seen.ok[:, None]).tolist():
            yield from self.told.problem(
                "S5",
                f"{what}group {group:,} slot {slot}: control byte 0x{ctrl[group, slot]:02x} is "
                "not valid",
                self.layout.control_at(self.target, int(rows.address[group]), slot),
                "S5",
            )

    # ---- single groups and slots

    def iter_chains(self, array: Array, low: int, high: int) -> Iterator[Chain]:
        """Groups [low, high) of an array: each is a chain of one."""
        for number in range(low, high):
            address = array.address + number * self.layout.size
            yield Chain(array.name, number, address, iter([self._link(address)]))

    def _link(self, address: int) -> Link:
        layout = self.layout
        try:
            raw = np.frombuffer(self.target.read(address, layout.size), np.uint8)[None]
        except MemoryFault:
            return Link(address, note="cannot be read")
        ctrl = layout.control_bytes(self.target, raw)[0].tolist()
        columns = []
        for _, offset, step, size, real, boxed in layout.parts:
            data = layout.slots_of(raw, offset, step, size)[0]
            columns.append(unboxed(self.target, data, real) if boxed else Column(data))
        return Link(
            address,
            tophash=tuple(ctrl),
            marks=tuple(self.control.name(byte) for byte in ctrl),
            live=tuple(byte < FULL for byte in ctrl),
            keys=columns[0],
            elems=columns[1],
        )

    def key_slots(self, cells: Cells) -> Addresses:
        """Where the slot of each cell's key is."""
        layout = self.layout
        return cells.address + (layout.keys + cells.slot * layout.key_step).astype(np.uint64)

    def slot_addresses(self, cells: Cells) -> tuple[Addresses, Addresses]:
        """Where the key and the elem of each cell are, boxes followed."""
        out = []
        for _, offset, step, _, _, boxed in self.layout.parts:
            addrs = cells.address + (offset + cells.slot * step).astype(np.uint64)
            out.append(box_targets(self.target, addrs) if boxed else addrs)
        return out[0], out[1]
