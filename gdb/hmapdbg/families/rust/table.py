"""hashbrown's RawTable in debug info: the table that all maps here are made of.

    RawTable {table: RawTableInner {bucket_mask, ctrl, growth_left, items}, marker}

RawTable's first argument is the type of an entry. The order of fields is the compiler's choice, and
is taken from debug info; ctrl is a NonNull, whose depth differs from version to version.
"""

from __future__ import annotations

from dataclasses import replace

from ...compat import dataclass
from ...geometry.control.layout import RUN, Table, rows_of
from ...geometry.control_bytes import Control
from ...header import Array, Role
from ...languages.rust.members import only_field, unwrapped
from ...layout import Member, StructLayout, struct_layout
from ...target import Field, Kind, Target, Type
from ..family import has_fields
from ..reading import cannot_read, read_struct, unsound

FIELDS = ("bucket_mask", "ctrl", "growth_left", "items")
CONTROL = Control(empty=0xFF, deleted=0x80)
NOTHING = Type(Kind.OTHER, "", 0)  # the elem of a set

# Types of hashbrown's windows of control bytes: which one a program has depends on the processor.
_GROUPS = tuple(
    f"hashbrown::{path}::{kind}::Group"
    for path in ("control::group", "raw")
    for kind in ("sse2", "neon", "lsx", "generic")
)
SSE2 = 16


@dataclass(frozen=True)
class RawTable:
    """A table in a struct. Offsets in bytes."""

    offset: int  # of RawTableInner
    struct: StructLayout  # its fields
    entry: Type


def raw_table(found: Type) -> RawTable | None:
    """A struct as a RawTable; None for any other type."""
    table, entry = found.find("table"), found.argument(0)
    if table is None or not isinstance(entry, Type) or not has_fields(table.type, FIELDS):
        return None
    if found.find("marker") is None:
        return None
    layout = struct_layout(table.type, FIELDS)
    control = unwrapped(Field("ctrl", layout["ctrl"].offset, layout["ctrl"].type))
    if control is None:
        return None
    pointer = Member("ctrl", control.offset, control.type.size, control.type, table.type.source)
    members = tuple(pointer if one.name == "ctrl" else one for one in layout.members)
    return RawTable(table.offset, StructLayout(layout.name, layout.size, members), entry)


def key_and_elem(entry: Type) -> tuple[Field, Field] | None:
    """The key and the elem in an entry that is a pair; None for any other."""
    key, elem = entry.find("__0"), entry.find("__1")
    if key is None or elem is None or len(entry.fields) != 2:
        return None
    return key, elem


def inside(field: Field) -> Field:
    """What a field is behind cells and the like, which have one member each."""
    while field.type.kind is Kind.STRUCT and set(one.name for one in field.type.fields) == {
        "value"
    }:
        inner = only_field(field.type)
        if inner is None:
            return field
        field = replace(inner, name=field.name, offset=field.offset + inner.offset)
    return field


def window_of(target: Target) -> int:
    """The control bytes that lookups compare at a time."""
    for name in _GROUPS:
        found = target.lookup_type(name)
        if found is not None and found.size in (4, 8, 16):
            return found.size
    return SSE2 if target.pointer_size == 8 else 4


def capacity_of(slots: int) -> int:
    """The entries and tombstones that a table of so many slots takes (raw.rs
    bucket_mask_to_capacity)."""
    return slots - 1 if slots <= 8 else slots // 8 * 7


def slots_for(entries: int, size: int, window: int) -> int:
    """The slots of a table made for so many entries of `size` bytes (raw.rs
    capacity_to_buckets)."""
    if entries < 15:
        least = {16: (14, 7), 8: (7, 3)}.get(window, (3, 3))
        entries = max(entries, least[0] if size <= 1 else least[1] if size <= 3 else 3)
        return 4 if entries < 4 else 8 if entries < 8 else 16
    wanted = entries * 8 // 7
    return 1 << (wanted - 1).bit_length()


def table_size(slots: int, size: int, window: int) -> int:
    """The bytes of a table's block (raw.rs calculate_layout_for): slots, then control bytes."""
    return slots_size(slots, size) + slots + window


def slots_size(slots: int, size: int) -> int:
    """The bytes before the control bytes in a table's block."""
    return -(-slots * size // RUN) * RUN


@dataclass(frozen=True)
class OpenedTable:
    """A table that was read. `slots`: 0 where nothing is allocated yet."""

    table: Table
    control: int  # address of its control bytes

    def array(self, name: str, size: int, window: int, role: Role = Role.MAIN) -> Array:
        """It as one of a map's arrays; `size`: of a slot."""
        bytes_held = table_size(self.table.slots, size, window)
        return Array(name, self.control, rows_of(self.table.slots), bytes_held, role=role)


def open_table(
    target: Target, raw: RawTable, address: int, window: int, expression: str
) -> OpenedTable:
    """The table in a struct at an address. TargetError if it cannot be one, as a variable that is
    not set yet."""
    at = address + raw.offset
    fields = read_struct(target, raw.struct, at, expression)
    mask, control = fields["bucket_mask"], fields["ctrl"]
    items, left = fields["items"], fields["growth_left"]
    slots = mask + 1
    if slots & mask or slots > target.address_limit >> 1:
        raise unsound(expression, f"bucket_mask is 0x{mask:x}, which is no power of two less one")
    if items > slots:
        raise unsound(expression, f"it counts {items:,} entries in {slots:,} slots")
    table = Table(
        slots=slots if mask else 0,
        base=control,
        growth_left=left,
        limit=capacity_of(slots),
        items=items,
        items_at=at + raw.struct["items"].offset,
        growth_left_at=at + raw.struct["growth_left"].offset,
    )
    if mask:
        _check_readable(target, control, slots, raw.entry.size, window, expression)
    elif items or left:
        raise unsound(expression, f"it counts {items:,} entries, and has no slots")
    else:
        _check_static(target, control, expression)
    return OpenedTable(table, control)


def _check_readable(
    target: Target, control: int, slots: int, size: int, window: int, expression: str
) -> None:
    before = slots_size(slots, size)
    if control < before or control + slots + window > target.address_limit:
        raise unsound(expression, f"{slots:,} slots of {size:,} bytes before 0x{control:x}")
    for at in (control, control + slots + window - 1, control - before if before else control):
        if not target.is_readable(at, 1):
            raise cannot_read(target, "the slots", expression, at)


def _check_static(target: Target, control: int, expression: str) -> None:
    """A map that has nothing allocated has a pointer to control bytes that are never written."""
    if control and not target.is_readable(control, 1) and target.gap_at(control) is not None:
        return
    is_sound = control != 0 and target.is_readable(control, 1)
    if not is_sound or target.read_uint(control, 1) != CONTROL.empty:
        raise unsound(expression, f"its control bytes at 0x{control:x} are none of an empty map")
