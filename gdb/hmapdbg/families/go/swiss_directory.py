"""The directory of a Swiss map and its tables: read, and checked by S1 to S4."""

from __future__ import annotations

import numpy as np

from ...block import Addresses, Ints, Problem
from ...geometry.columns import pointer_column
from ...geometry.problems import Told
from ...header import Array, Role, Table
from ...layout import StructLayout
from ...target import Target
from .swiss_types import SwissTypes

MAX_CAPACITY = 1 << 16  # slots of a table with plausible numbers: the field's own limit
DIRECTORY_CHUNK = 1 << 17  # directory slots read at a time


class Directory:
    """A map's directory and tables. `fields`: of the header, at `address` with the layout `struct`;
    `types`: of the map."""

    def __init__(
        self,
        target: Target,
        struct: StructLayout,
        address: int,
        fields: dict[str, int],
        types: SwissTypes,
    ) -> None:
        self._target = target
        self._struct = struct
        self._types = types
        self._table_struct = types.table_struct
        self._group = types.group
        self._address = address
        self._fields = fields
        self._max_table = types.max_table
        self._spans: dict[int, int] = {}  # number of directory slots of each table
        self._told = Told()
        self.problems: list[Problem] = []
        self.tables: tuple[Table, ...] = ()
        self.size = 0  # bytes of the directory
        self.arrays = self._arrays()
        self.problems += self._told.iter_cut()

    def _arrays(self) -> tuple[Array, ...]:
        fields = self._fields
        if not fields["dirPtr"]:
            if fields["used"] or fields["dirLen"]:
                self._problem("S2", "the map has entries or tables, but dirPtr is nil", "dirPtr")
            return ()
        if not fields["dirLen"]:
            if fields["globalDepth"]:
                text = f"globalDepth is {fields['globalDepth']} in a map without a directory"
                self._problem("S2", text, "globalDepth")
            return (Array("small", fields["dirPtr"], 1, self._types.groups_size(1)),)
        self._check_depth()
        return self._table_arrays(*self._read_directory())

    def _check_depth(self) -> None:
        fields = self._fields
        depth, bits = fields["globalDepth"], 8 * self._target.pointer_size
        if depth >= bits or fields["dirLen"] != 1 << depth:
            text = f"dirLen is {fields['dirLen']:,}, but globalDepth is {depth}"
            self._problem("S2", text, "dirLen")
        shift = fields.get("globalShift")
        # A directory of one slot needs no shift (map.go directoryIndex()).
        if shift is not None and shift != bits - depth and (depth or shift not in (0, bits)):
            text = f"globalShift is {shift}, but globalDepth is {depth}"
            self._problem("S2", text, "globalShift")

    def _length(self) -> int:
        """How many slots the directory has: as many as dirLen says, but no more than the depths
        allow where these agree with each other. A flipped bit of dirLen would else take all memory
        that follows for tables."""
        length, depth = self._fields["dirLen"], self._fields["globalDepth"]
        bits = 8 * self._target.pointer_size
        shift = self._fields.get("globalShift", bits - depth)
        agrees = depth < bits and (shift == bits - depth or depth == shift == 0)
        return min(length, 1 << depth) if agrees else length

    def _read_directory(self) -> tuple[Addresses, Ints]:
        """The tables in the order of the directory, each once, and their first slots."""
        width, length = self._target.pointer_size, self._length()
        parts: list[Addresses] = []
        done = 0
        while done < length:
            count = min(DIRECTORY_CHUNK, length - done)
            at = self._fields["dirPtr"] + done * width
            rows, ok = self._target.read_rows(at, count, width)
            parts.append(np.where(ok, pointer_column(self._target, rows, 0), np.uint64(0)))
            if not ok.all():
                first = int(np.argmin(ok))
                text = f"the directory cannot be read from slot {done + first:,} on"
                self._problem("", text, None, at + first * width)
                parts[-1] = parts[-1][:first]
                break
            done += count
        slots = np.concatenate(parts)
        self.size = self._types.directory_size(length)
        tables, first_slots = np.unique(slots, return_index=True)
        self._check_spans(slots, tables, first_slots)
        order = np.argsort(first_slots, kind="stable")
        tables, first_slots = tables[order], first_slots[order]
        return tables[tables != 0], first_slots[tables != 0]

    def _check_spans(self, slots: Addresses, tables: Addresses, first_slots: Ints) -> None:
        """S4: that no slot is nil, and that a table's slots are adjacent."""
        for slot in np.flatnonzero(slots == 0).tolist():
            self._tell(
                "S4 nil", f"slot {slot:,} of the directory is nil", self._slot_at(slot), "S4"
            )
        starts = np.flatnonzero(np.concatenate([[True], slots[1:] != slots[:-1]]))
        again = starts[first_slots[np.searchsorted(tables, slots[starts])] != starts]
        for slot in again[slots[again] != 0].tolist():
            text = f"table 0x{slots[slot]:x} is in slot {slot:,} of the directory again"
            self._tell("S4 again", text, self._slot_at(slot), "S4")
        # How many slots each table has, for _check_table.
        self._spans = dict(
            zip(tables.tolist(), np.bincount(np.searchsorted(tables, slots)).tolist())
        )

    def _slot_at(self, slot: int) -> int:
        return int(self._fields["dirPtr"] + slot * self._target.pointer_size)

    def _table_arrays(self, addrs: Addresses, first_slots: Ints) -> tuple[Array, ...]:
        raw, ok = self._target.gather(addrs, self._table_struct.size)
        for at in np.flatnonzero(~ok).tolist():
            text = f"the table in slot {first_slots[at]:,} of the directory cannot be read"
            self._tell("table", text, int(addrs[at]), "")
        addrs, first_slots, raw = addrs[ok], first_slots[ok], raw[ok]
        records = raw.view(self._table_struct.dtype(self._target.order)).ravel()
        tables: list[Table] = []
        arrays: list[Array] = []
        columns = [records[name].tolist() for name in records.dtype.names or ()]
        for addr, slot, *values in zip(addrs.tolist(), first_slots.tolist(), *columns):
            fields: dict[str, int] = dict(zip(records.dtype.names or (), values))
            groups = self._check_table(addr, slot, fields)
            if groups == 0:
                continue
            name = str(slot)
            full = full_slots(fields["capacity"])
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
            size = self._types.table_size(groups)
            arrays.append(Array(name, fields["groups.data"], groups, size, role=Role.TABLE))
        total = sum(table.used for table in tables)
        if total != self._fields["used"] and not any(not one.invariant for one in self.problems):
            text = f"used is {self._fields['used']:,}, but the tables' sum is {total:,}"
            self._problem("S1", text, "used")
        self.tables = tuple(tables)
        return tuple(arrays)

    def _check_table(self, addr: int, slot: int, fields: dict[str, int]) -> int:
        """S3 and S4: how many groups a table has; 0 if that is unknown."""
        what = f"table {slot:,}"
        at = {member.name: addr + member.offset for member in self._table_struct.members}
        groups, capacity = fields["groups.lengthMask"] + 1, fields["capacity"]
        by_mask = not groups & (groups - 1) and 0 < groups * self._group.slots <= MAX_CAPACITY
        by_capacity = (
            not capacity & (capacity - 1) and self._group.slots <= capacity <= MAX_CAPACITY
        )
        if capacity != groups * self._group.slots or not by_mask:
            text = (
                f"{what}: capacity is {capacity:,}, but lengthMask is "
                f"0x{fields['groups.lengthMask']:x}"
            )
            self._tell("S3", text, at["capacity"], "S3")
        elif capacity > self._max_table:
            text = f"{what}: capacity is {capacity:,}, above {self._max_table:,}"
            self._tell("S3 most", text, at["capacity"], "S3")
        span = self._spans.get(addr, 0)
        depth = self._fields["globalDepth"] - fields["localDepth"]
        if depth < 0 or span != 1 << depth or slot % span:
            text = (
                f"{what} has {span:,} slots of the directory, but localDepth is "
                f"{fields['localDepth']} of {self._fields['globalDepth']}"
            )
            self._tell("S4 depth", text, at["localDepth"], "S4")
        if fields["index"] != slot:
            text = f"{what}: its index is {fields['index']:,}, its first slot {slot:,}"
            self._tell("S4 index", text, at["index"], "S4")
        if not (by_mask or by_capacity):
            return 0
        groups = groups if by_mask else capacity // self._group.slots
        data = fields["groups.data"]
        if data == 0 or data + groups * self._group.size > self._target.address_limit:
            self._tell("S3 data", f"{what}: its groups are at 0x{data:x}", at["groups.data"], "S3")
            return 0
        return groups

    def _problem(
        self, invariant: str, text: str, field: str | None, address: int | None = None
    ) -> None:
        at = address if field is None else self._address + self._struct[field].offset
        self.problems.append(Problem(text, at, invariant))

    def _tell(self, kind: str, text: str, addr: int, invariant: str) -> None:
        """A Problem that may occur many times."""
        self.problems += self._told.problem(kind, text, addr, invariant)


def full_slots(capacity: int) -> int:
    """The slots of a table that may be used before it grows (table.go resetGrowthLeft())."""
    return capacity * 7 // 8
