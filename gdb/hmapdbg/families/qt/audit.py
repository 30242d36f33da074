"""The invariants of a QHash. Lookups go from slot to slot, up to the first empty one; a removal
moves the entries behind it, so there are no tombstones.

    F1 and F3   as in geometry.flat.map
    F5 and F6   as there, of keys that are numbers
    Q1  a slot leads to an entry that its span has
    Q2  no two slots of a span lead to the same entry
    Q3  a QMultiHash has no fewer values than keys, and each key has one
    Q4  there are 128 slots at least, from Qt 6.4 on
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

import numpy as np

from ...block import Block, Cells, Ints, Problem
from ...geometry.columns import KeySet
from ...geometry.flat.layout import EMPTY, LIVE, RUN, Table
from ...geometry.flat.probes import Probing, hit_lengths
from ...geometry.flat.walk import FlatWalk, Seen
from ...geometry.problems import Told
from ...geometry.slot_problems import iter_lost, iter_twice, iter_unreadable
from .hash import NumberHash
from .spans import Spans
from .types import SLOTS


class Audit:
    """Checks what a walk yields."""

    def __init__(
        self, walk: FlatWalk, spans: Spans, probing: Probing, hashing: NumberHash | None
    ) -> None:
        self._walk = walk
        self._table: Table = walk.tables[0]
        self._spans = spans
        self._probing = probing
        self._hash = hashing
        self._told: Told = walk.told
        self._keys = KeySet()
        self._seen: list[Seen] = []
        self._slots: list[Ints] = []
        self._homes: list[Ints] = []

    def run(self) -> Iterator[Union[Block, Problem]]:
        """The walk with cells, and what is wrong."""
        for item in self._walk.walk(cells=True):
            if isinstance(item, Seen):
                self._seen.append(item)
                yield from self._check_entries(item)
                continue
            yield item
            if isinstance(item, Block) and item.cells is not None:
                yield from self._check_cells(item.cells)
        yield from self._finish()
        yield from self._told.iter_cut()

    def _check_entries(self, seen: Seen) -> Iterator[Problem]:
        """Q1 and Q2."""
        live = np.flatnonzero((seen.states == LIVE) & seen.ok)
        slots, numbers = seen.first + live, seen.stored[live]
        spans = slots // SLOTS
        missing = numbers >= self._spans.allocated[spans]
        for at in np.flatnonzero(missing).tolist():
            text = (
                f"slot {int(slots[at]):,}: it leads to entry {int(numbers[at])}, but its span has "
                f"{int(self._spans.allocated[spans[at]])}"
            )
            yield from self._told.problem("Q1", text, self._spans.address(int(slots[at])), "Q1")
        same = spans * 256 + numbers
        order = np.argsort(same, kind="stable")
        twice = np.flatnonzero(np.diff(same[order]) == 0)
        for at in twice.tolist():
            first, second = int(slots[order[at]]), int(slots[order[at + 1]])
            text = f"slots {first:,} and {second:,} lead to the same entry"
            yield from self._told.problem("Q2", text, self._spans.address(second), "Q2")

    def _check_cells(self, cells: Cells) -> Iterator[Problem]:
        """Entries that cannot be read; keeps their keys."""
        slots = cells.bucket * RUN + cells.slot
        yield from iter_unreadable(self._told, "", slots, cells, with_null=False)
        if self._hash is None or not len(cells):
            return
        known = cells.keys.known
        self._keys.add_bytes(cells.keys, self._spans.addresses(slots))
        codes = self._hash.codes(cells.keys.data[known])
        self._slots.append(slots[known])
        self._homes.append((codes & np.uint64(self._table.slots - 1)).astype(np.int64))

    def _finish(self) -> Iterator[Problem]:
        table = self._table
        is_whole = sum(len(one.states) for one in self._seen) == table.slots
        if is_whole and all(bool(one.ok.all()) for one in self._seen):
            states = np.concatenate([one.states for one in self._seen])
            yield from self._check_end(states)
            yield from self._check_lookups(states)
        yield from iter_twice(self._told, self._keys, "F6")

    def _check_end(self, states: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> Iterator[Problem]:
        """F3."""
        table = self._table
        if not (states == EMPTY).any():
            text = "no slot is empty: the lookup of an absent key never ends"
            yield from self._told.problem("F3", text, table.state.address(0), "F3")

    def _check_lookups(
        self, states: np.ndarray[tuple[int], np.dtype[np.uint8]]
    ) -> Iterator[Problem]:
        """F5."""
        if not self._slots:
            return
        slots, homes = np.concatenate(self._slots), np.concatenate(self._homes)
        lengths = hit_lengths(states == EMPTY, self._probing, homes, slots)
        yield from iter_lost(self._told, "", slots, homes, lengths, self._spans.address, "F5")
