"""What all Swiss maps of one type share: layouts, key and elem types, control bytes, geometry."""

from __future__ import annotations

from ...geometry.control_bytes import Control
from ...geometry.groups.layout import GroupLayout
from ...geometry.groups.shape import ControlGroups
from ...geometry.probing import triangular
from ...languages.go import (
    Constants,
    go_layout,
    required_field,
    slot_value,
    split_map_name,
)
from ...layout import StructLayout
from ...target import Kind, Target, TargetError, Type
from .blocks import Blocks, has_pointers
from .no_types import NoTypes

HEADER_FIELDS = "used dirPtr dirLen globalDepth".split()
HEADER_OPTIONAL = "seed globalShift writing tombstonePossible clearSeq".split()
TABLE_FIELDS = "used capacity growthLeft localDepth index groups.data groups.lengthMask".split()

SOURCE = "internal/runtime/maps of go1.24"
SLOTS = 8  # of a group (internal/abi MapGroupSlots): the bytes of a control word
LOAD_FACTOR = 7.0  # of a group's slots, on average (internal/runtime/maps/group.go maxAvgGroupLoad)
MAX_GROUP_SIZE = 1 << 20


class SwissTypes:
    """Of the map type with the header `found`. TargetError, NoTypes."""

    table_struct: StructLayout
    group_struct: StructLayout
    group: GroupLayout
    key_type: Type
    elem_type: Type

    def __init__(self, target: Target, found: Type) -> None:
        self._pointer_size = target.pointer_size
        self.struct = go_layout(found, HEADER_FIELDS, HEADER_OPTIONAL)
        self._set_table_layout()
        self._set_group_layout(target)
        constants = Constants(target)
        self.control = Control(
            constants.get(0x80, "internal/runtime/maps.ctrlEmpty"),
            constants.get(0xFE, "internal/runtime/maps.ctrlDeleted"),
        )
        self.max_table = constants.get(1024, "internal/runtime/maps.maxTableCapacity")
        self.notes = constants.notes(SOURCE)
        self._blocks = target.kept(Blocks)
        pairs = (self.key_type, self.group.key_boxed), (self.elem_type, self.group.elem_boxed)
        self._scanned = any(boxed or has_pointers(one) for one, boxed in pairs)
        sizes = (self._blocks.size(one.size, has_pointers(one)) for one, boxed in pairs if boxed)
        self.box_size = sum(sizes)
        self.header_size = self._blocks.size(self.struct.size)
        self.geometry = ControlGroups(
            SLOTS, self.group.size, LOAD_FACTOR, triangular, self._size_made_for
        )

    def _size_made_for(self, live: int) -> int:
        """Bytes of the tables of a map made for that many entries (map.go NewMap())."""
        if live <= SLOTS:
            return self.groups_size(1)
        capacity = int(live * SLOTS / LOAD_FACTOR)
        tables = _power_of_two(-(-capacity // self.max_table))
        slots = _power_of_two(max(capacity // tables, SLOTS))
        return self.directory_size(tables) + tables * self.table_size(slots // SLOTS)

    # ---- what the allocator takes for each

    def groups_size(self, groups: int) -> int:
        """Bytes of the groups of a table."""
        return self._blocks.size(groups * self.group.size, self._scanned)

    def table_size(self, groups: int) -> int:
        """Bytes of a table and its groups."""
        return self._blocks.size(self.table_struct.size) + self.groups_size(groups)

    def directory_size(self, length: int) -> int:
        """Bytes of a directory."""
        return self._blocks.size(length * self._pointer_size)

    def _set_table_layout(self) -> None:
        directory = self.struct["dirPtr"].type
        found = directory.target if directory.kind is Kind.POINTER else directory
        found = found.target if found.kind is Kind.POINTER else found
        if not found.fields:
            raise NoTypes
        self.table_struct = go_layout(found, TABLE_FIELDS)

    def _set_group_layout(self, target: Target) -> None:
        """Key and elem types and offsets: slots of {key, elem}, or keys and elems apart
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
        self.key_type, key_boxed = slot_value(target, key_type, key_name)
        self.elem_type, elem_boxed = slot_value(target, elem_type, elem_name)
        self.group = GroupLayout(
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
            f"'{name}' is not a group of {SLOTS} slots: not a map that this version knows; "
            f"see 'ptype {name}'"
        )


def _power_of_two(least: int) -> int:
    return 1 << max(least - 1, 0).bit_length()
