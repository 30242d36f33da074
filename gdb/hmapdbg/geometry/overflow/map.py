"""An opened map over groups that remember overflow: a family provides its Header, a GroupLayout,
the Tables and, where it knows the hash, a Placement.

    O1  the number of entries that a table counts is the number of its full slots
    O3  the byte of a slot is that of an empty one, or one that a hash makes; that of the place
        behind the last slot is the sentinel
    O4  the byte of an entry is made of its key's hash
    O5  a lookup of its key finds an entry: all groups from its home on up to its own are marked as
        overflowed by keys of its class
    O6  no key is live twice (for key types where equal bytes are equal keys)

O2 is the families': what the header shows.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
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
from ..slot_problems import iter_twice
from .layout import EMPTY, GroupLayout, Seen, Table
from .probes import Sequence as Probing
from .probes import lost, triangular
from .walk import OverflowWalk

Codes = NDArray[np.uint64]


@dataclass(frozen=True)
class Home(Place):
    """The group where the lookup of a key begins, the key's class, and the byte that it looks
    for."""

    kind: int = 0
    byte: int = 0


class Placement(Protocol):
    """A hash function, and what a map does with its codes."""

    def codes(self, cells: Cells, entries: Addresses) -> tuple[Codes, Mask]:
        """The hash codes of entries (n,), and which are known; `entries`: where they are."""

    def code_of(self, key: bytes) -> int | None:
        """The code of a key, as Map.place_of has it; None if it is not known."""

    def homes(self, codes: Codes, groups: int) -> Ints:
        """The groups where lookups begin (n,), in a table of so many."""

    def stored(self, codes: Codes) -> Ints:
        """The bytes of entries with keys of these codes (n,)."""

    def kinds(self, codes: Codes) -> Ints:
        """The classes of keys of these codes (n,)."""


class OverflowMap:
    """See families.family.Map. `find_placement` is asked only when it is needed, and may look at
    some entries; `compare_keys`: whether keys with equal bytes are equal; `check_more`:
    invariants of the family's own, for an audit."""

    def __init__(
        self,
        target: Target,
        header: Header,
        layout: GroupLayout,
        tables: Sequence[Table],
        structs: Sequence[StructLayout],
        find_placement: Callable[[OverflowWalk], Placement | None] | None = None,
        probing: Probing = triangular,
        compare_keys: bool = False,
        check_more: Callable[[], Iterator[Problem]] | None = None,
    ) -> None:
        self.target = target
        self.header = header
        self.layout = layout
        self.tables = tables
        self.structs = structs
        self._find_placement = find_placement
        self.probing = probing
        self.compare_keys = compare_keys
        self._check_more = check_more

    # ---- family.Map

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem]]:
        """See family.Map; of a Home, the entries that a lookup from there on compares."""
        walk = self._walk()
        if isinstance(only, Home):
            number = self._number(only.array)
            found = walk.lookup(number, self.probing, only.bucket, only.kind, only.byte)
            yield Block(only.array, None, found)
            return
        for item in walk.walk(cells):
            is_other = only is not None and isinstance(item, Block) and item.array != only.array
            if not isinstance(item, Seen) and not is_other:
                yield item
        yield from walk.told.iter_cut()

    def audit(self) -> Iterator[Union[Block, Problem]]:
        """The invariants above, except what the header shows; see family.Map."""
        walk = self._walk()
        audit = _Audit(self, walk)
        for item in walk.walk(cells=True):
            if isinstance(item, Seen):
                yield from audit.add(item)
                continue
            yield item
            if isinstance(item, Block) and item.cells is not None:
                yield from audit.check_cells(item.cells)
            yield from audit.check_table()
        yield from audit.finish()
        yield from walk.told.iter_cut()
        if self._check_more is not None:
            yield from self._check_more()

    def check_placement(self) -> Iterator[Problem] | None:
        """See family.Map."""
        if self.placement is None:
            return None
        found = (one for one in self.audit() if isinstance(one, Problem))
        return (one for one in found if one.invariant in ("O4", "O5"))

    def iter_chains(self, array: str, low: int, high: int) -> Iterator[Chain]:
        """See family.Map: each group is a chain of one."""
        return self._walk().iter_chains(self._number(array), low, high)

    def place_of(self, key: bytes) -> Place | None:
        """See family.Map; of a map with one table."""
        placement = self.placement
        code = None if placement is None or len(self.tables) != 1 else placement.code_of(key)
        if placement is None or code is None:
            return None
        codes = np.array([code], np.uint64)
        home, kind, byte = (
            int(one[0])
            for one in (
                placement.homes(codes, self.tables[0].groups),
                placement.kinds(codes),
                placement.stored(codes),
            )
        )
        return Home(self.header.arrays[0].name, home, kind, byte)

    def slot_addresses(self, cells: Cells) -> tuple[Addresses, Addresses]:
        """See family.Map."""
        places = self._walk().entry_addresses(cells)
        there = places != 0
        key, elem = np.uint64(self.layout.key), np.uint64(self.layout.elem)
        return np.where(there, places + key, places), np.where(there, places + elem, places)

    def layouts(self) -> Sequence[StructLayout]:
        """See family.Map."""
        return self.structs

    @functools.cached_property
    def placement(self) -> Placement | None:
        """The hash function and what follows from it; None: unknown."""
        find = self._find_placement
        return None if find is None else find(self._walk())

    def _walk(self) -> OverflowWalk:
        return OverflowWalk(self.target, self.layout, self.header.arrays, self.tables, Told())

    def _number(self, array: str) -> int:
        return [one.name for one in self.header.arrays].index(array)


class _Audit:
    """Takes what a walk yields, in order."""

    def __init__(self, opened: OverflowMap, walk: OverflowWalk) -> None:
        self._map = opened
        self._walk = walk
        self._told = walk.told
        self._keys = KeySet() if opened.compare_keys else None
        self._number = 0  # of the table that is being read
        self._passed: list[Mask] = []  # of that table, up to the first gap
        self._live = 0
        self._is_whole = True
        self._places: list[tuple[Ints, Ints, Codes]] = []  # of entries with the right byte

    def add(self, seen: Seen) -> Iterator[Problem]:
        """The next part of a table: O3."""
        first = int(seen.rows.bucket[0])
        if first == 0:
            self._number, self._is_whole, self._live = seen.number, True, 0
            self._passed.clear()
            self._places.clear()
        self._is_whole &= bool(seen.ok.all()) and first == sum(map(len, self._passed))
        if self._is_whole:
            self._passed.append(seen.passed)
        self._live += int(seen.rows.live.sum())
        yield from self._check_bytes(seen)

    def _check_bytes(self, seen: Seen) -> Iterator[Problem]:
        metadata, array = self._map.layout.metadata, seen.array
        wrong = (seen.bytes != EMPTY) & (seen.bytes < metadata.least)
        for row, slot in np.argwhere(wrong).tolist():
            text = f"{self._where(int(seen.rows.bucket[row]), slot)}: no hash makes its byte"
            text += f" 0x{int(seen.bytes[row, slot]):02x}"
            yield from self._told.problem("O3", text, int(seen.rows.address[row]), "O3")
        if metadata.sentinel < 0 or not len(seen.behind):
            return
        if seen.behind[0] != metadata.sentinel:
            text = (
                f"{array.prefix}behind the last slot is 0x{int(seen.behind[0]):02x}, and not the "
                f"sentinel 0x{metadata.sentinel:02x}"
            )
            yield from self._told.problem("O3", text, int(seen.rows.address[-1]), "O3")

    def check_cells(self, cells: Cells) -> Iterator[Problem]:
        """O4, and entries that cannot be read."""
        yield from self._check_read(cells)
        layout = self._map.layout
        entries = self._walk.entry_addresses(cells)
        if self._keys is not None:
            self._keys.add_bytes(cells.keys, entries + np.uint64(layout.key))
        placement = self._map.placement
        if placement is None or not len(cells):
            return
        codes, known = placement.codes(cells, entries)
        wanted = placement.stored(codes)
        right = known & (wanted == cells.tophash)
        self._places.append((cells.bucket[right], cells.slot[right], codes[right]))
        for at in np.flatnonzero(known & ~right).tolist():
            text = (
                f"{self._where(int(cells.bucket[at]), int(cells.slot[at]))}: its key has hash code "
                f"0x{int(codes[at]):x}, of which byte 0x{int(wanted[at]):02x} is made, and not "
                f"0x{int(cells.tophash[at]):02x}"
            )
            yield from self._told.problem("O4", text, int(cells.address[at]), "O4")

    def _check_read(self, cells: Cells) -> Iterator[Problem]:
        for name, column in (("key", cells.keys), ("elem", cells.elems)):
            if column.failed is None or column.faults is None:
                continue
            for at in np.flatnonzero(column.failed).tolist():
                where = self._where(int(cells.bucket[at]), int(cells.slot[at]))
                text, address = f"{where}: its {name} cannot be read", int(column.faults[at])
                yield from self._told.problem(f"unreadable {name}", text, address, "")

    def check_table(self) -> Iterator[Problem]:
        """O1, of one of several tables, and O5, once a table is complete; one with gaps is left
        out."""
        table = self._map.tables[self._number]
        if not self._is_whole or sum(map(len, self._passed)) < table.groups:
            return
        passed = np.concatenate(self._passed)
        self._passed.clear()
        self._is_whole = False
        if self._live != table.items and len(self._map.tables) > 1:
            prefix = self._map.header.arrays[self._number].prefix.rstrip()
            text = f"{prefix}: {table.items:,} entries are counted, but {self._live:,} slots full"
            yield from self._told.problem("O1", text, table.items_at, "O1")
        yield from self._check_lookups(table, ~passed)

    def _check_lookups(self, table: Table, ends: Mask) -> Iterator[Problem]:
        placement, array = self._map.placement, self._map.header.arrays[self._number]
        if placement is None or not self._places:
            return
        groups, slots, codes = (np.concatenate(part) for part in zip(*self._places))
        homes, kinds = placement.homes(codes, table.groups), placement.kinds(codes)
        gone = lost(ends, self._map.probing, homes, kinds, groups)
        for at in np.flatnonzero(gone).tolist():
            text = (
                f"{self._where(int(groups[at]), int(slots[at]))}: the lookup of its key begins at "
                f"group {int(homes[at]):,} and ends before it"
            )
            address = array.address + int(groups[at]) * self._map.layout.stride
            yield from self._told.problem("O5", text, address, "O5")

    def finish(self) -> Iterator[Problem]:
        """O6, after all cells."""
        if self._keys is not None:
            yield from iter_twice(self._told, self._keys, "O6")

    def _where(self, group: int, slot: int) -> str:
        prefix = self._map.header.arrays[self._number].prefix
        return f"{prefix}group {group:,} slot {slot}"
