"""A table of raw_hash_set that was read, and the sizes that its formulas give.

The control bytes of a table of `capacity` slots, which is a power of two less one, are followed by
a sentinel and by the clones of the first ones, one less than a window has. A window may begin at
the sentinel too, which is no empty slot.

From source: container/internal/raw_hash_set.h, 20220623 to 20260817.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...compat import dataclass
from ...geometry.control.layout import Table, rows_of
from ...geometry.control_bytes import Control
from ...header import Array, Role
from ...target import Field, MemoryFault, Target, TargetError, Type
from ..malloc import Allocation, chunk_of
from ..reading import cannot_read, unsound
from .entries import Entry
from .layouts import Layout, Room

CONTROL = Control(empty=0x80, deleted=0xFE, sentinel=0xFF)
SSE2 = 16
WIDE = 64  # bits of the words of packed fields
MOVED_FROM = "moved from: its capacity says so, as in builds with assertions"
# What capacities above the largest mean, in builds with assertions.
REENTRANCE, DESTROYED, MOVED, SELF_MOVED = 1, 2, 3, 4
MAX_GROWTH_BYTE = 127  # a larger table has more bytes for its growth left
LONG_GROWTH = 8


@dataclass(frozen=True)
class Kind:
    """What all tables of a type have in common."""

    layout: Layout
    entry: Entry
    window: int  # control bytes that a lookup compares at a time

    @property
    def may_be_inline(self) -> bool:
        """Whether the slot of a table of one slot is in the map itself."""
        soo, entry = self.layout.soo, self.entry
        return soo is not None and entry.slot <= soo.type.size and entry.align <= 8

    def limit(self, capacity: int) -> int:
        """The entries and tombstones that a table takes before it grows (CapacityToGrowth)."""
        if capacity <= 1 and self.layout.soo is not None:
            return capacity
        if self.layout.room is Room.BYTE and capacity <= 4 * self.window - 1:
            return capacity - (capacity >= self.window - 1)
        return capacity - max(capacity // 8, capacity == 7 and self.window == 8)

    def capacity_for(self, entries: int) -> int:
        """The capacity of a table made for so many entries."""
        bits = entries.bit_length()
        while self.limit((1 << bits) - 1) < entries:
            bits += 1
        return (1 << bits) - 1

    def control_size(self, capacity: int) -> int:
        """The bytes of the control bytes and what is behind them, up to the slots."""
        return 0 if self.is_bare(capacity) else capacity + self.window

    def is_bare(self, capacity: int) -> bool:
        """Whether a table has no control bytes."""
        return capacity <= 1 and self.layout.has_bare_slot

    def before(self, capacity: int, is_sampled: bool) -> int:
        """The bytes before the control bytes in a table's block."""
        layout, word = self.layout, self.layout.control.type.size
        if layout.room is Room.FIELD:
            return 0
        info = word if is_sampled and layout.sampled is None else 0
        if layout.room is Room.WORD:
            return info + word
        if self.is_bare(capacity):
            return info + LONG_GROWTH if info else 0
        small = capacity <= MAX_GROWTH_BYTE and not info
        return info + (1 if small else LONG_GROWTH) + layout.has_generation

    def block_size(self, capacity: int) -> int:
        """The bytes of the block of a table that is not sampled; 0: it has none."""
        if capacity <= 1 and (not capacity or self.may_be_inline):
            return 0
        start = self.before(capacity, False) + self.control_size(capacity)
        aligned = -(-start // self.entry.align) * self.entry.align
        return aligned + capacity * self.entry.slot


@dataclass(frozen=True)
class OpenedTable:
    """A table that was read; `table.slots` is 0 where there is none yet."""

    table: Table
    capacity: int
    control: int  # address of its control bytes; of its slot, if it has none
    block: Allocation | None  # None: nothing is allocated for it
    is_inline: bool  # its slot is in the map
    is_sampled: bool
    notes: tuple[str, ...] = ()

    def array(self, name: str, size: int, role: Role = Role.MAIN) -> Array:
        """It as one of a map's arrays of `size` bytes."""
        return Array(name, self.control, rows_of(self.table.slots), size, role=role)


def window_of(target: Target, raw: Type) -> int:
    """The control bytes that lookups compare at a time: it depends on the processor."""
    name = (raw.origin or raw).name
    where = name.partition("raw_hash_set<")[0]
    for word, width in (("GroupSse2Impl", 16), ("GroupAArch64Impl", 8), ("GroupPortableImpl", 8)):
        if target.lookup_type(where + word) is not None:
            return width
    return SSE2 if target.pointer_size == 8 else 8


def open_table(target: Target, kind: Kind, address: int, expression: str) -> OpenedTable:
    """The table of the map at an address. TargetError if it cannot be one, as a variable that is
    not set yet."""
    return _Reader(target, kind, address, expression).open()


class _Reader:
    def __init__(self, target: Target, kind: Kind, address: int, expression: str) -> None:
        self.target = target
        self.kind = kind
        self.address = address
        self.expression = expression
        self.numbers = self._read_fields()

    def _read_fields(self) -> Mapping[str, int]:
        layout = self.kind.layout
        fields = {
            "control": layout.control,
            "slots": layout.slots,
            "capacity": layout.capacity,
            "size": layout.size,
            "growth_left": layout.growth_left,
            "sampled": layout.sampled,
        }
        return {name: self._number(one) for name, one in fields.items() if one is not None}

    def _number(self, field: Field) -> int:
        """An unsigned number, also in bits."""
        at = self.address + field.offset
        size = max(field.type.size, 1)
        try:
            if not field.bit_size:
                return self.target.read_uint(at, size)
            first = field.bit_offset // WIDE * 8
            data = self.target.read(self.address + first, WIDE // 8)
        except MemoryFault:
            raise cannot_read(self.target, "the map", self.expression, at) from None
        skipped = field.bit_offset - first * 8
        if self.target.byte_order == "big":
            skipped = WIDE - skipped - field.bit_size
        number = int.from_bytes(data, self.target.byte_order)
        return number >> skipped & ((1 << field.bit_size) - 1)

    def open(self) -> OpenedTable:
        kind, layout, text = self.kind, self.kind.layout, self.expression
        capacity, note = self._capacity()
        packed = self.numbers["size"]
        items = packed >> layout.shift
        shift, bits = layout.blocked
        blocked = packed >> shift & ((1 << bits) - 1)
        if note:
            return self._without(note)
        if capacity & (capacity + 1) or capacity >= self.target.address_limit >> 1:
            raise unsound(
                text, f"its capacity is 0x{capacity:x}, which is no power of two less one"
            )
        if items > max(capacity - blocked, 0):
            raise unsound(text, f"it counts {items:,} entries in {capacity - blocked:,} slots")
        is_sampled = bool(self.numbers.get("sampled", 0))
        if layout.sampled_bit >= 0:
            is_sampled = is_sampled or bool(packed >> layout.sampled_bit & 1)
        if not capacity:
            self._check_empty()
            return self._without()
        if capacity == 1 and kind.may_be_inline and not self._is_on_heap():
            assert layout.soo is not None  # it may be inline
            return self._bare(items, self.address + layout.soo.offset, is_inline=True)
        if kind.is_bare(capacity):
            field = "slots" if layout.slots is not None else "control"
            return self._bare(items, self.numbers[field], is_inline=False)
        return self._with_control(capacity, items, blocked, is_sampled)

    def _capacity(self) -> tuple[int, str]:
        """The capacity, and what the map is if it has none."""
        layout, number = self.kind.layout, self.numbers["capacity"]
        if layout.soo is None:
            return number, ""
        if layout.is_log:
            highest = 54 if layout.capacity.bit_size < 8 else 155
        else:
            highest = self.target.address_limit - 101
        state = number - highest
        if number <= highest:
            return (1 << min(number, WIDE)) - 1 if layout.is_log else number, ""
        if state == REENTRANCE:
            raise TargetError(
                f"'{self.expression}' is being changed: while it calls a function of the program, "
                "its capacity is put away; 'finish' that call"
            )
        if state == DESTROYED:
            raise unsound(self.expression, "it was destroyed")
        if state in (MOVED, SELF_MOVED):
            return 0, MOVED_FROM
        raise unsound(self.expression, f"its capacity is 0x{number:x}")

    def _without(self, note: str = "") -> OpenedTable:
        """A table without slots."""
        notes = (note,) if note else ()
        return OpenedTable(self._table(0, 0, 0, 0), 0, 0, None, False, False, notes)

    def _table(
        self, slots: int, base: int, left: int, items: int, limit: int = 0, at: int = 0
    ) -> Table:
        return Table(
            slots=slots,
            base=base,
            growth_left=left,
            limit=limit,
            items=items,
            items_at=self.address + self.kind.layout.size.offset,
            growth_left_at=at,
            has_control=False,
        )

    def _check_empty(self) -> None:
        """A map without slots has a pointer to control bytes that are never written, where the
        release sets it."""
        layout = self.kind.layout
        if self.kind.may_be_inline:
            raise unsound(self.expression, "its capacity is 0, which maps of this type never have")
        if layout.has_bare_slot:
            return
        at, target = self.numbers["control"], self.target
        if at and not target.is_readable(at, 1) and target.gap_at(at) is not None:
            return
        if not at or not target.is_readable(at, 1) or target.read_uint(at, 1) != CONTROL.sentinel:
            raise unsound(
                self.expression, f"its control bytes at 0x{at:x} are none of an empty map"
            )

    def _is_on_heap(self) -> bool:
        """Whether a table of one slot, whose type would fit into the map, has a block all the same,
        as types have that ask for a larger alignment: its control bytes prove it."""
        layout = self.kind.layout
        if layout.has_bare_slot or layout.slots is None:
            return False
        control, slots = self.numbers["control"], self.numbers["slots"]
        if not control < slots < control + 256 or not self.target.is_readable(control, 2):
            return False
        return self.target.read_uint(control + 1, 1) == CONTROL.sentinel

    def _bare(self, items: int, at: int, is_inline: bool) -> OpenedTable:
        """A table of one slot without control bytes."""
        size = self.kind.entry.slot
        if not is_inline and not self.target.is_readable(at, size):
            raise cannot_read(self.target, "the slot", self.expression, at)
        block = None
        if not is_inline:
            # Growth left stands before it in some releases, which nothing in the map tells.
            starts = [Allocation(at - room, room + size) for room in (0, 8, 16)]
            block = next((one for one in starts if chunk_of(self.target, one)), starts[0])
        table = self._table(1, at, 1 - items, items, limit=1)
        return OpenedTable(table, 1, at, block, is_inline, is_sampled=False)

    def _with_control(
        self, capacity: int, items: int, blocked: int, is_sampled: bool
    ) -> OpenedTable:
        kind, layout, text = self.kind, self.kind.layout, self.expression
        control = self.numbers["control"]
        behind = control + kind.control_size(capacity)
        slots = self.numbers["slots"] if layout.slots is not None else behind
        end = slots + (capacity - blocked) * kind.entry.slot
        before = kind.before(capacity, is_sampled)
        if control < before or slots < behind or end > self.target.address_limit:
            raise unsound(text, f"{capacity:,} slots of {kind.entry.slot:,} bytes at 0x{slots:x}")
        for at in (control - before, behind - 1, slots, end - 1):
            if not self.target.is_readable(at, 1):
                raise cannot_read(self.target, "the slots", text, at)
        left, left_at = self._growth_left(control, capacity)
        table = Table(
            slots=capacity - blocked,
            base=slots,
            growth_left=left,
            limit=kind.limit(capacity) - blocked,
            items=items,
            items_at=self.address + layout.size.offset,
            growth_left_at=left_at,
            sentinels=1 + blocked,
        )
        start = control - before
        if layout.room is Room.BYTE:  # what alignment adds is before all of it
            start = start & -max(kind.entry.align, 8)
        block = Allocation(start, end - start)
        return OpenedTable(table, capacity, control, block, False, is_sampled)

    def _growth_left(self, control: int, capacity: int) -> tuple[int, int]:
        """How many slots a table may still fill, and where it says so."""
        layout, target = self.kind.layout, self.target
        if layout.growth_left is not None:
            return self.numbers["growth_left"], self.address + layout.growth_left.offset
        if layout.room is Room.WORD:
            at, width = control - target.pointer_size, 8 * target.pointer_size
            # The highest bit tells that there may be deleted slots.
            return target.read_uint(at) & ((1 << (width - 1)) - 1), at
        at = control - 1 - layout.has_generation
        byte = target.read_uint(at, 1) & MAX_GROWTH_BYTE
        if capacity <= MAX_GROWTH_BYTE:
            return byte, at
        rest = int.from_bytes(target.read(at - 7, 7), "little")
        return byte + rest, at
