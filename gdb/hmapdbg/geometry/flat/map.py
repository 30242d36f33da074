"""An opened map over tables of flat slots: a family provides its Header, the Tables and, where it
knows the hash, a Placement.

    F1  the number of entries that a table counts is the number of its live slots
    F2  ... and that of deleted slots, if it counts them
    F3  a table has an empty slot, or the lookup of an absent key would never end
    F4  the hash code stored with an entry is its key's
    F5  a lookup of its key finds an entry: no empty slot comes before
    F6  no key is live twice (for key types where equal bytes are equal keys)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, Union

import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Block, Cells, Chain, Column, Ints, Place, Problem
from ...compat import dataclass
from ...header import Header
from ...layout import StructLayout
from ...target import Target
from ..columns import KeySet, Mask
from ..problems import Told
from ..slot_problems import iter_lost, iter_twice, iter_unreadable
from .layout import DELETED, EMPTY, LIVE, RUN, Codes, States, Table
from .probes import Probing, hit_lengths
from .walk import FlatWalk, Seen


@dataclass(frozen=True)
class Home(Place):
    """The slot where the lookup of a key begins, and the hash code that it looks for."""

    slot: int = 0
    code: int = 0


@dataclass(frozen=True)
class Hashed:
    """What would be stored of n keys; `known` (n,): of which; `faults` (n,): where what is hashed
    of a key could not be read, 0: it could."""

    codes: Codes
    known: Mask
    faults: Addresses


class Placement(Protocol):
    """Where keys belong in a table with stored hash codes."""

    @property
    def probing(self) -> Probing:
        """The probe sequence."""

    def homes(self, codes: Codes) -> Ints:
        """The slots where lookups begin (n,), by what is stored of entries."""

    def codes(self, keys: Column) -> Hashed | None:
        """What would be stored of keys (n,); None: the hash is unknown."""

    def code_of(self, key: bytes) -> int | None:
        """... of one key, as Map.place_of has it; None: unknown."""

    def identities(self, keys: Column) -> tuple[NDArray[np.int64], Mask] | None:
        """A number for each key, equal for equal keys, and which are known; None: which keys are
        equal is unknown."""


class FlatMap:
    """See families.family.Map."""

    def __init__(
        self,
        target: Target,
        header: Header,
        tables: Sequence[Table],
        structs: Sequence[StructLayout],
        placement: Placement | None = None,
    ) -> None:
        self.target = target
        self.header = header
        self.tables = tables
        self.structs = structs
        self.placement = placement

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem]]:
        """See family.Map; of a Home, the entries that a lookup from there on compares."""
        walk = self._walk()
        if isinstance(only, Home) and self.placement is not None:
            number = self._number(only.array)
            found = walk.lookup(number, self.placement.probing, only.slot, only.code)
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
        audit = _Audit(self, walk.told)
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
        return (one for one in found if one.invariant in ("F4", "F5"))

    def iter_chains(self, array: str, low: int, high: int) -> Iterator[Chain]:
        """See family.Map: each run of slots is a chain of one."""
        return self._walk().iter_chains(self._number(array), low, high)

    def place_of(self, key: bytes) -> Place | None:
        """See family.Map; of a map with one table."""
        placement = self.placement
        code = None if placement is None or len(self.tables) != 1 else placement.code_of(key)
        if placement is None or code is None:
            return None
        home = int(placement.homes(np.array([code], np.uint64))[0])
        return Home(self.header.arrays[0].name, home // RUN, home, code)

    def slot_addresses(self, cells: Cells) -> tuple[Addresses, Addresses]:
        """See family.Map; 0 for what is not in memory as a whole."""
        keys, elems = np.zeros(len(cells), np.uint64), np.zeros(len(cells), np.uint64)
        slots = cells.bucket * RUN + cells.slot
        for table in self.tables:
            rows = np.flatnonzero(cells.address == table.state.runs(cells.bucket))
            keys[rows] = table.key.addresses(slots[rows])
            elems[rows] = table.elem.addresses(slots[rows])
        return keys, elems

    def identities(self, keys: Column) -> tuple[NDArray[np.int64], Mask] | None:
        """See Placement."""
        return None if self.placement is None else self.placement.identities(keys)

    def iter_disordered(
        self, told: Told, number: int, states: States, stored: NDArray[Any]
    ) -> Iterator[Problem]:
        """What is wrong with the order of the entries of a table, of which the slots' states and
        what is stored of them are these (n,); nothing, unless a subclass knows it."""
        return iter(())

    def reread(self, cells: Cells) -> tuple[Column, Column]:
        """The keys and elems of cells, of a map with one table, as they are stored."""
        slots = cells.bucket * RUN + cells.slot
        table = self.tables[0]
        return table.key.values(self.target, slots), table.elem.values(self.target, slots)

    def layouts(self) -> Sequence[StructLayout]:
        """See family.Map."""
        return self.structs

    def _walk(self) -> FlatWalk:
        homes = None if self.placement is None else self.placement.homes
        return FlatWalk(self.target, self.header.arrays, self.tables, Told(), homes)

    def _number(self, array: str) -> int:
        return [one.name for one in self.header.arrays].index(array)


class _Audit:
    """Takes what a walk yields, in order."""

    def __init__(self, opened: FlatMap, told: Told) -> None:
        self._map = opened
        self._told = told
        self._keys = KeySet()
        self._seen: list[Seen] = []  # of the table that is being read, up to the first gap
        self._number = 0
        self._is_whole = True

    def add(self, seen: Seen) -> None:
        """The next part of a table."""
        if seen.first == 0 or seen.number != self._number:
            self._number, self._is_whole = seen.number, True
            self._seen.clear()
        read = sum(len(one.states) for one in self._seen)
        self._is_whole &= bool(seen.ok.all()) and seen.first == read
        if self._is_whole:
            self._seen.append(seen)

    def check_cells(self, cells: Cells) -> Iterator[Problem]:
        """F4, and entries that cannot be read."""
        table = self._map.tables[self._number]
        array = self._map.header.arrays[self._number]
        slots = cells.bucket * RUN + cells.slot
        yield from iter_unreadable(self._told, array.prefix, slots, cells)
        equal = self._map.identities(cells.keys)
        if equal is not None:
            self._keys.add(equal[0][equal[1]], table.key.places(slots)[equal[1]])
        placement = self._map.placement
        if placement is None or not len(cells):
            return
        found = placement.codes(cells.keys)
        if found is None:
            return
        for at in np.flatnonzero(found.faults).tolist():
            text = f"{array.prefix}slot {int(slots[at]):,}: what its key points to cannot be read"
            yield from self._told.problem("unreadable key", text, int(found.faults[at]), "")
        codes = found.codes
        wrong = found.known & (codes != cells.tophash.astype(np.uint64))
        for at in np.flatnonzero(wrong).tolist():
            slot = int(slots[at])
            text = (
                f"{array.prefix}slot {slot:,}: its key has the hash 0x{int(codes[at]):x}, but "
                f"0x{int(cells.tophash[at]):x} is stored"
            )
            yield from self._told.problem("F4", text, table.state.address(slot), "F4")

    def check_table(self) -> Iterator[Problem]:
        """F1 to F3 and F5, once a table is complete; one with gaps is left out."""
        table = self._map.tables[self._number]
        read = sum(len(one.states) for one in self._seen)
        if not self._is_whole or read < table.slots:
            return
        states = np.concatenate([one.states for one in self._seen])
        stored = np.concatenate([one.stored for one in self._seen])
        self._seen.clear()
        self._is_whole = False
        yield from self._check_counts(table, states)
        yield from self._check_lookups(table, states, stored.astype(np.uint64))
        yield from self._map.iter_disordered(self._told, self._number, states, stored)

    def _check_counts(self, table: Table, states: States) -> Iterator[Problem]:
        array = self._map.header.arrays[self._number]
        live, deleted = int((states == LIVE).sum()), int((states == DELETED).sum())
        if live != table.items and len(self._map.tables) > 1:
            text = f"{array.prefix}{table.items:,} entries are counted, but {live:,} slots are live"
            yield from self._told.problem("F1", text, table.items_at, "F1")
        if table.deleted not in (-1, deleted):
            text = (
                f"{array.prefix}{table.deleted:,} deleted slots are counted, but {deleted:,} were "
                "found"
            )
            yield from self._told.problem("F2", text, table.deleted_at, "F2")
        if not (states == EMPTY).any():
            text = f"{array.prefix}no slot is empty: the lookup of an absent key never ends"
            yield from self._told.problem("F3", text, table.state.address(0), "F3")

    def _check_lookups(self, table: Table, states: States, codes: Codes) -> Iterator[Problem]:
        placement, array = self._map.placement, self._map.header.arrays[self._number]
        if placement is None:
            return
        slots = np.flatnonzero(states == LIVE)
        homes = placement.homes(codes[slots])
        lengths = hit_lengths(states == EMPTY, placement.probing, homes, slots)
        yield from iter_lost(
            self._told, array.prefix, slots, homes, lengths, table.state.address, "F5"
        )

    def finish(self) -> Iterator[Problem]:
        """F6, after all cells."""
        yield from iter_twice(self._told, self._keys, "F6")
