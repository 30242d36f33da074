"""An opened map over tables of slots with their control bytes apart: a family provides its Header,
a SlotLayout, the Tables and, where it knows the hash, a Placement.

    R1  the number of entries that a table counts is the number of its full slots
    R3  a control byte is empty, deleted, or full with 7 bits of the hash
    R4  the control bytes behind those of the slots are the table's sentinels, if it has any, and
        then repeat the first ones; in a table smaller than a window, the rest of it is empty, and
        stands before or behind them
    R5  growth_left is what is left of the limit after full and deleted slots
    R6  a table of a window or more has an empty slot, or a lookup of an absent key would never end
    R7  the control byte of an entry has 7 bits of its key's hash
    R8  a lookup of its key finds an entry: no window with an empty slot comes before
    R9  no key is live twice (for key types where equal bytes are equal keys)

R2 is the families': what the header shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, Union

import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Block, Cells, Chain, Ints, Place, Problem
from ...compat import dataclass
from ...header import Header
from ...layout import StructLayout
from ...target import Target
from ..columns import KeySet, Mask
from ..problems import Told
from ..slot_problems import iter_lost, iter_twice, iter_unreadable
from .layout import RUN, Seen, SlotLayout, Table
from .probes import hit_lengths
from .walk import ControlWalk

Codes = NDArray[np.uint64]


@dataclass(frozen=True)
class Home(Place):
    """The slot where the lookup of a key begins, and the control byte that it looks for."""

    slot: int = 0
    byte: int = 0


class Placement(Protocol):
    """A hash function, and what a map does with its codes."""

    def codes(self, cells: Cells, entries: Addresses) -> tuple[Codes, Mask]:
        """The hash codes of entries (n,), and which are known; `entries`: where they are."""

    def code_of(self, key: bytes) -> int | None:
        """The code of a key, as Map.place_of has it; None if it is not known."""

    def table_of(self, codes: Codes) -> Ints:
        """Which table keys belong to (n,), by its number."""

    def homes(self, codes: Codes, slots: int) -> Ints:
        """The slots where lookups begin (n,), in a table of so many."""

    def control(self, codes: Codes) -> Ints:
        """The control bytes of full slots with keys of these codes (n,)."""


class ControlMap:
    """See families.family.Map. `compare_keys`: whether keys with equal bytes are equal."""

    def __init__(
        self,
        target: Target,
        header: Header,
        layout: SlotLayout,
        tables: Sequence[Table],
        structs: Sequence[StructLayout],
        placement: Placement | None = None,
        compare_keys: bool = False,
    ) -> None:
        self.target = target
        self.header = header
        self.layout = layout
        self.tables = tables
        self.structs = structs
        self.placement = placement
        self.compare_keys = compare_keys

    # ---- family.Map

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem]]:
        """See family.Map; of a Home, the entries that a lookup from there on compares."""
        walk = self._walk()
        if only is not None:
            number = [array.name for array in self.header.arrays].index(only.array)
            if isinstance(only, Home):
                yield Block(only.array, None, walk.lookup(number, only.slot, only.byte))
                return
        for item in walk.walk(cells):
            if not isinstance(item, Seen) and (only is None or _is_in(item, only.array)):
                yield item
        yield from walk.told.iter_cut()

    def audit(self) -> Iterator[Union[Block, Problem]]:
        """The invariants above, except what header and walk show; see family.Map."""
        walk = self._walk()
        audit = _Audit(self, walk)
        for item in walk.walk(cells=True):
            if isinstance(item, Seen):
                audit.add(item)
                continue
            yield item
            if isinstance(item, Block) and item.cells is not None:
                yield from audit.check_cells(item.cells)
            yield from audit.check_table()
        yield from audit.finish()
        yield from walk.told.iter_cut()

    def check_placement(self) -> Iterator[Problem] | None:
        """See family.Map."""
        if self.placement is None:
            return None
        found = (one for one in self.audit() if isinstance(one, Problem))
        return (one for one in found if one.invariant in ("R7", "R8"))

    def iter_chains(self, array: str, low: int, high: int) -> Iterator[Chain]:
        """See family.Map: each run of slots is a chain of one."""
        number = [one.name for one in self.header.arrays].index(array)
        return self._walk().iter_chains(number, low, high)

    def place_of(self, key: bytes) -> Place | None:
        """See family.Map."""
        placement = self.placement
        code = None if placement is None or not self.tables else placement.code_of(key)
        if placement is None or code is None:
            return None
        codes = np.array([code], np.uint64)
        number = int(placement.table_of(codes)[0])
        if number < 0:  # of a table without slots
            return None
        home = int(placement.homes(codes, self.tables[number].positions)[0])
        byte = int(placement.control(codes)[0])
        return Home(self.header.arrays[number].name, home // RUN, home, byte)

    def slot_addresses(self, cells: Cells) -> tuple[Addresses, Addresses]:
        """See family.Map."""
        places = self._walk().entry_addresses(cells)
        there = places != 0
        key, elem = np.uint64(self.layout.key), np.uint64(self.layout.elem)
        return np.where(there, places + key, places), np.where(there, places + elem, places)

    def layouts(self) -> Sequence[StructLayout]:
        """See family.Map."""
        return self.structs

    def _walk(self) -> ControlWalk:
        return ControlWalk(self.target, self.layout, self.header.arrays, self.tables, Told())


def _is_in(item: Block | Problem, array: str) -> bool:
    return isinstance(item, Problem) or item.array == array


class _Audit:
    """Takes what a walk yields, in order."""

    def __init__(self, opened: ControlMap, walk: ControlWalk) -> None:
        self._map = opened
        self._walk = walk
        self._told = walk.told
        self._keys = KeySet() if opened.compare_keys else None
        self._number = 0  # of the table that is being read
        self._ctrl: list[NDArray[np.uint8]] = []  # of that table, up to the first gap
        self._is_whole = True
        self._slots: list[Ints] = []  # of its entries with known codes
        self._codes: list[Codes] = []

    def add(self, seen: Seen) -> None:
        """The next part of a table."""
        if seen.first == 0:
            self._number, self._is_whole = seen.number, True
            self._ctrl.clear()
            self._slots.clear()
            self._codes.clear()
        self._is_whole &= bool(seen.ok.all()) and seen.first == sum(map(len, self._ctrl))
        if self._is_whole:
            self._ctrl.append(seen.ctrl)

    def check_cells(self, cells: Cells) -> Iterator[Problem]:
        """R7, and entries that cannot be read."""
        layout = self._map.layout
        array = self._map.header.arrays[self._number]
        slots = cells.bucket * RUN + cells.slot
        yield from iter_unreadable(self._told, array.prefix, slots, cells)
        entries = self._walk.entry_addresses(cells)
        if self._keys is not None:
            self._keys.add_bytes(cells.keys, entries + np.uint64(layout.key))
        placement = self._map.placement
        if placement is None or not len(cells):
            return
        codes, known = placement.codes(cells, entries)
        self._slots.append(slots[known])
        self._codes.append(codes[known])
        tables = placement.table_of(codes)
        wanted = placement.control(codes)
        wrong = known & ((wanted != cells.tophash) | (tables != self._number))
        for at in np.flatnonzero(wrong).tolist():
            slot = int(slots[at])
            what = f"{array.prefix}slot {slot:,}"
            text = (
                f"{what}: its key has hash code 0x{int(codes[at]):x}, of which control byte "
                f"0x{int(wanted[at]):02x} is made, and not 0x{int(cells.tophash[at]):02x}"
            )
            if tables[at] != self._number:
                text = f"{what}: its key has hash code 0x{int(codes[at]):x}, of another table"
            yield from self._told.problem("R7", text, array.address + slot, "R7")

    def check_table(self) -> Iterator[Problem]:
        """R4 to R6 and R8, once a table is complete; one with gaps is left out."""
        table = self._map.tables[self._number]
        if not table.has_control:
            return
        if not self._is_whole or sum(map(len, self._ctrl)) < table.slots:
            return
        ctrl = np.concatenate(self._ctrl)
        self._ctrl.clear()
        self._is_whole = False
        yield from self._check_sums(table, ctrl)
        yield from self._check_clones(ctrl)
        yield from self._check_lookups(table, ctrl)

    def _check_sums(self, table: Table, ctrl: NDArray[np.uint8]) -> Iterator[Problem]:
        control, array = self._map.layout.control, self._map.header.arrays[self._number]
        what = f"{array.prefix.rstrip()}: " if array.prefix else ""
        empty, deleted = int((ctrl == control.empty).sum()), int((ctrl == control.deleted).sum())
        full = int((ctrl < 0x80).sum())
        if full != table.items and len(self._map.tables) > 1:
            text = f"{what}{table.items:,} entries are counted, but {full:,} slots are full"
            yield from self._told.problem("R1", text, table.items_at, "R1")
        left = table.limit - full - deleted
        if left != table.growth_left and table.limit >= 0:
            text = (
                f"{what}growth_left is {table.growth_left:,}, but {full:,} full and {deleted:,} "
                f"deleted slots of at most {table.limit:,} leave {left:,}"
            )
            yield from self._told.problem("R5", text, table.growth_left_at, "R5")
        if not empty and table.positions >= self._map.layout.window:
            text = f"{what}no slot is empty: a lookup of an absent key never ends"
            yield from self._told.problem("R6", text, array.address, "R6")

    def _check_clones(self, ctrl: NDArray[np.uint8]) -> Iterator[Problem]:
        layout, array = self._map.layout, self._map.header.arrays[self._number]
        count, sentinels = len(ctrl), self._map.tables[self._number].sentinels
        wanted = layout.behind(ctrl, sentinels)
        data, ok = self._walk.control_bytes(array, count, count + len(wanted))
        for at in np.flatnonzero(ok & (data != wanted)).tolist():
            number = layout.original(at, count, sentinels)
            meant = f"repeats that of slot {number:,}" if number >= 0 else "is behind the slots"
            text = (
                f"{array.prefix}control byte {count + at:,} {meant}, and is 0x{data[at]:02x}, not "
                f"0x{wanted[at]:02x}"
            )
            yield from self._told.problem("R4", text, array.address + count + at, "R4")
        if not ok.all():
            at = array.address + count + int(np.argmin(ok))
            text = f"{array.prefix}control bytes behind the slots cannot be read"
            yield from self._told.problem("unreadable", text, at, "")

    def _check_lookups(self, table: Table, ctrl: NDArray[np.uint8]) -> Iterator[Problem]:
        placement, array = self._map.placement, self._map.header.arrays[self._number]
        if placement is None or not self._slots:
            return
        slots, codes = np.concatenate(self._slots), np.concatenate(self._codes)
        homes = placement.homes(codes, table.positions)
        ends = np.full(table.sentinels, self._map.layout.control.sentinel & 0xFF, np.uint8)
        empty = np.concatenate([ctrl, ends]) == self._map.layout.control.empty
        lengths = hit_lengths(empty, self._map.layout.window, homes, slots)
        yield from iter_lost(
            self._told, array.prefix, slots, homes, lengths, array.address.__add__, "R8"
        )

    def finish(self) -> Iterator[Problem]:
        """R9, after all cells."""
        if self._keys is not None:
            yield from iter_twice(self._told, self._keys, "R9")
