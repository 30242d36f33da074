"""The walk of tables of flat slots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

from ...block import Block, Buckets, Cells, Chain, Ints, Link, Problem
from ...compat import dataclass
from ...header import Array
from ...target import Target
from ..columns import BLOCK_BYTES, Mask, iter_runs
from ..problems import Told
from ..ranges import next_readable, rows_text
from .layout import DELETED, EMPTY, LIVE, RUN, STATE_NAMES, Codes, States, Table, rows_of
from .probes import Probing

MAX_LOOKUP = 1 << 20  # slots that one lookup looks at


@dataclass(frozen=True)
class Seen:
    """Adjacent slots of a table, as they were read; they begin with a row."""

    number: int  # of the table
    first: int  # number of the first slot
    stored: NDArray[Any]  # (n,)
    states: States  # (n,); EMPTY where unreadable
    ok: Mask  # (n,) which were read


class FlatWalk:
    """The slots of a map's tables; it reports states that cannot be read."""

    def __init__(
        self,
        target: Target,
        arrays: Sequence[Array],
        tables: Sequence[Table],
        told: Told,
        homes: Callable[[Codes], Ints] | None = None,
    ) -> None:
        """`homes`: where lookups begin, by what is stored of entries; None: unknown."""
        self.target = target
        self.arrays = arrays
        self.tables = tables
        self.told = told
        self._homes = homes

    def walk(self, cells: bool) -> Iterator[Union[Block, Problem, Seen]]:
        """For each part of a table its Problems, a Seen and a Block."""
        for number in range(len(self.tables)):
            yield from self._walk_table(number, cells)

    def _walk_table(self, number: int, cells: bool) -> Iterator[Union[Block, Problem, Seen]]:
        array, table = self.arrays[number], self.tables[number]
        run = table.state.run_size
        width = run + (RUN * (table.key.size + table.elem.size) if cells else 0)
        step = max(BLOCK_BYTES // width, 1) * RUN
        first = 0
        while first < table.slots:
            end = min(first + step, table.slots)
            following = max(end, self._next_readable(table, end))
            seen = self.read(number, first, end)
            yield from self._tell_unread(array, table, seen, following)
            if seen.ok.any():
                yield seen
                yield self._block(array, seen, cells)
            elif self.target.mappings() is None and end < table.slots:
                more = "the slots after them were not tried: there is no memory map"
                yield from self.told.problem("unreadable", more, table.state.address(end), "")
                return
            first = following

    def _next_readable(self, table: Table, end: int) -> int:
        """The first slot of a run from `end` on of which something may be in memory."""
        runs, size = table.state.pitch
        if not size:
            return end
        at, count = rows_of(end) // runs, -(-rows_of(table.slots) // runs)
        found = next_readable(self.target, table.state.address(0), size, at, count)
        return min(found * runs * RUN, table.slots)

    def read(self, number: int, first: int, end: int) -> Seen:
        """Slots [first, end) of a table."""
        table = self.tables[number]
        stored, ok = table.state.read(self.target, first, end)
        states = np.where(ok, table.state.states(stored), np.uint8(EMPTY)).astype(np.uint8)
        return Seen(number, first, stored, states, ok)

    def _tell_unread(
        self, array: Array, table: Table, seen: Seen, following: int
    ) -> Iterator[Problem]:
        """Slots whose states could not be read; none is up to `following`."""
        unread = np.concatenate([~seen.ok, [following > seen.first + len(seen.ok)]])
        for low, high in iter_runs(unread):
            end = following if high == len(unread) and unread[-1] else seen.first + high
            text = f"{array.prefix}{rows_text('slot', seen.first + low, end)} cannot be read"
            address = table.state.address(seen.first + low)
            yield from self.told.problem("unreadable", text, address, "")

    def _block(self, array: Array, seen: Seen, cells: bool) -> Block:
        rows = self._rows(seen)
        # A row that was not read as a whole is none.
        whole = np.logical_and.reduceat(seen.ok, np.arange(0, len(seen.ok), RUN))
        kept = rows if whole.all() else rows.take(whole)
        live = np.flatnonzero((seen.states == LIVE) & seen.ok)
        found = None
        if cells:
            found = self.cells(seen.number, seen.first + live, seen.stored[live])
        ends = seen.states == EMPTY if whole.all() else None
        lookups = None
        if self._homes is not None:
            codes = seen.stored[live].astype(np.uint64)
            lookups = self._homes(codes), seen.first + live
        return Block(array.name, kept, found, probe_ends=ends, lookups=lookups)

    def _rows(self, seen: Seen) -> Buckets:
        state = self.tables[seen.number].state
        starts = np.arange(0, len(seen.states), RUN)

        def count(which: Mask) -> Ints:
            return np.add.reduceat(which.astype(np.int64), starts)

        rows = seen.first // RUN + np.arange(len(starts))
        return Buckets(
            bucket=rows,
            address=state.runs(rows),
            chain=np.ones(len(starts), np.int64),
            slots=np.minimum(starts + RUN, len(seen.states)) - starts,
            live=count((seen.states == LIVE) & seen.ok),
            deleted=count((seen.states == DELETED) & seen.ok),
            empty=count((seen.states == EMPTY) & seen.ok),
            evacuated=np.zeros(len(starts), np.bool_),
        )

    def cells(self, number: int, slots: Ints, stored: NDArray[Any]) -> Cells:
        """The entries of slots of a table (n,), and what is stored of them."""
        table = self.tables[number]
        rows = slots // RUN
        return Cells(
            bucket=rows,
            chain_index=np.zeros(len(slots), np.int64),
            slot=slots % RUN,
            tophash=stored.astype(np.int64),
            address=table.state.runs(rows),
            keys=table.key.values(self.target, slots),
            elems=table.elem.values(self.target, slots),
        )

    # ---- single slots

    def lookup(self, number: int, probing: Probing, home: int, code: int) -> Cells:
        """The entries that a lookup from `home` on compares with a key of that code."""
        table = self.tables[number]
        found: dict[int, None] = {}
        chunk = 64
        for begin in range(0, min(table.slots, MAX_LOOKUP), chunk):
            offsets = [probing.offset(begin + at) for at in range(chunk)]
            slots = (home + np.array(offsets, object) % table.slots).astype(np.int64) % table.slots
            parts = [self.read(number, slot, slot + 1) for slot in slots.tolist()]
            ends = next((at for at, one in enumerate(parts) if one.states[0] == EMPTY), None)
            for one in parts[:ends]:
                if one.states[0] == LIVE and int(one.stored[0]) == code:
                    found[one.first] = None
            if ends is not None:
                break
        at = np.array(list(found), np.int64)
        return self.cells(number, at, np.full(len(at), code, np.int64))

    def iter_chains(self, number: int, low: int, high: int) -> Iterator[Chain]:
        """Rows [low, high) of a table: each is a chain of one."""
        array, state = self.arrays[number], self.tables[number].state
        for row in range(low, high):
            address = state.address(row * RUN)
            yield Chain(array.name, row, address, iter([self._link(number, row)]))

    def _link(self, number: int, row: int) -> Link:
        table = self.tables[number]
        first, end = row * RUN, min(row * RUN + RUN, table.slots)
        address = table.state.address(first)
        seen = self.read(number, first, end)
        if not seen.ok.all():
            return Link(address, note="cannot be read")
        slots = np.arange(first, end)
        return Link(
            address,
            tophash=tuple(max(int(one), 0) for one in seen.stored.tolist()),
            marks=tuple(STATE_NAMES[state] for state in seen.states.tolist()),
            live=tuple((seen.states == LIVE).tolist()),
            keys=table.key.values(self.target, slots),
            elems=table.elem.values(self.target, slots),
        )
