"""ankerl::unordered_dense: entries side by side in a vector, and a table of the distance and the
number of each.

    table   {m_values, m_buckets, [m_num_buckets], m_max_bucket_capacity, m_shifts}
    bucket  {m_dist_and_fingerprint, m_value_idx}
    segmented_vector  {m_blocks, m_size}, of blocks of a power of two entries, at most 4,096 bytes

Recognised by the names of its fields. Invariants, checked by hmap-check, beside those of
geometry.flat:

    F9  m_shifts and m_max_bucket_capacity are those of so many slots
    F12 the table has each entry of the vector, once

From source: unordered_dense.h of 2.0 to 4.9.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..block import Addresses, Ints, Problem
from ..compat import dataclass
from ..geometry.columns import Mask
from ..geometry.flat.indirect import Elsewhere
from ..geometry.flat.layout import RUN, States, Table, rows_of
from ..geometry.flat.map import FlatMap
from ..geometry.flat.robin import Homes, RobinMap, RobinPlaces, RobinTable
from ..geometry.problems import Told
from ..header import Array, Growth, Header
from ..languages import short_name
from ..layout import StructLayout, struct_layout
from ..target import Field, Kind, Memory, Target, TargetError, Type, Value
from .family import Family, Map, has_fields
from .malloc import Allocation, Malloc, find_malloc
from .node_lists import entry_fields, shortened
from .reading import cannot_read, read_number, read_struct, unsound
from .vectors import Vector, find_vector

FIELDS = ("m_values", "m_buckets", "m_max_bucket_capacity", "m_shifts")
BUCKET = ("m_dist_and_fingerprint", "m_value_idx")
SEGMENTED = ("m_blocks", "m_size")
ELEM = 1  # argument of the table: void of a set
SEGMENT = 4096  # bytes
FINGERPRINT_BITS = 8
LOAD = 0.8  # the default
FIRST_SLOTS = 4
MAX_SLOTS = 1 << 40


class DenseFamily:
    """See Family."""

    name = "ankerl unordered_dense map"
    words = ("ankerl",)
    describes = "ankerl::unordered_dense map and set"
    has_nil = False
    is_handle = False
    headers = (FIELDS,)

    def recognise(self, found: Type) -> bool:
        return has_fields(found, FIELDS) and _bucket_type(found) is not None

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        layout = struct_layout(found, FIELDS, ("m_num_buckets", "m_max_load_factor"))
        numbers = read_struct(target, layout, address, value.expression)
        buckets = _buckets(target, found, address, value.expression)
        values = _values(target, found, address, value.expression)
        for what, start, size in (
            ("slots", buckets.address, buckets.bytes_at_address),
            ("entries", values.address, values.bytes_at_address),
        ):
            for at in (start, start + size - 1):
                if size and not target.is_readable(at, 1):
                    raise cannot_read(target, f"the {what}", value.expression, at)
        return _open(target, value, found, address, layout, numbers, buckets, values)


FAMILY: Family = DenseFamily()


@dataclass(frozen=True)
class _Buckets:
    """The table. `blocks`: where its blocks are, if it is in such, of `per_block` slots."""

    address: int
    count: int
    struct: Type
    blocks: Addresses | None = None
    per_block: int = 1

    @property
    def bytes_at_address(self) -> int:
        """What must be readable there."""
        return self.count * self.struct.size if self.blocks is None else 8 * len(self.blocks)


@dataclass(frozen=True)
class _Values:
    """The entries: side by side, or in blocks of `per_block`. `taken`: bytes of what is allocated
    for them."""

    address: int  # of the first entry, or of the pointers to the blocks
    count: int
    entry: Type
    taken: int
    per_block: int = 0
    blocks: int = 0

    @property
    def bytes_at_address(self) -> int:
        """What must be readable there."""
        return 8 * self.blocks if self.per_block else self.count * self.entry.size

    def locate(self, memory: Memory, numbers: Ints) -> tuple[Addresses, Mask]:
        """Where entries are, by their numbers (n,), and which are there."""
        known = (numbers >= 0) & (numbers < self.count)
        inside = np.where(known, numbers, 0)
        size = np.uint64(self.entry.size)
        if not self.per_block:
            return np.uint64(self.address) + inside.astype(np.uint64) * size, known
        width = memory.pointer_size
        at = np.uint64(self.address) + (inside // self.per_block * width).astype(np.uint64)
        data, ok = memory.gather(at, width)
        known &= ok
        return (
            memory.pointer_column(data) + (inside % self.per_block).astype(np.uint64) * size,
            known,
        )


def _segments(member: Field) -> tuple[Vector, Field] | None:
    """A member that is a segmented vector: the vector of its blocks, and its length."""
    blocks, length = (member.type.find(name) for name in SEGMENTED)
    inner = None if blocks is None else find_vector(blocks.moved("", member.offset))
    if inner is None or length is None or inner.element.kind is not Kind.POINTER:
        return None
    return inner, length.moved("", member.offset)


def _per_block(element: Type) -> int:
    """How many elements a block has."""
    each = 1
    while element.size and element.size * each * 2 <= SEGMENT:
        each *= 2
    return each


def _bucket_type(found: Type) -> Type | None:
    """The struct of a slot; None: the member is no array of them."""
    member = found.find("m_buckets")
    if member is None:
        return None
    vector, segments = find_vector(member), _segments(member)
    bucket: Type | None = None
    if member.type.kind is Kind.POINTER and member.type.resolve is not None:
        bucket = member.type.target
    elif vector is not None:
        bucket = vector.element
    elif segments is not None:
        bucket = segments[0].element.target
    return bucket if bucket is not None and has_fields(bucket, BUCKET) else None


def _ends(
    target: Target, vector: Vector, address: int, expression: str, what: str
) -> tuple[int, int]:
    """The first element of a vector, and how many there are."""
    size = target.pointer_size
    begin, end = (
        read_number(target, address + one.offset, size, expression, what)
        for one in (vector.begin, vector.end)
    )
    count, rest = divmod(end - begin, vector.element.size)
    if end < begin or rest or count > MAX_SLOTS:
        raise unsound(expression, f"its {what} are from 0x{begin:x} to 0x{end:x}")
    return begin, count


def _buckets(target: Target, found: Type, address: int, expression: str) -> _Buckets:
    member, bucket = found.find("m_buckets"), _bucket_type(found)
    assert member is not None and bucket is not None  # it was recognised
    vector, segments = find_vector(member), _segments(member)
    if vector is not None:
        return _Buckets(*_ends(target, vector, address, expression, "slots"), bucket)
    if segments is not None:
        start, count, number, each = _blocks(target, segments, address, expression)
        data, ok = target.read_rows(start, number, target.pointer_size)
        if not ok.all():
            raise cannot_read(target, "the slots", expression, start)
        return _Buckets(start, count, bucket, target.pointer_column(data), each)
    told = found.find("m_num_buckets")
    if told is None:
        raise TargetError(f"'{found.name}' does not tell how many slots it has: see 'ptype'")
    size = target.pointer_size
    start = read_number(target, address + member.offset, size, expression, "the map")
    count = read_number(target, address + told.offset, told.type.size, expression, "the map")
    if count > MAX_SLOTS:
        raise unsound(expression, f"it has {count:,} slots")
    return _Buckets(start, count, bucket)


def _values(target: Target, found: Type, address: int, expression: str) -> _Values:
    member = found.find("m_values")
    assert member is not None  # it was recognised
    vector = find_vector(member)
    if vector is not None:
        start, count = _ends(target, vector, address, expression, "entries")
        return _Values(start, count, vector.element, count * vector.element.size)
    segments = _segments(member)
    if segments is None:
        raise TargetError(f"the entries of '{expression}' are in no std::vector: see 'ptype'")
    start, count, number, each = _blocks(target, segments, address, expression)
    entry = segments[0].element.target
    return _Values(start, count, entry, number * each * entry.size, each, number)


def _blocks(
    target: Target, segments: tuple[Vector, Field], address: int, expression: str
) -> tuple[int, int, int, int]:
    """Of a segmented vector: where the pointers to its blocks are, the number of its elements, of
    its blocks, and of the elements of a block."""
    vector, length = segments
    start, number = _ends(target, vector, address, expression, "blocks")
    at = address + length.offset
    count = read_number(target, at, length.type.size, expression, "the map")
    each = _per_block(vector.element.target)
    if count > number * each:
        raise unsound(expression, f"it has {count:,} elements in {number:,} blocks")
    return start, count, number, each


def _distances(stored: NDArray[Any]) -> Ints:
    return (stored.astype(np.int64) >> FINGERPRINT_BITS) - 1


def _open(
    target: Target,
    value: Value,
    found: Type,
    address: int,
    layout: StructLayout,
    numbers: dict[str, int],
    buckets: _Buckets,
    values: _Values,
) -> FlatMap:
    slots, bucket = buckets.count, struct_layout(buckets.struct, BUCKET)
    key, elem, notes = _entry(found, values.entry, value.expression)
    is_whole = slots > 0 and buckets.blocks is None
    blocks = [Allocation(buckets.address, slots * bucket.size)] if is_whole else []
    rounding = find_malloc(target, blocks)
    malloc, sizes = rounding if rounding is not None else (None, [slots * bucket.size])
    distance, index = bucket["m_dist_and_fingerprint"], bucket["m_value_idx"]
    blocks_at = buckets.blocks
    state = Homes(
        buckets.address + distance.offset,
        bucket.size,
        distance.size,
        False,
        max(slots, 1),
        _distances,
        None if blocks_at is None else blocks_at + np.uint64(distance.offset),
        buckets.per_block,
    )
    behind = np.uint64((index.offset - distance.offset) % (1 << 64))

    def locate(memory: Memory, places: Ints) -> tuple[Addresses, Mask]:
        data, ok = memory.gather(state.places(places) + behind, index.size)
        found_at = memory.integer_column(data, 0, index.size).astype(np.uint64)
        numbers = np.minimum(found_at, np.uint64(MAX_SLOTS)).astype(np.int64)
        addrs, known = values.locate(memory, numbers)
        return addrs, known & ok

    parts = [Elsewhere(target, locate, one.offset, one.type.size) for one in (key, elem)]
    count_at = address + layout["m_values"].offset
    tables = (Table(slots, state, parts[0], parts[1], values.count, count_at),) if slots else ()
    taken = values.taken if malloc is None or values.per_block else malloc.size(values.taken)
    factor = _load(target, layout, address)
    header = Header(
        family="ankerl unordered_dense map",
        expression=value.expression,
        type_name=short_name(value.type.name),
        address=address,
        count_at=count_at,
        key_type=key.type,
        elem_type=elem.type,
        count=values.count,
        arrays=(Array("slots", state.base, rows_of(slots), sizes[0]),) if slots else (),
        geometry=_geometry(slots, bucket.size, values.entry.size, factor, malloc),
        header_size=found.size,
        is_rounded=rounding is not None if slots else None,
        held=(("entries", taken),) if values.taken else (),
        count_rule="F1",
        growth=Growth(above=numbers["m_max_bucket_capacity"]),
        notes=tuple(notes),
        layout_note=notes[0] if notes else "",
        problems=tuple(_iter_problems(layout, address, numbers, slots, factor)),
    )
    placement = RobinPlaces(max(slots, 1), key.type, None)
    return DenseMap(target, header, tables, (layout, bucket), placement)


class DenseMap(RobinMap):
    """A table of numbers of entries."""

    def iter_disordered(
        self, told: Told, number: int, states: States, stored: NDArray[Any]
    ) -> Iterator[Problem]:
        """F10 and F12."""
        yield from super().iter_disordered(told, number, states, stored)
        table = self.tables[number]
        slots = np.flatnonzero(states != 0)
        places = table.key.places(slots)
        for at in np.flatnonzero(places == 0).tolist():
            text = f"slot {int(slots[at]):,}: the number of its entry is none of {table.items:,}"
            yield from told.problem("F12", text, table.state.address(int(slots[at])), "F12")
        order = np.argsort(places, kind="stable")
        twice = np.flatnonzero((places[order][1:] == places[order][:-1]) & (places[order][1:] != 0))
        for at in order[1:][twice].tolist():
            text = f"slot {int(slots[at]):,}: its entry is that of another slot too"
            yield from told.problem("F12", text, table.state.address(int(slots[at])), "F12")


def _entry(found: Type, entry: Type, expression: str) -> tuple[Field, Field, list[str]]:
    """The key and the elem of an entry, and notes."""
    notes: list[str] = []
    argument = _elem_argument(found)
    is_set = argument is not None and argument.kind is Kind.OTHER
    fields = entry_fields(Field("", 0, entry), entry.size, is_set, notes)
    if fields is None:
        raise TargetError(f"the entries of '{expression}' are no pairs: see 'ptype {entry.name}'")
    key, elem = (Field(one.name, one.offset, shortened(one.type)) for one in fields)
    return key, elem, notes


def _elem_argument(found: Type) -> Type | None:
    """The type of elems that a table was given: void of a set."""
    for one in (found, *(member.type for member in found.fields if member.base)):
        argument = one.argument(ELEM)
        if isinstance(argument, Type):
            return argument
    return None


def _load(target: Target, layout: StructLayout, address: int) -> float:
    if "m_max_load_factor" not in layout:
        return LOAD
    member = layout["m_max_load_factor"]
    data = target.read(address + member.offset, member.size)
    factor = float(np.frombuffer(data, f"{target.order}f4")[0])
    return factor if 0 < factor <= 1 else LOAD


def _geometry(
    slots: int, bucket: int, entry: int, factor: float, malloc: Malloc | None
) -> RobinTable:
    def made_for(entries: int) -> int:
        count = FIRST_SLOTS
        while int(count * factor) < entries:
            count *= 2
        sizes = [count * bucket, entries * entry]
        return sum(sizes if malloc is None else map(malloc.size, sizes))

    return RobinTable(
        slots=min(slots, RUN) or RUN,
        bucket_size=(min(slots, RUN) or RUN) * bucket,
        load_factor=factor * (min(slots, RUN) or RUN),
        width=bucket,
        stored="distance",
        made_for=made_for,
    )


def _iter_problems(
    layout: StructLayout, address: int, numbers: dict[str, int], slots: int, factor: float
) -> Iterator[Problem]:
    if not slots:
        return
    shifts, capacity = numbers["m_shifts"], numbers["m_max_bucket_capacity"]
    if shifts > 64 or 1 << (64 - shifts) != slots:
        text = f"m_shifts is {shifts}, which is not that of {slots:,} slots"
        yield Problem(text, address + layout["m_shifts"].offset, "F9")
    wanted = int(np.float32(slots) * np.float32(factor))
    if capacity != wanted:
        text = f"m_max_bucket_capacity is {capacity:,}, where {slots:,} slots make it {wanted:,}"
        yield Problem(text, address + layout["m_max_bucket_capacity"].offset, "F9")
