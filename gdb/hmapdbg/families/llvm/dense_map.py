"""llvm::DenseMap, SmallDenseMap and DenseSet: a table of keys and elems, in which two keys stand
for slots that are empty or deleted.

    DenseMap       {Buckets, NumEntries, NumTombstones, NumBuckets}
    SmallDenseMap  {Small, NumEntries, NumTombstones, storage}: slots in itself, or a pointer
                   and a number
    DenseSet       {TheMap}

Recognised by the names of its fields. Invariants, checked by hmap-check, are F1, F2, F3 and F6 of
geometry.flat.map, and

    F9  less than three quarters of the slots are entries, and an eighth is empty

From source: DenseMap.h of LLVM 11 to 19.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import Column, Problem
from ...compat import dataclass
from ...geometry.columns import Mask, identities_by_bytes
from ...geometry.flat.layout import (
    DELETED,
    EMPTY,
    LIVE,
    RUN,
    Adjacent,
    Part,
    States,
    Table,
    rows_of,
)
from ...geometry.flat.map import FlatMap
from ...geometry.flat.probes import triangular_from
from ...geometry.flat.shape import FlatTable
from ...header import Array, Growth, Header
from ...languages import short_name
from ...layout import Member, StructLayout
from ...target import Field, Kind, Memory, Target, TargetError, Type, Value
from ..family import Family, Map, has_fields
from ..malloc import Allocation, Malloc, find_malloc
from ..node_lists import completed, shortened
from ..reading import cannot_read, read_number, unsound
from .markers import Expected, Marker, find_markers, matches

LARGE = ("Buckets", "NumEntries", "NumTombstones", "NumBuckets")
SMALL = ("Small", "NumEntries", "NumTombstones", "storage")
SET = "TheMap"
INLINE, SMALL_BUCKET, KEY_INFO_FREE = 2, 4, 0  # arguments of SmallDenseMap; of DenseMap, the key
NOTHING = Type(Kind.OTHER, "", 0)
FIRST_SLOTS = 64
LIVE_FLAG, DELETED_FLAG, EMPTY_FLAG = 0, 1, 2  # what the walk takes for stored


class DenseMapFamily:
    """See Family."""

    name = "LLVM DenseMap"
    words = ("densemap", "llvm")
    describes = "llvm::DenseMap, SmallDenseMap and DenseSet"
    has_nil = False
    is_handle = False
    headers = (LARGE, SMALL)

    def recognise(self, found: Type) -> bool:
        where = _find_table(found)
        return where is not None and _bucket_type(where.type) is not None

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        member = _find_table(found)
        assert member is not None  # it was recognised
        numbers = _read(target, member.type, address + member.offset, value.expression)
        slots = numbers.slots
        if numbers.entries + numbers.deleted > slots or slots & (slots - 1):
            raise unsound(
                value.expression, f"it counts {numbers.entries:,} entries in {slots:,} slots"
            )
        bucket = _bucket_type(member.type)
        assert bucket is not None  # it was recognised
        for at in (numbers.address, numbers.address + slots * bucket.size - 1):
            if slots and not target.is_readable(at, 1):
                raise cannot_read(target, "the slots", value.expression, at)
        return _open(target, value, found, address, member, numbers, bucket)


FAMILY: Family = DenseMapFamily()


@dataclass(frozen=True)
class _Numbers:
    """What was read of a table. `shown`: the fields that tell."""

    address: int  # of the slots
    slots: int
    entries: int
    deleted: int
    entries_at: int
    deleted_at: int
    is_inline: bool
    shown: tuple[Field, ...]


def _find_table(found: Type) -> Field | None:
    """The table of a map or a set, as a member; None for any other type."""
    for depth in range(3):
        if found.kind is not Kind.STRUCT:
            return None
        if has_fields(found, LARGE) or has_fields(found, SMALL):
            return Field("", 0, found)
        inner = found.find(SET)
        if inner is None:
            return None
        deeper = _find_table(inner.type) if depth == 0 else None
        return None if deeper is None else deeper.moved("", inner.offset)
    return None


def _bucket_type(table: Type) -> Type | None:
    """The struct of a slot."""
    pointer = table.find("Buckets")
    bucket: Type | int | None = table.argument(SMALL_BUCKET) if pointer is None else None
    if pointer is not None and pointer.type.kind is Kind.POINTER:
        bucket = None if pointer.type.resolve is None else pointer.type.target
    if not isinstance(bucket, Type) or not bucket.size:
        return None
    return bucket if bucket.find("first") or bucket.find("key") else None


def _read(target: Target, table: Type, address: int, expression: str) -> _Numbers:
    def field(name: str) -> Field:
        found = table.find(name)
        assert found is not None  # it was recognised
        return found

    def number(one: Field, at: int | None = None, size: int | None = None) -> int:
        place = address + one.offset if at is None else at
        return read_number(target, place, size or one.type.size, expression, "the map")

    entries, deleted = field("NumEntries"), field("NumTombstones")
    if table.find("Buckets") is not None:
        buckets, count = field("Buckets"), field("NumBuckets")
        return _Numbers(
            number(buckets),
            number(count),
            number(entries),
            number(deleted),
            address + entries.offset,
            address + deleted.offset,
            False,
            (buckets, entries, deleted, count),
        )
    small, storage = field("Small"), field("storage")
    word = number(small, address + small.bit_offset // 8 & -1, small.type.size)
    is_little = target.byte_order == "little"
    bits = 8 * small.type.size
    is_inline = bool(word & 1 if is_little else word >> (bits - 1))
    live = word >> 1 if is_little else word & ((1 << (bits - 1)) - 1)
    at, slots = address + storage.offset, table.argument(INLINE)
    if not isinstance(slots, int):
        raise TargetError(f"'{table.name}' does not tell how many slots it has: build with -g")
    if not is_inline:
        width = target.pointer_size
        slots = number(storage, at + width, deleted.type.size)
        at = number(storage, at, width)
    return _Numbers(
        at,
        slots,
        live,
        number(deleted),
        address + small.offset,
        address + deleted.offset,
        is_inline,
        (small, entries, deleted, storage),
    )


class KeyStates(Adjacent):
    """The states of slots, by their keys; see StateColumn. The markers are looked for among all
    slots, once they are asked for."""

    def __init__(
        self, memory: Memory, base: int, width: int, slots: int, key: Type, expected: Expected
    ) -> None:
        self.base = base
        self._memory = memory
        self._width = width
        self._slots = slots
        self._key = key
        self._expected = expected
        self._markers: tuple[Marker | None, Marker | None] | None = None

    @property
    def run_size(self) -> int:
        """See StateColumn."""
        return RUN * self._width

    def address(self, slot: int) -> int:
        """See StateColumn."""
        return self.base + slot * self._width

    def read(self, memory: Memory, first: int, end: int) -> tuple[NDArray[Any], Mask]:
        """See StateColumn."""
        if self._markers is None:
            keys, ok = self._keys(self._memory, 0, self._slots)
            order = self._memory.order
            self._markers = find_markers(keys[ok], self._key, self._expected, order)
        empty, deleted = self._markers
        keys, ok = self._keys(memory, first, end)
        flags = np.full(len(keys), LIVE_FLAG, np.uint8)
        flags[matches(keys, deleted)] = DELETED_FLAG
        flags[matches(keys, empty)] = EMPTY_FLAG
        return flags, ok

    def states(self, stored: NDArray[Any]) -> States:
        """See StateColumn."""
        found: States = np.array([LIVE, DELETED, EMPTY], np.uint8)[stored]
        return found

    def _keys(self, memory: Memory, first: int, end: int) -> tuple[NDArray[np.uint8], Mask]:
        raw, ok = memory.read_rows(self.address(first), end - first, self._width)
        return raw[:, : self._key.size], ok


class DenseTableMap(FlatMap):
    """A map of which no hash is known."""

    def identities(self, keys: Column) -> tuple[NDArray[np.int64], Mask] | None:
        """See FlatMap."""
        if self.header.key_type.kind not in (Kind.INTEGER, Kind.ENUM, Kind.POINTER, Kind.BOOLEAN):
            return None
        return identities_by_bytes(keys)


def _open(
    target: Target,
    value: Value,
    found: Type,
    address: int,
    member: Field,
    numbers: _Numbers,
    bucket: Type,
) -> FlatMap:
    notes: list[str] = []
    key, elem = _entry(member.type, bucket, notes)
    slots, size = numbers.slots, bucket.size
    is_own = slots > 0 and not numbers.is_inline
    blocks = [Allocation(numbers.address, slots * size)] if is_own else []
    rounding = find_malloc(target, blocks)
    malloc, sizes = rounding if rounding is not None else (None, [one.size for one in blocks])
    expected = Expected(slots - numbers.entries - numbers.deleted, numbers.deleted)
    base = numbers.address + key.offset
    table = Table(
        slots=slots,
        state=KeyStates(target, base, size, slots, key.type, expected),
        key=Part(base, size, key.type.size, key.type.size),
        elem=Part(numbers.address + elem.offset, size, elem.type.size, elem.type.size),
        items=numbers.entries,
        items_at=numbers.entries_at,
        deleted=numbers.deleted,
        deleted_at=numbers.deleted_at,
    )
    held = sizes[0] if blocks else 0
    header = Header(
        family="LLVM DenseMap",
        expression=value.expression,
        type_name=short_name(value.type.name),
        address=address,
        count_at=numbers.entries_at,
        key_type=key.type,
        elem_type=elem.type,
        count=numbers.entries,
        arrays=(Array("slots", base, rows_of(slots), held),) if slots else (),
        geometry=_geometry(slots, size, malloc),
        header_size=found.size,
        is_rounded=rounding is not None if blocks else None,
        count_rule="F1",
        growth=Growth(above=max(_room(slots), numbers.entries)),
        notes=tuple(notes),
        layout_note=notes[0] if notes else "",
        problems=tuple(_iter_problems(numbers)),
    )
    shown = (key, elem) if elem.type.size else (key,)
    layouts = (
        _layout(member.type, numbers.shown),
        _layout(bucket, tuple(Field(one.name, one.offset, one.type) for one in shown)),
    )
    return DenseTableMap(target, header, (table,) if slots else (), layouts)


def _layout(struct: Type, fields: tuple[Field, ...]) -> StructLayout:
    members = [
        Member(one.name, one.offset, one.type.size, one.type, struct.source) for one in fields
    ]
    return StructLayout(short_name(struct.name), struct.size, tuple(members))


def _entry(table: Type, bucket: Type, notes: list[str]) -> tuple[Field, Field]:
    """The key and the elem in a slot."""
    alone = bucket.find("key")
    first, second = bucket.find("first"), bucket.find("second")
    if alone is not None or first is None or second is None:
        key = alone or first
        assert key is not None  # _bucket_type found it
        kept = completed(key.type, bucket.size - key.offset, notes)
        return Field("key", key.offset, shortened(kept)), Field("", key.offset, NOTHING)
    key_type = completed(first.type, second.offset - first.offset, notes)
    elem_type = completed(second.type, bucket.size - second.offset, notes)
    return (
        Field("first", first.offset, shortened(key_type)),
        Field("second", second.offset, shortened(elem_type)),
    )


def _room(slots: int) -> int:
    """The most entries of a table of so many slots: with one more, three quarters are in use."""
    return max(slots * 3 // 4 - 1 if slots * 3 % 4 == 0 else slots * 3 // 4, 0)


def _geometry(slots: int, bucket: int, malloc: Malloc | None) -> FlatTable:
    def made_for(entries: int) -> int:
        count = FIRST_SLOTS
        while entries > _room(count):
            count *= 2
        return count * bucket if malloc is None else malloc.size(count * bucket)

    row = min(slots, RUN) or RUN
    return FlatTable(
        slots=row,
        bucket_size=row * bucket,
        load_factor=row * 3 / 4,
        width=bucket,
        stored="key",
        probing=triangular_from(max(slots, 1)),
        made_for=made_for,
    )


def _iter_problems(numbers: _Numbers) -> Iterator[Problem]:
    slots, used = numbers.slots, numbers.entries + numbers.deleted
    if numbers.entries > _room(slots) or slots and slots - used <= slots // 8:
        text = (
            f"{numbers.entries:,} entries and {numbers.deleted:,} deleted slots are counted, too "
            f"many for {slots:,} slots"
        )
        yield Problem(text, numbers.entries_at, "F9")
