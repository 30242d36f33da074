"""llvm::StringMap and StringSet: a table of pointers to entries, and the hash of each behind it.

    StringMapImpl   {TheTable, NumBuckets, NumItems, NumTombstones, ItemSize}
    StringMapEntry  {keyLength, second}, and the text behind it

Recognised by the names of its fields. Invariants, checked by hmap-check, are F1, F2, F3, F5 and F6
of geometry.flat.map, and

    F9  at most three quarters of the slots are entries, and more than an eighth is empty

From source: StringMap.h and StringMap.cpp of LLVM 3.9 to 19.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Column, Ints, Problem
from ...geometry.columns import Mask
from ...geometry.flat.indirect import Elsewhere
from ...geometry.flat.layout import DELETED, EMPTY, LIVE, RUN, Adjacent, Codes, States, Table
from ...geometry.flat.layout import rows_of
from ...geometry.flat.map import FlatMap, Hashed
from ...geometry.flat.probes import Probing, triangular_from
from ...geometry.flat.shape import FlatTable
from ...header import Array, Growth, Header
from ...languages import short_name
from ...layout import StructLayout, struct_layout
from ...target import Field, Kind, Memory, Target, Type, Value
from ...target.types import pointer_to
from ...values.strings import StringReader
from ..family import Family, Map, has_fields
from ..malloc import Allocation, Malloc, find_malloc
from ..node_lists import completed, shortened
from ..reading import cannot_read, read_struct, unsound

FIELDS = ("TheTable", "NumBuckets", "NumItems", "NumTombstones", "ItemSize")
HASH_SIZE = 4  # bytes
TOMBSTONE_BITS = 3  # the pointer of a deleted slot is -1 << 3
ELEM = 0  # argument of StringMap
FIRST_SLOTS = 16
NOTHING = Type(Kind.OTHER, "", 0)  # the elem of a set
CHAR = Type(Kind.INTEGER, "char", 1, signed=True, character=True)
NO_ENTRY, TOMBSTONE = -1, -2  # what the walk takes for stored of slots without an entry
MAX_STRING = 1 << 20  # bytes of one key
MAX_STRINGS = 256 << 20  # of all keys of a Block


class StringMapFamily:
    """See Family."""

    name = "LLVM StringMap"
    words = ("stringmap", "llvm")
    describes = "llvm::StringMap and StringSet"
    has_nil = False
    is_handle = False
    headers = (FIELDS,)

    def recognise(self, found: Type) -> bool:
        return has_fields(found, FIELDS)

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        layout = struct_layout(found, FIELDS)
        numbers = read_struct(target, layout, address, value.expression)
        slots, items = numbers["NumBuckets"], numbers["NumItems"]
        if slots & (slots - 1) or items + numbers["NumTombstones"] > slots:
            raise unsound(value.expression, f"it counts {items:,} entries in {slots:,} slots")
        width, start = target.pointer_size, numbers["TheTable"]
        size = _table_size(slots, width)
        for at in (start, start + size - 1):
            if slots and not target.is_readable(at, 1):
                raise cannot_read(target, "the slots", value.expression, at)
        return _open(target, value, found, address, layout, numbers)


FAMILY: Family = StringMapFamily()


def text_type(pointer_size: int) -> Type:
    """The type of keys: what llvm::StringRef is."""
    length = Type(Kind.INTEGER, "size_t", pointer_size)
    fields = (
        Field("Data", 0, pointer_to(CHAR, pointer_size)),
        Field("Length", pointer_size, length),
    )
    return Type(Kind.STRUCT, "StringRef", 2 * pointer_size, fields=fields)


def _table_size(slots: int, width: int) -> int:
    """Bytes of a table: one more pointer than slots, which ends iterations, and the hashes."""
    return (slots + 1) * width + slots * HASH_SIZE if slots else 0


class _Slots(Adjacent):
    """The hashes of entries; see StateColumn. The state is told by the pointers."""

    def __init__(self, base: int, width: int, slots: int) -> None:
        self.base = base
        self._width = width
        self._hashes = base + (slots + 1) * width

    @property
    def run_size(self) -> int:
        """See StateColumn."""
        return RUN * self._width

    def address(self, slot: int) -> int:
        """See StateColumn."""
        return self.base + slot * self._width

    def read(self, memory: Memory, first: int, end: int) -> tuple[NDArray[Any], Mask]:
        """See StateColumn."""
        raw, ok = memory.read_rows(self.address(first), end - first, self._width)
        at = self._hashes + first * HASH_SIZE
        codes, known = memory.read_rows(at, end - first, HASH_SIZE)
        pointers = memory.pointer_column(raw)
        stored = memory.integer_column(codes, 0, HASH_SIZE).astype(np.int64)
        stored[pointers == 0] = NO_ENTRY
        stored[pointers == np.uint64(_tombstone(self._width))] = TOMBSTONE
        return np.where(ok & known, stored, NO_ENTRY), ok & known

    def states(self, stored: NDArray[Any]) -> States:
        """See StateColumn."""
        found = np.where(stored == TOMBSTONE, DELETED, np.where(stored == NO_ENTRY, EMPTY, LIVE))
        return found.astype(np.uint8)


def _tombstone(width: int) -> int:
    return (-1 << TOMBSTONE_BITS) % (1 << 8 * width)


class _Keys:
    """The texts of entries, as StringRefs; see SlotPart."""

    def __init__(self, memory: Memory, slots: _Slots, item_size: int) -> None:
        self._memory = memory
        self._slots = slots
        self._item_size = item_size
        self.size = 2 * memory.pointer_size

    def locate(self, memory: Memory, slots: Ints) -> tuple[Addresses, Mask]:
        """The entries of slots, and which are there."""
        width = memory.pointer_size
        at = np.uint64(self._slots.base) + slots.astype(np.uint64) * np.uint64(width)
        data, ok = memory.gather(at, width)
        pointers = memory.pointer_column(data)
        known = ok & (pointers != 0) & (pointers != np.uint64(_tombstone(width)))
        return pointers, known

    def places(self, slots: Ints) -> Addresses:
        """See SlotPart."""
        pointers, known = self.locate(self._memory, slots)
        return np.where(known, pointers, np.uint64(0))

    def values(self, memory: Memory, slots: Ints) -> Column:
        """See SlotPart."""
        width = memory.pointer_size
        pointers, known = self.locate(memory, slots)
        lengths, ok = memory.gather(np.where(known, pointers, np.uint64(0)), width)
        texts = (pointers + np.uint64(self._item_size)).astype(f"{memory.order}u{width}")
        data = np.concatenate([texts.view(np.uint8).reshape(-1, width), lengths], axis=1)
        data[~known] = 0
        return Column.read(data, ok & known, pointers)

    def addresses(self, slots: Ints) -> Addresses:
        """See SlotPart."""
        return np.zeros(len(slots), np.uint64)


class _Places:
    """See geometry.flat.map.Placement: the hash of a key is not known, as it differs between
    versions, but what is stored of it is."""

    def __init__(self, memory: Memory, slots: int) -> None:
        self._memory = memory
        self._slots = slots

    @property
    def probing(self) -> Probing:
        """See Placement."""
        return triangular_from(self._slots)

    def homes(self, codes: Codes) -> Ints:
        """See Placement."""
        return (codes & np.uint64(self._slots - 1)).astype(np.int64)

    def codes(self, keys: Column) -> Hashed | None:
        """See Placement."""
        return None

    def code_of(self, key: bytes) -> int | None:
        """See Placement."""
        return None

    def identities(self, keys: Column) -> tuple[NDArray[np.int64], Mask] | None:
        """See Placement."""
        width = self._memory.pointer_size
        addrs = self._memory.pointer_column(keys.data)
        sizes = self._memory.integer_column(keys.data, width, width).astype(np.int64)
        found = StringReader(self._memory, MAX_STRING, MAX_STRINGS).read_counted(addrs, sizes)
        known = keys.known & ~found.cut & ~found.failed
        ends = np.cumsum(found.lengths + 1).tolist()
        whole = found.joined.tobytes()
        texts = (
            hash(whole[end - size - 1 : end - 1]) for end, size in zip(ends, found.lengths.tolist())
        )
        return np.fromiter(texts, np.int64, len(keys)), known


def _open(
    target: Target,
    value: Value,
    found: Type,
    address: int,
    layout: StructLayout,
    numbers: dict[str, int],
) -> FlatMap:
    slots, items, width = numbers["NumBuckets"], numbers["NumItems"], target.pointer_size
    start, item = numbers["TheTable"], numbers["ItemSize"]
    notes: list[str] = []
    elem, offset = _elem(target, found, item, notes)
    blocks = [Allocation(start, _table_size(slots, width))] if slots else []
    rounding = find_malloc(target, blocks)
    malloc, sizes = rounding if rounding is not None else (None, [one.size for one in blocks])
    state = _Slots(start, width, slots)
    keys = _Keys(target, state, item)
    table = Table(
        slots=slots,
        state=state,
        key=keys,
        elem=Elsewhere(target, keys.locate, offset, elem.size),
        items=items,
        items_at=address + layout["NumItems"].offset,
        deleted=numbers["NumTombstones"],
        deleted_at=address + layout["NumTombstones"].offset,
    )
    header = Header(
        family="LLVM StringMap",
        expression=value.expression,
        type_name=short_name(value.type.name),
        address=address,
        count_at=table.items_at,
        key_type=text_type(width),
        elem_type=elem,
        count=items,
        arrays=(Array("slots", start, rows_of(slots), sizes[0]),) if slots else (),
        geometry=_geometry(slots, width, malloc),
        header_size=found.size,
        # Its text comes on top: each entry's has its own length.
        box_size=item if malloc is None else malloc.size(item + 1),
        is_rounded=rounding is not None if slots else None,
        count_rule="F1",
        growth=Growth(above=max(_room(slots), items)),
        notes=tuple(notes),
        layout_note=notes[0] if notes else "",
        problems=tuple(_iter_problems(layout, address, numbers)),
    )
    tables = (table,) if slots else ()
    return FlatMap(target, header, tables, (layout,), _Places(target, max(slots, 1)))


def _elem(target: Target, found: Type, item: int, notes: list[str]) -> tuple[Type, int]:
    """The type of elems, and where they are in an entry: right behind the length, aligned."""
    elem = found.argument(ELEM)
    width = target.pointer_size
    if not isinstance(elem, Type) or item <= width:
        return NOTHING, 0
    entry = target.lookup_type(f"llvm::StringMapEntry<{elem.name}>")
    second = None if entry is None else entry.find("second")
    offset = width
    if second is not None:
        offset = second.offset
    elif item - elem.size >= 2 * width and target.alignment(elem) == 2 * width:
        offset = 2 * width
    if elem.name.endswith(("NoneType", "nullopt_t")):
        return NOTHING, 0
    return shortened(completed(elem, item - offset, notes)), offset


def _room(slots: int) -> int:
    """The most entries of a table of so many slots: with more, above three quarters are in use."""
    return slots * 3 // 4


def _geometry(slots: int, width: int, malloc: Malloc | None) -> FlatTable:
    def made_for(entries: int) -> int:
        count = FIRST_SLOTS
        while entries > _room(count):
            count *= 2
        size = _table_size(count, width)
        return size if malloc is None else malloc.size(size)

    row = min(slots, RUN) or RUN
    return FlatTable(
        slots=row,
        bucket_size=row * width,
        load_factor=row * 3 / 4,
        width=width,
        stored="pointer",
        probing=triangular_from(max(slots, 1)),
        made_for=made_for,
    )


def _iter_problems(
    layout: StructLayout, address: int, numbers: dict[str, int]
) -> Iterator[Problem]:
    slots, items, deleted = (numbers[one] for one in ("NumBuckets", "NumItems", "NumTombstones"))
    if items > _room(slots) or slots and slots - items - deleted <= slots // 8:
        text = (
            f"{items:,} entries and {deleted:,} deleted slots are counted, too many for {slots:,} "
            "slots"
        )
        yield Problem(text, address + layout["NumItems"].offset, "F9")
