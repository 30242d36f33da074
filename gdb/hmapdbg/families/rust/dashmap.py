"""DashMap and DashSet of the crate dashmap: a table of hashbrown in each of its shards, behind a
lock of its own.

    DashMap {shards: Box<[Lock<RawTable<(K, SharedValue<V>)>>]>, hasher, shift}

A key's shard is selected by the hash code's bits behind the 7 that are in control bytes (dashmap's
lib.rs determine_shard()).
"""

from __future__ import annotations

import numpy as np

from ...block import Ints
from ...compat import dataclass
from ...geometry.control.map import Codes
from ...languages.rust import base_name, full_name
from ...languages.rust.sequences import Sequence, recognise
from ...target import Field, Kind, Target, Type, Value
from ..family import Map, has_fields
from ..reading import kept_for_type, read_number, unsound
from .hashbrown import HashKind, find_kind as find_table, seeds_of
from .opened import Spec, make_map
from .placement import HASH_BITS, RandomState
from .table import NOTHING, inside, open_table, window_of

FIELDS = ("shards", "hasher", "shift")
MAX_SHARDS = 1 << 16
MAX_DEPTH = 8
_AROUND = (Kind.STRUCT, Kind.UNION)


@dataclass(frozen=True)
class DashKind:
    """What all maps of one type have in common. Offsets in bytes."""

    name: str
    offset: int  # of the DashMap in a DashSet
    shards: Sequence
    shards_at: int
    shift: Field
    table: HashKind  # of a shard
    table_at: int  # in a shard
    seeds: tuple[Field, Field] | None


def find_kind(found: Type) -> DashKind | None:
    """A struct as a DashMap, or the DashSet around one; None for any other type."""
    at, inner = 0, found
    name = base_name(full_name(found))
    member = found.find("inner")
    if name == "DashSet" and member is not None:
        at, inner = member.offset, member.type
    if not has_fields(inner, FIELDS):
        return None
    shards, hasher, shift = (inner.find(one) for one in FIELDS)
    assert shards is not None and hasher is not None and shift is not None  # see has_fields
    slices = recognise(shards.type)
    if not isinstance(slices, Sequence):
        return None
    table = _find_inside(slices.element, 0, 0)
    if table is None:
        return None
    return DashKind(
        name=name if name in ("DashMap", "DashSet") else "DashMap",
        offset=at,
        shards=slices,
        shards_at=at + shards.offset,
        shift=shift.moved("shift", at),
        table=table[0],
        table_at=table[1],
        seeds=seeds_of(hasher, at),
    )


def _find_inside(found: Type, offset: int, depth: int) -> tuple[HashKind, int] | None:
    """The table in a shard, and its offset there."""
    if found.kind not in _AROUND or depth > MAX_DEPTH:
        return None
    kind = find_table(found)
    if kind is not None:
        return kind, offset
    inner = (_find_inside(one.type, offset + one.offset, depth + 1) for one in found.fields)
    return next((one for one in inner if one is not None), None)


def kind_of(_: Target, found: Type) -> DashKind:
    """find_kind of a type that is one."""
    kind = find_kind(found)
    assert kind is not None  # the family recognised it
    return kind


def open_map(target: Target, value: Value, found: Type, address: int) -> Map:
    """The map of a type that find_kind knows. TargetError."""
    kind = kept_for_type(target, found, kind_of)
    window, text = target.kept(window_of), value.expression

    def number(at: int, field: Field, what: str) -> int:
        return read_number(target, at + field.offset, field.type.size, text, what)

    slices = kind.shards
    start = number(address + kind.shards_at, slices.pointer, "the shards")
    count = number(address + kind.shards_at, slices.length, "the number of shards")
    if not 0 < count <= MAX_SHARDS or count & (count - 1):
        raise unsound(text, f"it has {count:,} shards")
    size, raw = slices.element.size, kind.table.raw
    tables = [
        open_table(
            target, raw, start + one * size + kind.table_at + kind.table.offset, window, text
        )
        for one in range(count)
    ]
    placement = None
    allocated = np.array([bool(one.table.slots) for one in tables])
    if kind.seeds is not None:
        k0, k1 = (number(address, one, "the hash") for one in kind.seeds)
        shift = number(address, kind.shift, "the shift")
        choice = _Shards(shift, 8 * target.pointer_size, np.cumsum(allocated) - 1, allocated)
        placement = RandomState(target, kind.table.key.type, k0, k1, choice.tables)
    elem = inside(kind.table.elem)
    spec = Spec(
        name=kind.name,
        size=found.size + count * size,
        slot=raw.entry.size,
        key=kind.table.key,
        elem=Field("", 0, NOTHING) if kind.name == "DashSet" and not elem.type.size else elem,
        tables=tables,
        structs=(raw.struct,),
        window=window,
        is_sharded=True,
    )
    return make_map(target, value, address, spec, placement)


@dataclass(frozen=True)
class _Shards:
    """Which of the tables that have slots a key belongs to; -1: to a shard without any."""

    shift: int
    bits: int
    numbers: Ints  # of each shard's table, (shards,)
    allocated: np.ndarray[tuple[int], np.dtype[np.bool_]]

    def tables(self, codes: Codes) -> Ints:
        """See Placement.table_of."""
        mask = np.uint64((1 << self.bits) - 1)
        shifted = ((codes << np.uint64(HASH_BITS)) & mask) >> np.uint64(self.shift & 63)
        shards = np.minimum(shifted, np.uint64(len(self.numbers) - 1)).astype(np.int64)
        return np.where(self.allocated[shards], self.numbers[shards], -1)
