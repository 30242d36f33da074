"""Go's maps from 1.24 on: Swiss tables (src/internal/runtime/maps).

A Map has a directory of tables (extendible hashing: several slots may lead to one table), a table a
power of two of groups, a group 8 control bytes and 8 slots. A map that has never held more than 8
entries is one group without a table. Invariants, from table_debug.go checkInvariants() and the
comments of map.go and table.go (go1.24 to go1.26):

    I1   Map.used is the number of full slots
    S1   Map.used is the sum of the tables' used
    S2   dirLen is 1 << globalDepth, 0 in a small map; globalShift is the pointer's bits less
         globalDepth
    S3   a table's capacity is 8 * (lengthMask + 1), a power of two, and at most 1024
    S4   a table is in 2^(globalDepth - localDepth) slots of the directory, from its index on
    S5   a control byte is empty, deleted, or full with 7 bits of the hash
    S6   a table's used is the number of its full slots
    S7   growthLeft is 7/8 of capacity less used and deleted slots
    S8   a table has an empty slot, or the search for an absent key would never end
    S9   there are no deleted slots in a small map
    S10  a group with a deleted slot has no empty one: only in a full group a deletion leaves a mark
    S11  the slot of a boxed key or elem holds a pointer where it is full, nil where it is not
    S12  no key is there twice (of key types whose equal bytes are equal keys)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

from ..block import (
    Addresses,
    Array,
    Block,
    Buckets,
    Cells,
    Chain,
    Column,
    Header,
    Ints,
    Link,
    Problem,
    Table,
)
from ..compat import dataclass
from ..languages.go import (
    Constants,
    bytes_tell_keys_apart,
    find_iterators,
    go_layout,
    go_name,
    iterator_notes,
    required_field,
    slot_value,
    split_map_name,
)
from ..layout import StructLayout
from ..target import Kind, MemoryFault, Target, TargetError, Type, Value
from .bucket_walk import BLOCK_BYTES, MAX_PROBLEMS, Raw, pointer_column, unboxed
from .family import Family, Map, Place

HEADER_FIELDS = "used dirPtr dirLen globalDepth".split()
HEADER_OPTIONAL = "seed globalShift writing tombstonePossible clearSeq".split()
TABLE_FIELDS = "used capacity growthLeft localDepth index groups.data groups.lengthMask".split()

ITERATOR_FIELDS = "key typ clearSeq globalDepth dirIdx tab group.data".split()

SOURCE = "internal/runtime/maps of go1.24"
SLOTS = 8  # of a group (internal/abi MapGroupSlots): the bytes of a control word
LOAD_FACTOR = 7.0  # of a group's slots, on average (internal/runtime/maps/group.go maxAvgGroupLoad)
MAX_CAPACITY = 1 << 16  # slots of a table whose numbers are to be believed: the field's own limit
MAX_DEPTH = 40  # of a directory: more tables than memory has
DIRECTORY_CHUNK = 1 << 17  # directory slots read at a time
MAX_GROUP_SIZE = 1 << 20

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class _Group:
    """Where things lie in a group, in bytes; `step` from one slot's key, or elem, to the next."""

    size: int
    ctrl: int
    keys: int
    key_step: int
    key_slot: int
    elems: int
    elem_step: int
    elem_slot: int
    key_size: int
    elem_size: int
    key_boxed: bool
    elem_boxed: bool


@dataclass(frozen=True)
class _Control:
    """Control bytes with a meaning."""

    empty: int = 0x80
    deleted: int = 0xFE

    def name(self, byte: int) -> str:
        """What a byte means."""
        if byte < 0x80:
            return "full"
        return {self.empty: "empty", self.deleted: "deleted"}.get(byte, "none")


class GoSwissFamily:
    """Recognises map<K,V>, and internal/runtime/maps.Map to say what is missing."""

    name = "Go Swiss map"
    describes = "map[K]V (Go from 1.24)"
    has_nil = True

    def recognise(self, found: Type) -> bool:
        return found.kind is Kind.STRUCT and all(
            found.find(name) for name in ("dirPtr", "dirLen", "globalDepth")
        )

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        return _GoSwissMap(target, value, found, address)


FAMILY: Family = GoSwissFamily()


class _GoSwissMap:
    def __init__(self, target: Target, value: Value, found: Type, address: int) -> None:
        self.target = target
        self.address = address
        self.expression = value.expression
        self.problems: list[Problem] = []
        self._told: dict[str, int] = {}
        self.struct = go_layout(found, HEADER_FIELDS, HEADER_OPTIONAL)
        self._set_table_layout()
        self._set_group_layout()
        constants = Constants(target)
        self.control = _Control(
            constants.get(0x80, "internal/runtime/maps.ctrlEmpty"),
            constants.get(0xFE, "internal/runtime/maps.ctrlDeleted"),
        )
        self.max_table = constants.get(1024, "internal/runtime/maps.maxTableCapacity")
        self.notes = constants.notes(SOURCE)
        self.fields = self._read_header()
        self.tables: tuple[Table, ...] = ()
        self.directory_size = 0
        arrays = self._arrays()
        retired, iterators = self._pinned(arrays)
        self.header = Header(
            family="Go Swiss map",
            expression=value.expression,
            type_name=go_name(value.type.name),
            address=address,
            count_at=self._field_address("used"),
            key_type=self.key_type,
            elem_type=self.elem_type,
            count=self.fields["used"],
            arrays=arrays,
            bucket_size=self.group.size,
            slots_per_bucket=SLOTS,
            header_size=self.struct.size if address else 0,
            box_size=self._box_size(),
            load_factor=LOAD_FACTOR,
            bucket_noun="group",
            probing=True,
            tables=self.tables,
            table_size=self.table_struct.size + target.pointer_size,
            directory_size=self.directory_size,
            writing=bool(self.fields.get("writing")),
            iterators=iterators,
            probable_iterators=True,
            retired=retired,
            notes=tuple(self.notes),
            problems=tuple(self.problems),
        )

    # ---- family.Map

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem]]:
        """See family.Map."""
        self._told = {}
        for item, _ in self._walk(cells, only):
            yield item
        yield from self._iter_cut()

    def audit(self) -> Iterator[Union[Block, Problem]]:
        """The invariants above, as far as header and walk do not show them; see family.Map."""
        self._told = {}
        compare = bytes_tell_keys_apart(self.key_type)
        hashes: list[NDArray[np.int64]] = []
        slots: list[Addresses] = []
        for item, raw in self._walk(cells=True, only=None):
            yield item
            if isinstance(item, Problem):
                continue
            if raw is not None and item.buckets is not None:
                yield from self._check_boxes(item, raw)
            if item.cells is not None and len(item.cells):
                yield from self._check_cells(item)
                if compare:
                    hashes.append(_hashes(item.cells.keys))
                    slots.append(self._key_slots(item.cells))
        yield from self._twice(hashes, slots)
        yield from self._iter_cut()

    def iter_chains(self, array: str, low: int, high: int) -> Iterator[Chain]:
        """See family.Map: each group is a chain of one."""
        found = next(one for one in self.header.arrays if one.name == array)
        for number in range(low, high):
            yield Chain(array, number, iter([self._link(found.address + number * self.group.size)]))

    def place_of(self, key: bytes) -> Place | None:
        """See family.Map: Go's hash is seeded by the process, and in assembly."""
        return None

    def slot_addresses(self, cells: Cells) -> tuple[Addresses, Addresses]:
        """See family.Map."""
        group = self.group
        keys, elems = self._key_slots(cells), self._elem_slots(cells)
        out = []
        for addrs, boxed in ((keys, group.key_boxed), (elems, group.elem_boxed)):
            if boxed:
                pointers, _ = self.target.gather(addrs, self.target.pointer_size)
                addrs = pointer_column(self.target, pointers, 0)
            out.append(addrs)
        return out[0], out[1]

    def layouts(self) -> Sequence[StructLayout]:
        """See family.Map."""
        return [self.struct, self.table_struct, self.group_struct]

    # ---- types

    def _set_table_layout(self) -> None:
        directory = self.struct["dirPtr"].type
        found = directory.target if directory.kind is Kind.POINTER else directory
        found = found.target if found.kind is Kind.POINTER else found
        if not found.fields:
            raise TargetError(
                f"'{self.expression}' has no key and elem types: its type is '{self.struct.name}'; "
                "give the map itself, or name its type: --type 'map[K]V' ADDRESS"
            )
        self.table_struct = go_layout(found, TABLE_FIELDS)

    def _set_group_layout(self) -> None:
        """Key and elem types, and where they are: slots of {key, elem}, or keys and elems apart
        (GOEXPERIMENT=mapsplitgroup)."""
        pointer = self.table_struct["groups.data"].type
        found = pointer.target if pointer.kind is Kind.POINTER else pointer
        if found.find("slots"):
            layout = go_layout(found, ["ctrl", "slots"])
            slots = layout["slots"]
            one = slots.type.target if slots.type.kind is Kind.ARRAY else slots.type
            key, elem = required_field(one, "key"), required_field(one, "elem")
            key_type, elem_type = key.type, elem.type
            keys, elems = slots.offset + key.offset, slots.offset + elem.offset
            key_step = elem_step = one.size
            counts = {slots.type.count}
        else:
            names = ["ctrl", "keys", "elems"]
            layout = go_layout(found, names)
            for name in names[1:]:
                if layout[name].type.kind is not Kind.ARRAY:
                    raise self._unknown(layout.name)
            key_type, elem_type = layout["keys"].type.target, layout["elems"].type.target
            keys, elems = layout["keys"].offset, layout["elems"].offset
            key_step, elem_step = key_type.size, elem_type.size
            counts = {layout["keys"].type.count, layout["elems"].type.count}
        if (
            counts != {SLOTS}
            or layout["ctrl"].size != SLOTS
            or not 0 < layout.size <= MAX_GROUP_SIZE
        ):
            raise self._unknown(layout.name)
        key_name, elem_name = split_map_name(layout.name) or ("", "")
        self.group_struct = layout
        self.key_type, key_boxed = slot_value(self.target, key_type, key_name)
        self.elem_type, elem_boxed = slot_value(self.target, elem_type, elem_name)
        self.group = _Group(
            size=layout.size,
            ctrl=layout["ctrl"].offset,
            keys=keys,
            key_step=key_step,
            key_slot=key_type.size,
            elems=elems,
            elem_step=elem_step,
            elem_slot=elem_type.size,
            key_size=self.key_type.size,
            elem_size=self.elem_type.size,
            key_boxed=key_boxed,
            elem_boxed=elem_boxed,
        )

    def _unknown(self, name: str) -> TargetError:
        return TargetError(
            f"'{name}' is no group of {SLOTS} slots: it is not a map this version knows; "
            f"see what it is with 'ptype {name}'"
        )

    def _box_size(self) -> int:
        boxed = (self.group.key_boxed, self.key_type), (self.group.elem_boxed, self.elem_type)
        return sum(found.size for is_boxed, found in boxed if is_boxed)

    # ---- the header and the directory

    def _read_header(self) -> dict[str, int]:
        if not self.address:
            self.notes.append("the map is nil")
            return dict.fromkeys([member.name for member in self.struct.members], 0)
        try:
            data = self.target.read(self.address, self.struct.size)
        except MemoryFault:
            raise TargetError(
                f"cannot read the map of '{self.expression}' at 0x{self.address:x}: "
                "the pointer is wild, or the core does not hold that memory"
            ) from None
        fields = self.struct.decode(data, self.target.byte_order)
        if fields["dirLen"] < 0 or fields["dirLen"] > 1 << MAX_DEPTH:
            raise self._unsound(f"dirLen is {fields['dirLen']:,}")
        if fields["dirLen"] & (fields["dirLen"] - 1):
            raise self._unsound(f"dirLen is {fields['dirLen']:,}, no power of two")
        limit = self.target.address_limit
        if fields["dirPtr"] % self.target.pointer_size or fields["dirPtr"] + 8 > limit:
            raise self._unsound(f"dirPtr is 0x{fields['dirPtr']:x}")
        if fields["dirLen"] and not self.target.is_readable(
            fields["dirPtr"], self.target.pointer_size
        ):
            raise self._unsound(f"its directory at 0x{fields['dirPtr']:x} cannot be read")
        return fields

    def _unsound(self, why: str) -> TargetError:
        return TargetError(
            f"'{self.expression}' is not a sound map: {why}: the variable is not set yet in this "
            "frame, or the pointer is wild"
        )

    def _arrays(self) -> tuple[Array, ...]:
        fields = self.fields
        if not fields["dirPtr"]:
            if fields["used"] or fields["dirLen"]:
                self._problem("S2", "the map has entries or tables, but dirPtr is nil", "dirPtr")
            return ()
        if not fields["dirLen"]:
            if fields["globalDepth"]:
                text = f"globalDepth is {fields['globalDepth']} in a map without a directory"
                self._problem("S2", text, "globalDepth")
            return (Array("small", fields["dirPtr"], 1, self.group.size),)
        self._check_depth()
        return self._table_arrays(*self._read_directory())

    def _check_depth(self) -> None:
        fields = self.fields
        depth, bits = fields["globalDepth"], 8 * self.target.pointer_size
        if depth >= bits or fields["dirLen"] != 1 << depth:
            text = f"dirLen is {fields['dirLen']:,}, but globalDepth is {depth}"
            self._problem("S2", text, "dirLen")
        shift = fields.get("globalShift")
        # A directory of one is not shifted for (map.go directoryIndex()).
        if shift is not None and shift != bits - depth and (depth or shift not in (0, bits)):
            text = f"globalShift is {shift}, but globalDepth is {depth}"
            self._problem("S2", text, "globalShift")

    def _read_directory(self) -> tuple[Addresses, Ints]:
        """The tables in the order of the directory, each once, and their first slots."""
        width, length = self.target.pointer_size, self.fields["dirLen"]
        parts: list[Addresses] = []
        done = 0
        while done < length:
            count = min(DIRECTORY_CHUNK, length - done)
            at = self.fields["dirPtr"] + done * width
            rows, ok = self.target.read_rows(at, count, width)
            parts.append(np.where(ok, pointer_column(self.target, rows, 0), np.uint64(0)))
            if not ok.all():
                first = int(np.argmin(ok))
                text = f"the directory cannot be read from slot {done + first:,} on"
                self._problem("", text, None, at + first * width)
                parts[-1] = parts[-1][:first]
                break
            done += count
        slots = np.concatenate(parts)
        self.directory_size = length * width
        tables, first_slots = np.unique(slots, return_index=True)
        self._check_spans(slots, tables, first_slots)
        order = np.argsort(first_slots, kind="stable")
        tables, first_slots = tables[order], first_slots[order]
        return tables[tables != 0], first_slots[tables != 0]

    def _check_spans(self, slots: Addresses, tables: Addresses, first_slots: Ints) -> None:
        """S4: that no slot is nil, and that a table's slots are side by side."""
        for slot in np.flatnonzero(slots == 0).tolist():
            self._tell(
                "S4 nil", f"slot {slot:,} of the directory is nil", self._slot_at(slot), "S4"
            )
        starts = np.flatnonzero(np.concatenate([[True], slots[1:] != slots[:-1]]))
        again = starts[first_slots[np.searchsorted(tables, slots[starts])] != starts]
        for slot in again[slots[again] != 0].tolist():
            text = f"table 0x{slots[slot]:x} is in slot {slot:,} of the directory again"
            self._tell("S4 again", text, self._slot_at(slot), "S4")
        # How many slots each table has, for the tables as they come later.
        self.spans = dict(
            zip(tables.tolist(), np.bincount(np.searchsorted(tables, slots)).tolist())
        )

    def _slot_at(self, slot: int) -> int:
        return int(self.fields["dirPtr"] + slot * self.target.pointer_size)

    def _table_arrays(self, addrs: Addresses, first_slots: Ints) -> tuple[Array, ...]:
        raw, ok = self.target.gather(addrs, self.table_struct.size)
        for at in np.flatnonzero(~ok).tolist():
            text = f"the table in slot {first_slots[at]:,} of the directory cannot be read"
            self._tell("table", text, int(addrs[at]), "")
        addrs, first_slots, raw = addrs[ok], first_slots[ok], raw[ok]
        records = raw.view(self.table_struct.dtype(self.target.order)).ravel()
        tables: list[Table] = []
        arrays: list[Array] = []
        columns = [records[name].tolist() for name in records.dtype.names or ()]
        for addr, slot, *values in zip(addrs.tolist(), first_slots.tolist(), *columns):
            fields: dict[str, int] = dict(zip(records.dtype.names or (), values))
            groups = self._check_table(addr, slot, fields)
            if groups == 0:
                continue
            name = str(slot)
            full = fields["capacity"] * int(LOAD_FACTOR) // SLOTS
            tables.append(
                Table(
                    index=fields["index"],
                    address=addr,
                    used=fields["used"],
                    capacity=fields["capacity"],
                    growth_left=fields["growthLeft"],
                    local_depth=fields["localDepth"],
                    tombstones=max(full - fields["used"] - fields["growthLeft"], 0),
                )
            )
            size = groups * self.group.size + self.table_struct.size
            arrays.append(Array(name, fields["groups.data"], groups, size))
        total = sum(table.used for table in tables)
        if total != self.fields["used"] and not any(not one.invariant for one in self.problems):
            text = f"used is {self.fields['used']:,}, but the tables' sum is {total:,}"
            self._problem("S1", text, "used")
        self.tables = tuple(tables)
        return tuple(arrays)

    def _check_table(self, addr: int, slot: int, fields: dict[str, int]) -> int:
        """S3 and S4: how many groups a table has; 0 where that cannot be told."""
        what = f"table {slot:,}"
        at = {member.name: addr + member.offset for member in self.table_struct.members}
        groups, capacity = fields["groups.lengthMask"] + 1, fields["capacity"]
        by_mask = not groups & (groups - 1) and 0 < groups * SLOTS <= MAX_CAPACITY
        by_capacity = not capacity & (capacity - 1) and SLOTS <= capacity <= MAX_CAPACITY
        if capacity != groups * SLOTS or not by_mask:
            text = (
                f"{what}: capacity is {capacity:,}, but lengthMask is "
                f"0x{fields['groups.lengthMask']:x}"
            )
            self._tell("S3", text, at["capacity"], "S3")
        elif capacity > self.max_table:
            text = f"{what}: capacity is {capacity:,}, above {self.max_table:,}"
            self._tell("S3 most", text, at["capacity"], "S3")
        span = self.spans.get(addr, 0)
        depth = self.fields["globalDepth"] - fields["localDepth"]
        if depth < 0 or span != 1 << depth or slot % span:
            text = (
                f"{what} has {span:,} slots of the directory, but localDepth "
                f"{fields['localDepth']} of {self.fields['globalDepth']}"
            )
            self._tell("S4 depth", text, at["localDepth"], "S4")
        if fields["index"] != slot:
            text = f"{what}: its index is {fields['index']:,}, its first slot {slot:,}"
            self._tell("S4 index", text, at["index"], "S4")
        if not (by_mask or by_capacity):
            return 0
        groups = groups if by_mask else capacity // SLOTS
        data = fields["groups.data"]
        if data == 0 or data + groups * self.group.size > self.target.address_limit:
            self._tell("S3 data", f"{what}: its groups are at 0x{data:x}", at["groups.data"], "S3")
            return 0
        return groups

    def _pinned(self, arrays: tuple[Array, ...]) -> tuple[tuple[Array, ...], int | None]:
        """Tables, or the group of a small map, that are superseded and that iterators keep, each at
        the address that the iterator has; and the number of iterators, None where none was found:
        they may be elsewhere."""
        found = [
            one
            for one in find_iterators(
                self.target, "internal/runtime/maps.Iter", "m", ITERATOR_FIELDS, self.address
            )
            if self._is_iterator(one)
        ]
        self.notes += iterator_notes(self.target, self.address, len(found))
        if not found:
            return (), None
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
                size = groups * self.group.size
                size += 0 if address in small else self.table_struct.size
                name = f"retired {len(retired)}"
                retired.append(Array(name, address, groups, size, pins=count))
        return tuple(retired), len(found)

    def _retired_groups(self, address: int) -> int:
        """How many groups a superseded table has; 0: it is none."""
        try:
            data = self.target.read(address, self.table_struct.size)
        except MemoryFault:
            return 0
        fields = self.table_struct.decode(data, self.target.byte_order)
        groups = fields["groups.lengthMask"] + 1
        sound = fields["index"] == -1 and fields["capacity"] == groups * SLOTS
        return groups if sound and 0 < groups * SLOTS <= MAX_CAPACITY else 0

    def _is_iterator(self, one: dict[str, int]) -> bool:
        """Whether what was found is in a state that Iter.Next() (table.go) leaves: not at its end,
        and its numbers fit the map."""
        return (
            one["key"] != 0
            and one["typ"] != 0
            and one["globalDepth"] <= max(self.fields["globalDepth"], 0)
            and -1 <= one["dirIdx"] <= 1 << self.fields["globalDepth"]
            and (one["dirIdx"] >= 0 or one["tab"] == 0)
            and one["clearSeq"] <= self.fields.get("clearSeq", one["clearSeq"])
        )

    # ---- walk

    def _walk(
        self, cells: bool, only: Place | None
    ) -> Iterator[tuple[Union[Block, Problem], Raw | None]]:
        """Blocks of the rows of one table each, with the bytes of its groups, Problems, and Blocks
        of the cells of several tables: keys and elems are gathered together."""
        header = self.header
        step = max(1, BLOCK_BYTES // self._unboxed_size())
        numbers = range(len(header.arrays))
        if only is not None:
            numbers = [at for at in numbers if header.arrays[at].name == only.array]  # type: ignore
        batch: list[int] = []
        size = 0
        for number in numbers:
            count = header.arrays[number].buckets
            if batch and size + count > step:
                yield from self._walk_tables(batch, cells)
                batch, size = [], 0
            batch.append(number)
            size += count
        if batch:
            yield from self._walk_tables(batch, cells)

    def _unboxed_size(self) -> int:
        """Bytes that a group can come to, its boxes opened."""
        group = self.group
        return group.size + SLOTS * (
            group.key_size * group.key_boxed + group.elem_size * group.elem_boxed
        )

    def _walk_tables(
        self, numbers: Sequence[int], cells: bool
    ) -> Iterator[tuple[Union[Block, Problem], Raw | None]]:
        """Some tables at once: their groups are gathered together."""
        arrays = [self.header.arrays[number] for number in numbers]
        counts = np.array([array.buckets for array in arrays])
        ends = np.cumsum(counts)
        group = np.arange(ends[-1]) - np.repeat(ends - counts, counts)
        starts = np.array([array.address for array in arrays], np.uint64)
        addrs = np.repeat(starts, counts) + group.astype(np.uint64) * np.uint64(self.group.size)
        raw, ok = self.target.gather(addrs, self.group.size)
        ctrl = self._control_bytes(raw)
        full = (ctrl < 0x80) & ok[:, None]
        empty = (ctrl == self.control.empty) & ok[:, None]
        wrong = (ctrl >= 0x80) & ~empty & (ctrl != self.control.deleted) & ok[:, None]
        live, rest = full.sum(axis=1), empty.sum(axis=1)
        rows = Buckets(
            bucket=group,
            address=addrs,
            chain=np.ones(len(group), np.int64),
            slots=np.full(len(group), SLOTS, np.int64),
            live=live,
            deleted=SLOTS - live - rest,
            empty=rest,
            evacuated=np.zeros(len(group), np.bool_),
        )
        for place, (number, array) in enumerate(zip(numbers, arrays)):
            low, high = int(ends[place] - counts[place]), int(ends[place])
            part = rows.part(low, high)
            problems = self._check_groups(
                number, part, ok[low:high], wrong[low:high], ctrl[low:high]
            )
            yield from ((problem, None) for problem in problems)
            if not ok[low:high].all():
                kept = ok[low:high]
                yield Block(array.name, _chosen(part, kept)), raw[low:high][kept]
                continue
            yield Block(array.name, part), raw[low:high]
        if cells:
            names = np.repeat(np.array([array.name for array in arrays], dtype=object), counts)
            found = self._cells(rows, raw, ctrl, full)
            found.arrays = names[np.nonzero(full)[0]]
            yield Block(arrays[0].name, None, found), None

    def _control_bytes(self, raw: Raw) -> Raw:
        """The control bytes (n, 8) of groups in the order of their slots: byte i of the word is
        slot i's, counted from the least significant (group.go ctrlGroup.get())."""
        ctrl = raw[:, self.group.ctrl : self.group.ctrl + SLOTS]
        return ctrl if self.target.byte_order == "little" else ctrl[:, ::-1]

    def _cells(self, rows: Buckets, raw: Raw, ctrl: Raw, full: Bools) -> Cells:
        group = self.group
        row, slot = np.nonzero(full)
        values = []
        for offset, step, size, real, boxed in (
            (group.keys, group.key_step, group.key_slot, group.key_size, group.key_boxed),
            (group.elems, group.elem_step, group.elem_slot, group.elem_size, group.elem_boxed),
        ):
            data = _slots(raw, offset, step, size)[row, slot]
            values.append(unboxed(self.target, data, real) if boxed else Column(data))
        return Cells(
            rows.bucket[row],
            np.zeros(len(row), np.int64),
            slot,
            ctrl[row, slot].astype(np.int64),
            rows.address[row],
            values[0],
            values[1],
        )

    def _check_groups(
        self, number: int, rows: Buckets, ok: Bools, wrong: Bools, ctrl: Raw
    ) -> list[Problem]:
        """S5 to S10 of one table, or of the small map's group."""
        problems: list[Problem] = []
        array = self.header.arrays[number]
        what = f"table {array.name} " if self.tables else ""
        for low, high in _runs(~ok):
            which = f"group {low:,}" if high == low + 1 else f"groups {low:,} to {high - 1:,}"
            text = f"{what}{which} cannot be read"
            problems += self._limited("unreadable", text, int(rows.address[low]), "")
        for group, slot in np.argwhere(wrong).tolist():
            problems += self._limited(
                "S5",
                f"{what}group {group:,} slot {slot}: control byte 0x{ctrl[group, slot]:02x} has no "
                "meaning",
                self._control_at(int(rows.address[group]), slot),
                "S5",
            )
        deleted = (ctrl == self.control.deleted) & ok[:, None]
        mixed = deleted.any(axis=1) & (rows.empty > 0)
        if not self.tables:
            for _, slot in np.argwhere(deleted).tolist():
                text = f"slot {slot} is deleted, in a map of one group"
                problems += self._limited("S9", text, self._control_at(array.address, slot), "S9")
            return problems
        for group in np.flatnonzero(mixed).tolist():
            text = f"{what}group {group:,} has a deleted slot, and an empty one"
            problems += self._limited("S10", text, int(rows.address[group]), "S10")
        if ok.all():
            problems += self._check_sums(number, rows)
        return problems

    def _check_sums(self, number: int, rows: Buckets) -> list[Problem]:
        """S6 to S8: a table's own numbers against its control bytes."""
        problems: list[Problem] = []
        table = self.tables[number]
        what = f"table {self.header.arrays[number].name}"
        live, deleted = int(rows.live.sum()), int(rows.deleted.sum())
        if live != table.used:
            text = f"{what}: used is {table.used:,}, but {live:,} slots are full"
            problems += self._limited("S6", text, self._table_at(table, "used"), "S6")
        left = table.capacity * int(LOAD_FACTOR) // SLOTS - live - deleted
        if left != table.growth_left:
            text = (
                f"{what}: growthLeft is {table.growth_left:,}, but {live:,} full and {deleted:,} "
                f"deleted slots of {table.capacity:,} leave {left:,}"
            )
            problems += self._limited("S7", text, self._table_at(table, "growthLeft"), "S7")
        if not rows.empty.any():
            text = f"{what} has no empty slot: the search for an absent key never ends"
            problems += self._limited("S8", text, table.address, "S8")
        return problems

    # ---- audit

    def _check_boxes(self, block: Block, raw: Raw) -> Iterator[Problem]:
        """S11."""
        group, rows = self.group, block.buckets
        assert rows is not None
        full = self._control_bytes(raw) < 0x80
        for name, offset, step, size, boxed in (
            ("key", group.keys, group.key_step, group.key_slot, group.key_boxed),
            ("elem", group.elems, group.elem_step, group.elem_slot, group.elem_boxed),
        ):
            if not boxed:
                continue
            slots = _slots(raw, offset, step, size).reshape(-1, size)
            there = (pointer_column(self.target, slots, 0) != 0).reshape(full.shape)
            for place, slot in np.argwhere(there != full).tolist():
                state, value = ("full", "nil") if full[place, slot] else ("not full", "not nil")
                yield from self._limited(
                    f"S11 {name}",
                    f"{self._where(block.array, int(rows.bucket[place]), slot)}: {state}, but the "
                    f"pointer of its {name} is {value}",
                    int(rows.address[place]) + offset + slot * step,
                    "S11",
                )

    def _check_cells(self, block: Block) -> Iterator[Problem]:
        """Boxes that are not there to be read."""
        cells = block.cells
        assert cells is not None
        for name, column in (("key", cells.keys), ("elem", cells.elems)):
            if column.faults is None:
                continue
            for at in np.flatnonzero(column.faults).tolist():
                array = block.array if cells.arrays is None else str(cells.arrays[at])
                where = self._where(array, int(cells.bucket[at]), int(cells.slot[at]))
                text = f"{where}: its {name} cannot be read"
                yield from self._limited(f"unreadable {name}", text, int(column.faults[at]), "")

    def _twice(self, hashes: list[NDArray[np.int64]], slots: list[Addresses]) -> Iterator[Problem]:
        """S12: 64 bits decide, as in bucket_audit."""
        if not hashes:
            return
        same, addrs = np.concatenate(hashes), np.concatenate(slots)
        order = np.argsort(same, kind="stable")
        equal = np.flatnonzero(same[order[1:]] == same[order[:-1]])
        for first, second in zip(addrs[order[equal]].tolist(), addrs[order[equal + 1]].tolist()):
            text = f"the key at 0x{second:x} is also live at 0x{first:x}"
            yield from self._limited("S12", text, second, "S12")

    # ---- one group

    def _link(self, address: int) -> Link:
        group = self.group
        try:
            raw = np.frombuffer(self.target.read(address, group.size), np.uint8)[None]
        except MemoryFault:
            return Link(address, note="cannot be read")
        ctrl = self._control_bytes(raw)[0].tolist()
        keys = _slots(raw, group.keys, group.key_step, group.key_slot)[0]
        elems = _slots(raw, group.elems, group.elem_step, group.elem_slot)[0]
        return Link(
            address,
            tophash=tuple(ctrl),
            marks=tuple(self.control.name(byte) for byte in ctrl),
            live=tuple(byte < 0x80 for byte in ctrl),
            keys=unboxed(self.target, keys, group.key_size) if group.key_boxed else Column(keys),
            elems=(
                unboxed(self.target, elems, group.elem_size) if group.elem_boxed else Column(elems)
            ),
        )

    def _key_slots(self, cells: Cells) -> Addresses:
        group = self.group
        return cells.address + (group.keys + cells.slot * group.key_step).astype(np.uint64)

    def _elem_slots(self, cells: Cells) -> Addresses:
        group = self.group
        return cells.address + (group.elems + cells.slot * group.elem_step).astype(np.uint64)

    # ---- words

    def _where(self, array: str, group: int, slot: int) -> str:
        table = f"table {array} " if self.tables else ""
        return f"{table}group {group:,} slot {slot}"

    def _control_at(self, address: int, slot: int) -> int:
        place = slot if self.target.byte_order == "little" else SLOTS - 1 - slot
        return address + self.group.ctrl + place

    def _table_at(self, table: Table, name: str) -> int:
        return table.address + self.table_struct[name].offset

    def _field_address(self, name: str) -> int:
        return self.address + self.struct[name].offset

    def _problem(
        self, invariant: str, text: str, field: str | None, address: int | None = None
    ) -> None:
        at = address if field is None else self._field_address(field)
        self.problems.append(Problem(text, at, invariant))

    def _tell(self, kind: str, text: str, addr: int, invariant: str) -> None:
        """A Problem of the header's, of which there may be many."""
        self.problems += self._limited(kind, text, addr, invariant)

    def _limited(self, kind: str, text: str, addr: int, invariant: str) -> list[Problem]:
        self._told[kind] = self._told.get(kind, 0) + 1
        return [Problem(text, addr, invariant)] if self._told[kind] <= MAX_PROBLEMS else []

    def _iter_cut(self) -> Iterator[Problem]:
        for kind, count in self._told.items():
            if count > MAX_PROBLEMS:
                yield Problem(f"{count - MAX_PROBLEMS:,} more like this: {kind}")


def _slots(raw: Raw, offset: int, step: int, size: int) -> NDArray[Any]:
    """The slots (n, 8, size) of n groups, one every `step` bytes from `offset` on; a view."""
    if size == 0:
        return np.zeros((len(raw), SLOTS, 0), np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(raw, size, axis=1)
    return windows[:, offset : offset + SLOTS * max(step, 1) : max(step, 1)][:, :SLOTS]


def _hashes(keys: Column) -> NDArray[np.int64]:
    """One number for each key: of equal bytes the same."""
    width = keys.data.shape[1]
    if width == 0:
        return np.zeros(len(keys), np.int64)
    rows = np.ascontiguousarray(keys.data).view(f"V{width}").ravel()
    return np.fromiter(map(hash, map(bytes, rows.tolist())), np.int64, len(rows))


def _chosen(rows: Buckets, kept: Bools) -> Buckets:
    return Buckets(
        rows.bucket[kept],
        rows.address[kept],
        rows.chain[kept],
        rows.slots[kept],
        rows.live[kept],
        rows.deleted[kept],
        rows.empty[kept],
        rows.evacuated[kept],
    )


def _runs(which: Bools) -> list[tuple[int, int]]:
    """[low, high) of each run of chosen rows."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], which, [False]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist()))
