"""tsl::robin_map and robin_set: a table of slots, each with how far its entry is from its home.

    robin_hash    {m_buckets, m_bucket_count, m_nb_elements, m_load_threshold, ...}
    bucket_entry  {[m_hash], m_dist_from_ideal_bucket, m_last_bucket, m_value}

Recognised by the names of its fields. Invariants, checked by hmap-check, beside those of
geometry.flat:

    F9  m_load_threshold is what m_max_load_factor makes it, and the entries are no more
    F11 the last slot is marked as it, and no other

From source: robin_hash.h of 1.0 to 1.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..block import Ints, Problem
from ..compat import dataclass
from ..geometry.flat.layout import RUN, Codes, Part, States, Table, rows_of
from ..geometry.flat.map import FlatMap
from ..geometry.flat.robin import Homes, RobinMap, RobinPlaces, RobinTable
from ..geometry.problems import Told
from ..header import Array, Growth, Header
from ..languages import short_name
from ..layout import Member, StructLayout, struct_layout
from ..target import Field, Kind, Target, TargetError, Type, Value
from .family import Family, Map, has_fields
from .malloc import Allocation, Malloc, find_malloc
from .node_lists import entry_fields, shortened
from .reading import cannot_read, read_struct, unsound
from .std_hash import std_hash

FIELDS = ("m_buckets", "m_bucket_count", "m_nb_elements", "m_load_threshold", "m_max_load_factor")
BUCKET = ("m_dist_from_ideal_bucket", "m_last_bucket", "m_value")
VALUE_SELECT, HASH = 2, 3  # arguments of robin_hash
POWER_OF_TWO = "m_mask"  # of the growth policy by powers of two
LOAD = 0.5  # the default


class RobinFamily:
    """See Family."""

    name = "tsl robin map"
    words = ("robin",)
    describes = "tsl::robin_map and robin_set"
    has_nil = False
    is_handle = False
    headers = (FIELDS,)

    def recognise(self, found: Type) -> bool:
        return _find_table(found) is not None

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        where = _find_table(found)
        assert where is not None  # it was recognised
        offset, table = where
        layout = struct_layout(table, FIELDS)
        numbers = read_struct(target, layout, address + offset, value.expression)
        slots, items = numbers["m_bucket_count"], numbers["m_nb_elements"]
        if items > slots or slots >> 48:
            raise unsound(value.expression, f"it counts {items:,} entries in {slots:,} slots")
        entry = _entry_of(table, value.expression)
        size = slots * entry.size
        for at in (numbers["m_buckets"], numbers["m_buckets"] + size - 1):
            if size and not target.is_readable(at, 1):
                raise cannot_read(target, "the slots", value.expression, at)
        return _open(target, value, found, address, offset, layout, numbers, table, entry)


FAMILY: Family = RobinFamily()


@dataclass(frozen=True)
class _Entry:
    """The slots of a table. Offsets in bytes."""

    layout: StructLayout
    size: int
    distance: Field
    last: Field
    key: Field
    elem: Field
    notes: tuple[str, ...]


def _find_table(found: Type) -> tuple[int, Type] | None:
    """The table of a map, and its offset; None for any other type."""
    if found.kind is not Kind.STRUCT:
        return None
    if _is_table(found):
        return 0, found
    member = found.find("m_ht")
    return None if member is None or not _is_table(member.type) else (member.offset, member.type)


def _is_table(found: Type) -> bool:
    if not has_fields(found, FIELDS):
        return False
    pointer = found.find("m_buckets")
    if pointer is None or pointer.type.kind is not Kind.POINTER or pointer.type.resolve is None:
        return False
    return has_fields(pointer.type.target, BUCKET)


def _entry_of(table: Type, expression: str) -> _Entry:
    pointer = table.find("m_buckets")
    assert pointer is not None  # it was recognised
    bucket = pointer.type.target
    distance, last, value = (bucket.find(name) for name in BUCKET)
    held, select = bucket.argument(0), table.argument(VALUE_SELECT)
    assert distance is not None and last is not None and value is not None
    if not isinstance(held, Type):
        raise TargetError(f"no debug info for the entries of '{expression}': build with -g")
    notes: list[str] = []
    is_set = not isinstance(select, Type) or select.kind is not Kind.STRUCT
    fields = entry_fields(Field("", value.offset, held), value.type.size, is_set, notes)
    if fields is None:
        raise TargetError(f"the entries of '{expression}' are no pairs: see 'ptype {bucket.name}'")
    key, elem = (Field(one.name, one.offset, shortened(one.type)) for one in fields)
    shown = [distance, last, key] if is_set else [distance, last, key, elem]
    members = [
        Member(one.name, one.offset, one.type.size, one.type, bucket.source) for one in shown
    ]
    layout = StructLayout(short_name(bucket.name), bucket.size, tuple(members))
    return _Entry(layout, bucket.size, distance, last, key, elem, tuple(notes))


def _distances(stored: NDArray[Any]) -> Ints:
    return stored.astype(np.int64)


def _open(
    target: Target,
    value: Value,
    found: Type,
    address: int,
    offset: int,
    layout: StructLayout,
    numbers: dict[str, int],
    table: Type,
    entry: _Entry,
) -> FlatMap:
    slots, items, base = (numbers[one] for one in ("m_bucket_count", "m_nb_elements", "m_buckets"))
    at = address + offset
    blocks = [Allocation(base, slots * entry.size)] if slots else []
    rounding = find_malloc(target, blocks)
    malloc, sizes = rounding if rounding is not None else (None, [one.size for one in blocks])
    state = Homes(
        base + entry.distance.offset,
        entry.size,
        entry.distance.type.size,
        True,
        max(slots, 1),
        _distances,
    )
    parts = [
        Part(base + one.offset, entry.size, one.type.size, one.type.size)
        for one in (entry.key, entry.elem)
    ]
    count_at = at + layout["m_nb_elements"].offset
    tables = (Table(slots, state, parts[0], parts[1], items, count_at),) if slots else ()
    threshold, factor = numbers["m_load_threshold"], _load(target, layout, at)
    header = Header(
        family="tsl robin map",
        expression=value.expression,
        type_name=short_name(value.type.name),
        address=address,
        count_at=count_at,
        key_type=entry.key.type,
        elem_type=entry.elem.type,
        count=items,
        arrays=(Array("slots", state.base, rows_of(slots), sizes[0]),) if slots else (),
        geometry=_geometry(slots, entry.size, factor, malloc),
        header_size=found.size,
        is_rounded=rounding is not None if slots else None,
        count_rule="F1",
        growth=Growth(above=threshold),
        notes=entry.notes,
        layout_note=entry.notes[0] if entry.notes else "",
        problems=tuple(_iter_problems(layout, at, numbers, factor)),
        certain_if_empty=True,
    )
    hashed = _hashed(target, table, entry.key.type, slots)
    placement = RobinPlaces(max(slots, 1), entry.key.type, hashed)
    return TslMap(target, header, tables, (layout, entry.layout), placement).of(entry)


class TslMap(RobinMap):
    """A robin_map, whose last slot is marked."""

    def of(self, entry: _Entry) -> TslMap:
        """Itself, with its slots' struct."""
        self._last = entry.last.offset - entry.distance.offset
        return self

    def iter_disordered(
        self, told: Told, number: int, states: States, stored: NDArray[Any]
    ) -> Iterator[Problem]:
        """F10 and F11."""
        yield from super().iter_disordered(told, number, states, stored)
        state, count = self.tables[number].state, len(states)
        marks, ok = self.target.gather(
            np.uint64(state.address(0) + self._last)
            + np.arange(count).astype(np.uint64) * np.uint64(state.run_size // RUN),
            1,
        )
        wrong = ok & ((marks[:, 0] != 0) != (np.arange(count) == count - 1))
        for at in np.flatnonzero(wrong).tolist():
            what = "is not marked as the last one" if at == count - 1 else "is marked as the last"
            text = f"slot {at:,} of {count:,} {what}"
            yield from told.problem("F11", text, state.address(at) + self._last, "F11")


def _load(target: Target, layout: StructLayout, at: int) -> float:
    """The maximum load factor, a float."""
    member = layout["m_max_load_factor"]
    data = np.frombuffer(target.read(at + member.offset, member.size), f"{target.order}f4")
    factor = float(data[0])
    return factor if 0 < factor <= 1 else LOAD


def _hashed(
    target: Target, table: Type, key: Type, slots: int
) -> Callable[[NDArray[np.uint8]], Codes] | None:
    """The homes of keys that are their own hash codes; None: unknown."""
    found = std_hash(target, table.argument(HASH), key, None)
    if found is None or not found.is_certain or table.find(POWER_OF_TWO) is None or not slots:
        return None

    def homes(keys: NDArray[np.uint8]) -> Codes:
        assert found is not None
        codes: Codes = found.codes(keys) % np.uint64(slots)
        return codes

    return homes


def _geometry(slots: int, entry: int, factor: float, malloc: Malloc | None) -> RobinTable:
    def made_for(entries: int) -> int:
        count = 1
        while int(count * factor) < entries:
            count *= 2
        return count * entry if malloc is None else malloc.size(count * entry)

    return RobinTable(
        slots=min(slots, RUN) or RUN,
        bucket_size=(min(slots, RUN) or RUN) * entry,
        load_factor=factor * (min(slots, RUN) or RUN),
        width=entry,
        stored="distance",
        made_for=made_for,
    )


def _iter_problems(
    layout: StructLayout, at: int, numbers: dict[str, int], factor: float
) -> Iterator[Problem]:
    slots, threshold = numbers["m_bucket_count"], numbers["m_load_threshold"]
    wanted = int(np.float32(slots) * np.float32(factor))
    if threshold != wanted:
        text = f"m_load_threshold is {threshold:,}, where {slots:,} slots make it {wanted:,}"
        yield Problem(text, at + layout["m_load_threshold"].offset, "F9")
