"""The structs of raw_hash_set in debug info: where each release keeps the fields of a table.

All have a class with a member settings_; which release it is from, the fields tell:

    to 2022, phmap    raw_hash_set {ctrl_, slots_, size_, capacity_, settings_ {growth left, ...}}
    2023 to 2024-01   settings_ {CommonFields {control_, slots_, capacity_, size_ and the like}}
    2024-07 to 2026-01  settings_ {CommonFields {capacity_, size_, heap_or_soo_}}
    from 2026-05      settings_ {CommonFields {inline_data_ {capacity_internal_, data_},
                      heap_or_soo_}}

settings_ is a CompressedTuple (phmap: a std::tuple), so what it holds is found by its own fields.
From source: container/internal/raw_hash_set.h of the releases 20220623 to 20260817; phmap.h 2.0.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

from ...compat import dataclass
from ...layout import Member, StructLayout
from ...target import Field, Kind, Type

OLDEST = ("ctrl_", "slots_", "size_", "capacity_", "settings_")
PLAIN = ("control_", "slots_", "capacity_")
SOO = "heap_or_soo_"
INLINE = "inline_data_"
SETTINGS = "settings_"
POINTER_BITS = 64
MAX_BASES = 8


class Room(enum.Enum):
    """Where a table keeps how many slots it may still fill."""

    FIELD = "a field"
    WORD = "the word before the control bytes"
    BYTE = "the byte before the control bytes, and in large tables seven more"


@dataclass(frozen=True)
class Layout:
    """Where a map has the fields of its table. Offsets are those in the map."""

    raw: Type  # raw_hash_set
    policy: Type | None
    control: Field  # the pointer to the control bytes
    slots: Field | None  # ... to the slots; None: they follow the control bytes
    capacity: Field
    is_log: bool  # capacity is 2 to the field's power, less one
    size: Field
    shift: int  # of the size in its field
    sampled_bit: int  # of the field of the size; -1: none
    blocked: tuple[int, int]  # of the field of the size: shift and bits of the blocked slots
    sampled: Field | None  # a pointer that is set in a sampled table
    room: Room
    growth_left: Field | None
    soo: Field | None  # where the only slot of a small table may be, in place of pointers
    has_bare_slot: bool  # a table of one slot has no control bytes
    has_generation: bool  # a byte before or behind the control bytes, in builds for sanitizers
    struct: StructLayout  # as it is shown


def find_layout(found: Type) -> Layout | None:
    """A struct as such a map; None for any other type."""
    if found.kind is not Kind.STRUCT or found.find(SETTINGS) is None:
        return None
    for raw, offset in _iter_classes(found, 0, 0):
        settings = next((one for one in raw.fields if one.name == SETTINGS and not one.base), None)
        if settings is not None:
            return _oldest(raw, offset) or _common(raw, offset, settings)
    return None


def _iter_classes(found: Type, offset: int, depth: int) -> Iterator[tuple[Type, int]]:
    """A class and its bases, with the offset of each."""
    yield found, offset
    for one in found.fields if depth < MAX_BASES else ():
        if one.base:
            yield from _iter_classes(one.type, offset + one.offset, depth + 1)


def _oldest(raw: Type, offset: int) -> Layout | None:
    fields = {name: raw.find(name) for name in OLDEST}
    if any(one is None for one in fields.values()):
        return None
    control, slots, size, capacity, settings = (
        one.moved(name, offset) for name, one in fields.items() if one is not None
    )
    left = _first_number(settings)
    if left is None or control.type.kind is not Kind.POINTER:
        return None
    return Layout(
        raw=raw,
        policy=_policy(raw),
        control=control,
        slots=slots,
        capacity=capacity,
        is_log=False,
        size=size,
        shift=0,
        sampled_bit=-1,
        blocked=(0, 0),
        sampled=_sampled(settings),
        room=Room.FIELD,
        growth_left=left,
        soo=None,
        has_bare_slot=False,
        has_generation=False,
        struct=_shown(raw, (control, slots, size, capacity, left), offset),
    )


def _common(raw: Type, offset: int, settings: Field) -> Layout | None:
    """The layouts that have CommonFields."""
    common = next(
        (
            one.moved(one.name, offset + settings.offset)
            for one in settings.type.iter_fields()
            if one.type.kind is Kind.STRUCT
            and (one.type.find(SOO) or all(one.type.find(name) for name in PLAIN))
        ),
        None,
    )
    if common is None:
        return None
    soo = _member(common, SOO)
    if soo is None:
        return _plain(raw, common)
    heap = _member(soo, "heap")
    pointer = None if heap is None else _member(heap, "control")
    if heap is None or pointer is None:
        return None
    slots = _member(heap, "slot_array")
    is_bare = pointer.type.kind is not Kind.POINTER
    control = _pointer_in(pointer)
    numbers = _numbers(common, has_slots=slots is not None)
    if control is None or numbers is None:
        return None
    capacity, is_log, size, shift, sampled_bit, blocked = numbers
    shown = [control, capacity, size]
    array = None if slots is None else _pointer_in(slots)
    if array is not None:
        shown.insert(1, array)
    return Layout(
        raw=raw,
        policy=_policy(raw),
        control=control,
        slots=array,
        capacity=capacity,
        is_log=is_log,
        size=size,
        shift=shift,
        sampled_bit=sampled_bit,
        blocked=blocked,
        sampled=None,
        room=Room.WORD if array is not None else Room.BYTE,
        growth_left=None,
        soo=soo,
        has_bare_slot=is_bare,
        has_generation=common.type.find("reserved_growth_") is not None,
        struct=_shown(common.type, shown, common.offset),
    )


def _plain(raw: Type, common: Field) -> Layout | None:
    """CommonFields of 2023 and of 2024-01, with plain pointers."""
    control, slots, capacity = (_member(common, name) for name in PLAIN)
    assert control is not None and slots is not None and capacity is not None  # see _common
    size, packed = _member(common, "size_"), _member(common, "compressed_tuple_")
    first = None if packed is None else _first_number(packed)
    left, shift = None, 0
    if size is None:  # 2023-08
        size = first
    elif first is not None:  # 2023-01
        left = first
    else:  # 2024-01: the lowest bit tells whether the table is sampled
        shift = 1
    if size is None:
        return None
    shown = [control, slots, capacity, size] + ([left] if left is not None else [])
    return Layout(
        raw=raw,
        policy=_policy(raw),
        control=control,
        slots=slots,
        capacity=capacity,
        is_log=False,
        size=size,
        shift=shift,
        sampled_bit=shift - 1,
        blocked=(0, 0),
        sampled=None if packed is None else _sampled(packed),
        room=Room.FIELD if left is not None else Room.WORD,
        growth_left=left,
        soo=None,
        has_bare_slot=False,
        has_generation=common.type.find("reserved_growth_") is not None,
        struct=_shown(common.type, shown, common.offset),
    )


_Numbers = tuple[Field, bool, Field, int, int, tuple[int, int]]


def _numbers(common: Field, has_slots: bool) -> _Numbers | None:
    """Capacity, whether it is a logarithm, size, its shift, the bit of sampled tables, and the
    number of blocked slots beside it."""
    data = _member(common, INLINE)
    if data is None:
        capacity, size = _member(common, "capacity_"), _member(common, "size_")
        if capacity is None or size is None:
            return None
        packed = _member(size, "data_")
        if packed is None:  # 2024-07
            return capacity, False, size, 1, 0, (0, 0)
        return capacity, False, packed, 17, 16, (0, 0)
    capacity, size = _member(data, "capacity_internal_"), _member(data, "data_")
    if capacity is None or size is None:
        return None
    is_log = 0 < capacity.bit_size < POINTER_BITS
    if has_slots:  # 2026-05: the seed is as wide as the capacity leaves room for
        bits = 8 if is_log else 16
        return capacity, is_log, size, bits + 1, bits, (0, 0)
    # From 2026-08 on: 5 bits of the seed, the bit of sampled tables, 3 of blocked slots.
    return capacity, is_log, size, 9, 5, (6, 3)


def _member(outer: Field, name: str) -> Field | None:
    found = outer.type.find(name)
    return None if found is None else found.moved(name, outer.offset)


def _pointer_in(found: Field) -> Field | None:
    """A pointer, or the only one in a union or struct."""
    if found.type.kind is Kind.POINTER:
        return found
    inner = [one for one in found.type.iter_fields() if one.type.kind is Kind.POINTER]
    if len(inner) != 1:
        return None
    return inner[0].moved(found.name, found.offset)


def _first_number(settings: Field) -> Field | None:
    """The first element of a tuple, which is a number: of the integers in a CompressedTuple it is
    the one at the lowest offset, of those in a std::tuple the only one as wide as a size."""
    found = [
        one
        for one in settings.type.iter_fields()
        if one.type.kind is Kind.INTEGER and one.type.size in (4, 8)
    ]
    if not found:
        return None
    first = min(found, key=lambda one: one.offset)
    return first.moved("growth_left", settings.offset)


def _sampled(settings: Field) -> Field | None:
    """The pointer of a HashtablezInfoHandle in a tuple, which is empty in most builds."""
    for one in settings.type.iter_fields():
        inner = one.type.find("info_") if one.type.kind is Kind.STRUCT else None
        if inner is not None and inner.type.kind is Kind.POINTER:
            return inner.moved("info_", settings.offset + one.offset)
    return None


def _policy(raw: Type) -> Type | None:
    policy = raw.argument(0)
    return policy if isinstance(policy, Type) else None


def _shown(struct: Type, fields: list[Field] | tuple[Field, ...], offset: int) -> StructLayout:
    """The fields as those of the struct at an offset in the map."""
    members = tuple(
        Member(one.name, one.offset - offset, one.type.size, one.type, struct.source)
        for one in fields
    )
    return StructLayout(struct.name, struct.size, members)
