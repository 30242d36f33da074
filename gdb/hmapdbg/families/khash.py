"""klib's khash (khash.h): open addressing with 2 bits of state a slot, keys and values in arrays.

    kh_NAME_t {n_buckets, size, n_occupied, upper_bound, flags, keys, vals}

Invariants, checked by hmap-check, beside F1 to F3 and F6 of geometry.flat.map:

    F9  upper_bound is what khash makes it for so many slots, and n_occupied no more

Which slot a key belongs to is not known: the hash function is compiled into the program.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..block import Column, Problem
from ..geometry.columns import Mask, identities_by_bytes
from ..geometry.flat.layout import RUN, Flags, Part, Table, rows_of
from ..geometry.flat.map import FlatMap
from ..geometry.flat.probes import triangular_from
from ..geometry.flat.shape import FlatTable
from ..header import Array, Growth, Header
from ..layout import StructLayout, struct_layout
from ..target import Kind, Target, Type, Value
from .family import Family, Map, has_fields
from .malloc import Allocation, Malloc, find_malloc
from .reading import cannot_read, read_struct, unsound

FIELDS = ("n_buckets", "size", "n_occupied", "upper_bound", "flags", "keys", "vals")
UPPER = 0.77  # __ac_HASH_UPPER
LEAST = 4  # slots
NOTHING = Type(Kind.OTHER, "", 0)  # the elem of a set


class KhashFamily:
    """See Family."""

    name = "khash"
    words = ("khash",)
    describes = "kh_NAME_t (khash)"
    has_nil = False
    is_handle = True
    headers = (FIELDS,)

    def recognise(self, found: Type) -> bool:
        if not has_fields(found, FIELDS):
            return False
        pointers = (found.find(name) for name in ("flags", "keys", "vals"))
        return all(one is not None and one.type.kind is Kind.POINTER for one in pointers)

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        layout = struct_layout(found, FIELDS)
        fields = read_struct(target, layout, address, value.expression)
        key, elem = layout["keys"].type.target, layout["vals"].type.target
        slots = fields["n_buckets"]
        if slots & (slots - 1) or fields["size"] > slots or fields["n_occupied"] > slots:
            raise unsound(
                value.expression, f"it counts {fields['size']:,} entries in {slots:,} slots"
            )
        # A set has the type of a value, but no values; an empty map has none yet.
        if not fields["vals"] and (slots or elem.character):
            elem = NOTHING
        blocks = _blocks(fields, key, elem)
        for name, one in blocks:
            for at in (one.address, one.address + one.size - 1):
                if not one.address or not target.is_readable(at, 1):
                    raise cannot_read(target, f"the {name}", value.expression, at)
        return _opened(target, value, address, layout, fields, key, elem, blocks)


FAMILY: Family = KhashFamily()

_Blocks = list[tuple[str, Allocation]]


def _blocks(fields: dict[str, int], key: Type, elem: Type) -> _Blocks:
    """The arrays of a map, by name; none where nothing is allocated."""
    slots = fields["n_buckets"]
    sizes = {"flags": 4 * rows_of(slots), "keys": slots * key.size, "vals": slots * elem.size}
    return [(name, Allocation(fields[name], size)) for name, size in sizes.items() if size]


def _opened(
    target: Target,
    value: Value,
    address: int,
    layout: StructLayout,
    fields: dict[str, int],
    key: Type,
    elem: Type,
    blocks: _Blocks,
) -> Map:
    slots, size, occupied = fields["n_buckets"], fields["size"], fields["n_occupied"]
    rounding = find_malloc(target, [one for _, one in blocks])
    malloc, sizes = rounding if rounding is not None else (None, [one.size for _, one in blocks])
    table = Table(
        slots=slots,
        state=Flags(fields["flags"]),
        key=Part(fields["keys"], key.size, key.size, key.size),
        elem=Part(fields["vals"], elem.size, elem.size, elem.size),
        items=size,
        items_at=address + layout["size"].offset,
        deleted=occupied - size,
        deleted_at=address + layout["n_occupied"].offset,
    )
    arrays = (Array("slots", fields["flags"], rows_of(slots), sum(sizes)),) if slots else ()
    header = Header(
        family="khash",
        expression=value.expression,
        type_name=value.type.name,
        address=address,
        count_at=table.items_at,
        key_type=key,
        elem_type=elem,
        count=size,
        arrays=arrays,
        geometry=_geometry(slots, key, elem, malloc),
        header_size=layout.size,
        is_rounded=rounding is not None if slots else None,
        count_rule="F1",
        growth=Growth(above=max(fields["upper_bound"] - occupied, 0) + size),
        problems=tuple(_iter_problems(fields, layout, address)),
    )
    tables = (table,) if slots else ()
    return KhashMap(target, header, tables, (layout,))


class KhashMap(FlatMap):
    """A map of which no hash is known."""

    def identities(self, keys: Column) -> tuple[NDArray[np.int64], Mask] | None:
        """See FlatMap: numbers are compared by their bytes, texts may be equal elsewhere."""
        return identities_by_bytes(keys)


def upper_bound(slots: int) -> int:
    """The entries and tombstones at which a map of so many slots is rebuilt (kh_resize)."""
    return int(slots * UPPER + 0.5)


def _slots_for(entries: int) -> int:
    slots = LEAST
    while entries > upper_bound(slots):
        slots *= 2
    return slots


def _geometry(slots: int, key: Type, elem: Type, malloc: Malloc | None) -> FlatTable:
    def made_for(entries: int) -> int:
        count = _slots_for(entries)
        sizes = [4 * rows_of(count), count * key.size, count * elem.size]
        given = [size if malloc is None else malloc.size(size) for size in sizes if size]
        return sum(given)

    return FlatTable(
        slots=min(slots, RUN) or RUN,
        bucket_size=4,
        load_factor=upper_bound(slots) * RUN / max(slots, RUN),
        stored="flags",
        probing=triangular_from(slots),
        made_for=made_for,
    )


def _iter_problems(fields: dict[str, int], layout: StructLayout, address: int) -> Iterator[Problem]:
    slots, occupied = fields["n_buckets"], fields["n_occupied"]
    bound = fields["upper_bound"]
    if bound != upper_bound(slots) or occupied > bound or occupied < fields["size"]:
        text = (
            f"{occupied:,} slots are counted as used, {fields['size']:,} by entries, of at most "
            f"{bound:,}; {slots:,} slots take {upper_bound(slots):,}"
        )
        yield Problem(text, address + layout["upper_bound"].offset, "F9")
