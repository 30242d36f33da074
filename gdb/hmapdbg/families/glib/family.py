"""GLib's GHashTable: a table of slots in three arrays, hashes, keys and values; of a set, keys are
the values. Keys and values are pointers of any type, or integers in their place.

It is recognised by the names of its fields, which debug info of GLib has, or the layout of its
version (see fields). Invariants, checked by hmap-check, beside those of geometry.flat.map:

    F7  mod is GLib's prime for the size
    F8  entries and tombstones are fewer than those at which the table is rebuilt

From source: glib/ghash.c of 2.38 to 2.88.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import Problem
from ...geometry.flat.layout import LIVE, RUN, Numbers, Part, States, Table, rows_of
from ...geometry.flat.map import FlatMap
from ...geometry.flat.probes import triangular_from
from ...geometry.flat.shape import FlatTable
from ...header import Array, Growth, Header
from ...languages.glib.hash_table import PRIMES
from ...target import Kind, Target, Type, Value
from ..family import Family, Map
from ..malloc import Allocation, Malloc, find_malloc
from ..retyped import Reading, retyped
from .fields import FIELDS, HASH_SIZE, Fields, is_table, read_fields
from .keys import Parts, parts_of
from .placement import Places
from .table import is_full, room, size_for

NOTHING = Type(Kind.OTHER, "", 0)  # the elem of a set
SHRINKS = "the next removal or insertion makes it fit"


class GLibFamily:
    """See Family."""

    name = "GLib hash table"
    words = ("glib",)
    describes = "GHashTable (GLib)"
    has_nil = False
    is_handle = True
    headers = (FIELDS,)

    def recognise(self, found: Type) -> bool:
        return is_table(found)

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        fields = read_fields(target, found, address, value.expression)
        parts = parts_of(target, fields)
        opened = _open(target, value, fields, parts, address)
        key = Reading(parts.key.target, is_box=True, is_hashed=True) if parts.is_box else None
        return retyped(target, opened, key)


FAMILY: Family = GLibFamily()


def _open(target: Target, value: Value, fields: Fields, parts: Parts, address: int) -> FlatMap:
    layout, size = fields.layout, fields["size"]
    count_at = address + layout["nnodes"].offset
    occupied_at = address + layout["noccupied"].offset
    elem_width = 0 if fields.is_set else fields.elem_width
    elem = NOTHING if fields.is_set else parts.elem
    blocks = [Allocation(fields["hashes"], size * HASH_SIZE)]
    blocks.append(Allocation(fields["keys"], size * fields.key_width))
    if elem_width:
        blocks.append(Allocation(fields["values"], size * elem_width))
    rounding = find_malloc(target, blocks)
    malloc, sizes = rounding if rounding is not None else (None, [one.size for one in blocks])
    widths = [HASH_SIZE, fields.key_width, elem_width]
    table = Table(
        slots=size,
        state=Numbers(fields["hashes"], HASH_SIZE, HASH_SIZE, _states),
        key=Part(fields["keys"], fields.key_width, fields.key_width, parts.key.size),
        elem=Part(fields["values"], elem_width, elem_width, elem.size),
        items=fields["nnodes"],
        items_at=count_at,
        deleted=fields["noccupied"] - fields["nnodes"],
        deleted_at=occupied_at,
    )
    header = Header(
        family="GLib GHashTable",
        expression=value.expression,
        type_name=value.type.name,
        address=address,
        count_at=count_at,
        key_type=parts.key,
        elem_type=elem,
        count=fields["nnodes"],
        arrays=(Array("slots", fields["hashes"], rows_of(size), sum(sizes)),),
        geometry=_geometry(size, fields["mod"], widths, malloc),
        header_size=layout.size,
        is_rounded=rounding is not None,
        count_rule="F1",
        growth=Growth(above=max(room(size) - fields["noccupied"], 0) + fields["nnodes"]),
        details=_details(parts),
        notes=(fields.note,) if fields.note else (),
        layout_note=fields.note,
        problems=tuple(_iter_problems(fields, address)),
        certain_if_empty=False,
    )
    placement = Places(target, fields["mod"], fields.is_old, parts.hash, parts.equal)
    return FlatMap(target, header, (table,), (layout,), placement)


def _states(stored: NDArray[Any]) -> States:
    """0 is a slot that was never used, 1 a tombstone, all else the hash of an entry."""
    return np.minimum(stored, LIVE).astype(np.uint8)


def _geometry(size: int, mod: int, widths: list[int], malloc: Malloc | None) -> FlatTable:
    def made_for(entries: int) -> int:
        slots = size_for(entries)
        blocks = [slots * width for width in widths if width]
        return sum(blocks if malloc is None else map(malloc.size, blocks))

    return FlatTable(
        slots=min(size, RUN),
        bucket_size=min(size, RUN) * HASH_SIZE,
        load_factor=(room(size) + 1) * min(size, RUN) / size,
        width=HASH_SIZE,
        probing=triangular_from(mod),
        made_for=made_for,
        shrinks_at=SHRINKS,
    )


def _details(parts: Parts) -> tuple[tuple[str, str], ...]:
    """The functions that tell what keys and elems are."""
    names = parts.functions
    words = [
        f"{what} {name}"
        for what, name in (
            ("hash", names.hash or "unknown"),
            ("equal", names.equal),
            ("frees keys", names.key_destroy),
            ("frees elems", names.elem_destroy),
        )
        if name
    ]
    return (("functions", ", ".join(words)),)


def _iter_problems(fields: Fields, address: int) -> Iterator[Problem]:
    size, mod = fields["size"], fields["mod"]
    prime = PRIMES[size.bit_length() - 1]
    if mod != prime:
        text = f"mod is {mod:,}, where it is {prime:,} for {size:,} slots"
        yield Problem(text, address + fields.layout["mod"].offset, "F7")
    nodes, occupied = fields["nnodes"], fields["noccupied"]
    if occupied < nodes or is_full(size, occupied):
        text = f"{occupied:,} slots are counted as used, {nodes:,} by entries, of {size:,}"
        yield Problem(text, address + fields.layout["noccupied"].offset, "F8")
