"""Go's maps from 1.24 on: Swiss tables (src/internal/runtime/maps).

A Map has a directory of tables (extendible hashing: several slots may point to one table), a table
a power of two of groups, a group 8 control bytes and 8 slots. A map that has never held more than 8
entries is one group without a table. Invariants, from table_debug.go checkInvariants() and the
comments of map.go and table.go (go1.24 to go1.26):

    I1   Map.used is the number of full slots
    S1   Map.used is the sum of the tables' used
    S2   dirLen is 1 << globalDepth, 0 in a small map; globalShift is the pointer's bits minus
         globalDepth
    S3   a table's capacity is 8 * (lengthMask + 1), a power of two, and at most 1024
    S4   a table is in 2^(globalDepth - localDepth) slots of the directory, from its index on
    S5   a control byte is empty, deleted, or full with 7 bits of the hash
    S6   a table's used is the number of its full slots
    S7   growthLeft is 7/8 of capacity minus used and deleted slots
    S8   a table has an empty slot, or a lookup of an absent key would never end
    S9   there are no deleted slots in a small map
    S10  a group with a deleted slot has no empty one: only full groups keep tombstones
    S11  the slot of a boxed key or elem holds a pointer if it is full, nil if it is not
    S12  no key is live twice (for key types where equal bytes are equal keys)
    H1   the groups of a table fit into the block of the heap in which they begin
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Union

import numpy as np

from ...block import Addresses, Block, Cells, Chain, Place, Problem
from ...geometry.groups.audit import GroupAudit
from ...geometry.groups.layout import Seen
from ...geometry.groups.walk import GroupWalk
from ...geometry.problems import Told
from ...header import Array, Header, Pins, Role
from ...languages.go import bytes_tell_keys_apart, find_iterators, go_name, iterator_notes
from ...layout import StructLayout
from ...target import MemoryFault, Target, Type, Value
from ..family import Family, Map, has_fields
from ..reading import kept_for_type, read_struct, unsound
from .blocks import Blocks, iter_too_large
from .swiss_directory import MAX_CAPACITY, Directory, full_slots
from .no_types import NoTypes, no_types
from .swiss_types import SLOTS, SwissTypes

ITERATOR_FIELDS = "key typ clearSeq globalDepth dirIdx tab group.data".split()

MAX_DEPTH = 40  # of a directory: more tables than fit in memory


class GoSwissFamily:
    """Recognises map<K,V>, and internal/runtime/maps.Map to say what is missing."""

    name = "Go Swiss map"
    words = ("swiss", "go")
    describes = "map[K]V (Go from 1.24)"
    has_nil = True
    is_handle = True
    headers = (("dirPtr", "dirLen", "globalDepth"),)

    def recognise(self, found: Type) -> bool:
        return has_fields(found, self.headers[0])

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        return _GoSwissMap(target, value, found, address)


FAMILY: Family = GoSwissFamily()


class _GoSwissMap:
    def __init__(self, target: Target, value: Value, found: Type, address: int) -> None:
        self.target = target
        self.address = address
        self.expression = value.expression
        try:
            types = self.types = kept_for_type(target, found, SwissTypes)
        except NoTypes:
            raise no_types(self.expression, found) from None
        self.struct, self.table_struct, self.group = types.struct, types.table_struct, types.group
        self.notes = list(types.notes)
        self.fields = self._read_header()
        directory = Directory(
            target,
            self.struct,
            address,
            self.fields,
            types,
        )
        self.tables = directory.tables
        pins = self._pinned(directory.arrays)
        self.header = Header(
            family=FAMILY.name,
            expression=value.expression,
            type_name=go_name(value.type.name),
            address=address,
            count_at=self.address + self.struct["used"].offset,
            key_type=types.key_type,
            elem_type=types.elem_type,
            count=self.fields["used"],
            arrays=directory.arrays,
            geometry=types.geometry,
            header_size=types.header_size if address else 0,
            box_size=types.box_size,
            is_rounded=target.kept(Blocks).are_known,
            held=(("directory", directory.size),),
            tables=self.tables,
            writing=bool(self.fields.get("writing")),
            pins=pins,
            notes=tuple(self.notes),
            problems=tuple(directory.problems),
        )

    # ---- family.Map

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem]]:
        """See family.Map."""
        walk = self._walk()
        for item in walk.walk(cells, only):
            if isinstance(item, Seen):
                yield from self._check_groups(walk.told, item)
            else:
                yield item
        yield from walk.told.iter_cut()

    def audit(self) -> Iterator[Union[Block, Problem]]:
        """The invariants above, except what header and walk show; see family.Map."""
        yield from iter_too_large(self.target, self.header)
        walk = self._walk()
        audit = GroupAudit(walk, bytes_tell_keys_apart(self.types.key_type))
        for item in walk.walk(cells=True):
            if isinstance(item, Seen):
                yield from self._check_groups(walk.told, item)
                yield from audit.check_groups(item)
                continue
            yield item
            if isinstance(item, Block):
                yield from audit.check_cells(item)
        yield from audit.finish()
        yield from walk.told.iter_cut()

    def check_placement(self) -> None:
        """See family.Map."""

    def iter_chains(self, array: str, low: int, high: int) -> Iterator[Chain]:
        """See family.Map."""
        return self._walk().iter_chains(self.header.array(array), low, high)

    def place_of(self, key: bytes) -> Place | None:
        """See family.Map: Go's hash is seeded per process, and in assembly."""
        return None

    def slot_addresses(self, cells: Cells) -> tuple[Addresses, Addresses]:
        """See family.Map."""
        return self._walk().slot_addresses(cells)

    def layouts(self) -> Sequence[StructLayout]:
        """See family.Map."""
        return [self.struct, self.table_struct, self.types.group_struct]

    def _walk(self) -> GroupWalk:
        return GroupWalk(self.target, self.group, self.types.control, self.header.arrays, Told())

    # ---- the header

    def _read_header(self) -> dict[str, int]:
        if not self.address:
            self.notes.append("the map is nil")
            return dict.fromkeys([member.name for member in self.struct.members], 0)
        fields = read_struct(self.target, self.struct, self.address, self.expression)
        if fields["dirLen"] < 0 or fields["dirLen"] > 1 << MAX_DEPTH:
            raise unsound(self.expression, f"dirLen is {fields['dirLen']:,}")
        if fields["dirLen"] & (fields["dirLen"] - 1):
            raise unsound(self.expression, f"dirLen is {fields['dirLen']:,}, not a power of two")
        limit = self.target.address_limit
        if fields["dirPtr"] % self.target.pointer_size or fields["dirPtr"] + 8 > limit:
            raise unsound(self.expression, f"dirPtr is 0x{fields['dirPtr']:x}")
        if fields["dirLen"] and not self.target.is_readable(
            fields["dirPtr"], self.target.pointer_size
        ):
            raise unsound(
                self.expression, f"its directory at 0x{fields['dirPtr']:x} cannot be read"
            )
        return fields

    # ---- iterators

    def _pinned(self, arrays: tuple[Array, ...]) -> Pins:
        """Superseded tables, or the group of a small map, that iterators keep, each at the address
        in the iterator; and the number of iterators, None if none was found: they may be
        elsewhere."""
        found = [
            one
            for one in find_iterators(
                self.target, "internal/runtime/maps.Iter", "m", ITERATOR_FIELDS, self.address
            )
            if self._is_iterator(one)
        ]
        self.notes += iterator_notes(self.target, self.address, len(found))
        if not found:
            return Pins(is_probable=True)
        current = {table.address for table in self.tables} | {array.address for array in arrays}
        pins: dict[int, int] = {}
        for one in found:
            address = one["tab"] or one["group.data"]
            if address and address not in current:
                pins[address] = pins.get(address, 0) + 1
        small = {one["group.data"] for one in found if not one["tab"]}
        retired: list[Array] = []
        for address, count in pins.items():
            groups = 1 if address in small else self._retired_groups(address)
            if groups:
                is_small = address in small
                size = (self.types.groups_size if is_small else self.types.table_size)(groups)
                name = f"retired {len(retired)}"
                retired.append(Array(name, address, groups, size, pins=count, role=Role.RETIRED))
        return Pins(len(found), is_probable=True, retired=tuple(retired))

    def _retired_groups(self, address: int) -> int:
        """How many groups a superseded table has; 0: it is not one."""
        try:
            data = self.target.read(address, self.table_struct.size)
        except MemoryFault:
            return 0
        fields = self.table_struct.decode(data, self.target.byte_order)
        groups = fields["groups.lengthMask"] + 1
        sound = fields["index"] == -1 and fields["capacity"] == groups * SLOTS
        return groups if sound and 0 < groups * SLOTS <= MAX_CAPACITY else 0

    def _is_iterator(self, one: dict[str, int]) -> bool:
        """Whether it is in a state that Iter.Next() (table.go) leaves: not at its end, and its
        numbers fit the map."""
        return (
            one["key"] != 0
            and one["typ"] != 0
            and one["globalDepth"] <= max(self.fields["globalDepth"], 0)
            and -1 <= one["dirIdx"] <= 1 << self.fields["globalDepth"]
            and (one["dirIdx"] >= 0 or one["tab"] == 0)
            and one["clearSeq"] <= self.fields.get("clearSeq", one["clearSeq"])
        )

    # ---- Go's own invariants of control bytes

    def _check_groups(self, told: Told, seen: Seen) -> Iterator[Problem]:
        """S6 to S10 of one table, or of the small map's group."""
        what, rows = seen.array.prefix, seen.rows
        deleted = (seen.ctrl == self.types.control.deleted) & seen.ok[:, None]
        if not self.tables:
            for _, slot in np.argwhere(deleted).tolist():
                text = f"slot {slot} is deleted, in a map of one group"
                at = self.group.control_at(self.target, seen.array.address, slot)
                yield from told.problem("S9", text, at, "S9")
            return
        for group in np.flatnonzero(deleted.any(axis=1) & (rows.empty > 0)).tolist():
            text = f"{what}group {group:,} has a deleted slot, and an empty one"
            yield from told.problem("S10", text, int(rows.address[group]), "S10")
        if seen.ok.all():
            yield from self._check_sums(told, seen)

    def _check_sums(self, told: Told, seen: Seen) -> Iterator[Problem]:
        """S6 to S8: a table's own numbers against its control bytes."""
        table, rows = self.tables[seen.number], seen.rows
        what = f"table {seen.array.name}"
        live, deleted = int(rows.live.sum()), int(rows.deleted.sum())
        if live != table.used:
            text = f"{what}: used is {table.used:,}, but {live:,} slots are full"
            at = table.address + self.table_struct["used"].offset
            yield from told.problem("S6", text, at, "S6")
        left = full_slots(table.capacity) - live - deleted
        if left != table.growth_left:
            text = (
                f"{what}: growthLeft is {table.growth_left:,}, but {live:,} full and {deleted:,} "
                f"deleted slots of {table.capacity:,} leave {left:,}"
            )
            at = table.address + self.table_struct["growthLeft"].offset
            yield from told.problem("S7", text, at, "S7")
        if not rows.empty.any():
            text = f"{what} has no empty slot: a lookup of an absent key never ends"
            yield from told.problem("S8", text, table.address, "S8")
