"""uthash (uthash.h): the program's own structs, each with a UT_hash_handle, which puts it on the
list of a bucket and on a list of all.

    UT_hash_handle {tbl, prev, next, hh_prev, hh_next, key, keylen, hashv}
    UT_hash_table  {buckets, num_buckets, num_items, hho, ...}
    UT_hash_bucket {hh_head, count, expand_mult}

The map is a pointer to one of the structs, the first that was put in; NULL is an empty map. Links
lead to handles, `hho` bytes behind the start of a struct. The key is a member, or what a member
points to: which one, the first handle's `key` and `keylen` tell.

Invariants, checked by hmap-check, beside those of geometry.lists.map:

    L2  the table's signature, the number of buckets and what the buckets count agree
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..block import Addresses, Problem
from ..compat import dataclass
from ..geometry.columns import identities_by_bytes
from ..geometry.lists.layout import ListLayout
from ..geometry.lists.map import ListMap
from ..geometry.nodes.shape import NodeLists
from ..header import Array, Header
from ..layout import StructLayout, struct_layout
from ..target import Field, Kind, Target, TargetError, Type, Value
from .family import Family, Map, has_fields
from .malloc import Allocation, Malloc, find_malloc
from .reading import cannot_read, read_struct, unsound

HANDLE = ("tbl", "prev", "next", "hh_prev", "hh_next", "key", "keylen", "hashv")
TABLE = ("buckets", "num_buckets", "num_items", "hho", "noexpand", "signature")
BUCKET = ("hh_head", "count", "expand_mult")
SIGNATURE = 0xA0111FE1
FIRST_BUCKETS = 32  # HASH_INITIAL_NUM_BUCKETS
USUAL_LOAD = 4  # about where a chain has 10 nodes, HASH_BKT_CAPACITY_THRESH, and it doubles
NOTHING = Type(Kind.OTHER, "", 0)


class UthashFamily:
    """See Family."""

    name = "uthash"
    words = ("uthash",)
    describes = "structs with a UT_hash_handle (uthash)"
    has_nil = True
    is_handle = True
    headers = (HANDLE,)

    def recognise(self, found: Type) -> bool:
        return found.kind is Kind.STRUCT and bool(_handles(found))

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        handles = _handles(found)
        if not address:
            return _empty(target, value, found, handles[0])
        chosen = [one for one in handles if _is_in_table(target, one, address)]
        if not chosen:
            raise unsound(value.expression, "its handle is in no table")
        return _open(target, value, found, address, chosen)


FAMILY: Family = UthashFamily()


@dataclass(frozen=True)
class _Key:
    """Where the key of a struct is: a member, or the type of what it is."""

    offset: int
    type: Type


def _handles(found: Type) -> list[Field]:
    """The members of a struct that are handles."""
    return [one for one in found.fields if one.name and has_fields(one.type, HANDLE)]


def _numbers(target: Target, handle: Field, address: int, expression: str) -> dict[str, int]:
    layout = struct_layout(handle.type, HANDLE)
    return read_struct(target, layout, address + handle.offset, expression)


def _table_of(handle: Field) -> Type:
    """The type of the table of a handle. TargetError."""
    pointer = handle.type.find("tbl")
    found = None if pointer is None or pointer.type.resolve is None else pointer.type.target
    if found is None or not has_fields(found, TABLE):
        raise TargetError("no debug info for UT_hash_table: build with -g")
    return found


def _is_in_table(target: Target, handle: Field, address: int) -> bool:
    """Whether the struct at an address is in a map by a handle."""
    layout = struct_layout(_table_of(handle), TABLE)
    try:
        at = _numbers(target, handle, address, "")["tbl"]
        if not at or not target.is_readable(at, layout.size):
            return False
        table = read_struct(target, layout, at, "")
    except TargetError:
        return False
    return table["signature"] == SIGNATURE and table["hho"] == handle.offset


def _open(target: Target, value: Value, found: Type, address: int, chosen: Sequence[Field]) -> Map:
    handle, text = chosen[0], value.expression
    first = _numbers(target, handle, address, text)
    table_layout = struct_layout(_table_of(handle), TABLE)
    table = read_struct(target, table_layout, first["tbl"], text)
    buckets, items = table["num_buckets"], table["num_items"]
    bucket_type = table_layout["buckets"].type.target
    if not 0 < buckets <= 1 << 31 or buckets & (buckets - 1):
        raise unsound(text, f"it has {buckets:,} buckets, which is no power of two")
    bucket = struct_layout(bucket_type, BUCKET)
    size = buckets * bucket.size
    for at in (table["buckets"], table["buckets"] + size - 1):
        if not target.is_readable(at, 1):
            raise cannot_read(target, "the buckets", text, at)
    key = _find_key(target, found, address, first)
    blocks = [Allocation(table["buckets"], size), Allocation(first["tbl"], table_layout.size)]
    rounding = find_malloc(target, blocks)
    malloc, sizes = rounding if rounding is not None else (None, [one.size for one in blocks])
    shown = _without_handles(found)
    hash_at = handle.type.find("hashv")
    assert hash_at is not None  # it was recognised
    link = handle.type.find("hh_next")
    assert link is not None
    layout = ListLayout(
        stride=bucket.size,
        head=bucket["hh_head"].offset,
        size=found.size,
        lead=handle.offset,
        link=handle.offset + link.offset,
        key=key.offset,
        key_size=key.type.size,
        elem=0,
        elem_size=found.size,
        code=handle.offset + hash_at.offset,
        code_size=hash_at.type.size,
        align=4,
    )
    others = ", ".join(f"'{one.name}'" for one in chosen[1:])
    note = (
        f"a '{found.name}' is in other maps too, by {others}: those are not read" if others else ""
    )
    header = Header(
        family="uthash",
        expression=text,
        type_name=value.type.name,
        # One map, whichever of its structs a pointer leads to.
        address=first["tbl"],
        count_at=first["tbl"] + table_layout["num_items"].offset,
        key_type=key.type,
        elem_type=shown,
        count=items,
        arrays=(Array("buckets", table["buckets"], buckets, sizes[0]),),
        geometry=_geometry(bucket.size, malloc),
        header_size=sizes[1],
        box_size=found.size if malloc is None else malloc.size(found.size),
        is_rounded=rounding is not None,
        count_rule="L1",
        notes=(note,) if note else (),
        layout_note=note,
        problems=tuple(_iter_problems(target, table, table_layout, bucket, first["tbl"])),
        certain_if_empty=True,
    )
    mask = np.uint64(buckets - 1)

    def bucket_of(codes: Addresses, _: Array) -> Addresses:
        selected: Addresses = codes & mask
        return selected

    return ListMap(
        target,
        header,
        layout,
        (struct_layout(handle.type, HANDLE), table_layout, bucket),
        bucket_of,
        identities_by_bytes if key.type.kind in (Kind.INTEGER, Kind.ENUM, Kind.STRUCT) else None,
    )


def _empty(target: Target, value: Value, found: Type, handle: Field) -> Map:
    """The map that NULL is."""
    header = Header(
        family="uthash",
        expression=value.expression,
        type_name=value.type.name,
        address=0,
        count_at=0,
        key_type=NOTHING,
        elem_type=_without_handles(found),
        count=0,
        arrays=(),
        geometry=_geometry(2 * target.pointer_size, None),
        header_size=0,
        count_rule="L1",
        notes=("the map is nil",),
        certain_if_empty=True,
    )
    layout = ListLayout(1, 0, found.size, handle.offset, 0, 0, 0, 0, found.size, -1, 0, 1)
    return ListMap(target, header, layout, ())


def _without_handles(found: Type) -> Type:
    """A struct as its users know it."""
    fields = tuple(one for one in found.fields if not has_fields(one.type, HANDLE))
    return replace(found, fields=fields, origin=found.origin or found)


def _find_key(target: Target, found: Type, address: int, first: dict[str, int]) -> _Key:
    """The member that is the key, or points to it, by the first struct."""
    at, size = first["key"] - address, first["keylen"]
    for one in found.fields:
        if one.offset == at and not has_fields(one.type, HANDLE):
            is_text = one.type.kind is Kind.ARRAY and one.type.size >= size
            if one.type.size == size or is_text:
                return _Key(one.offset, one.type)
    if 0 <= at <= found.size - size:
        # More than one member, side by side.
        array = Type(Kind.ARRAY, f"bytes of the key, {size}", size, count=size, resolve=_byte)
        return _Key(at, array)
    for one in found.fields:
        if one.type.kind is Kind.POINTER:
            if target.read_uint(address + one.offset) == first["key"]:
                return _Key(one.offset, one.type)
    handle = next(one for one in _handles(found))
    member = handle.type.find("key")
    assert member is not None  # it was recognised
    return _Key(handle.offset + member.offset, member.type)


def _byte() -> Type:
    return Type(Kind.INTEGER, "unsigned char", 1)


@dataclass(frozen=True)
class _Lists(NodeLists):
    """Lists of the program's own structs, which double when one has 10 nodes."""

    own_lists = True

    def rebuilt(self, live: int, arrays: Sequence[Array]) -> int:
        """See Geometry."""
        buckets = FIRST_BUCKETS
        while buckets * USUAL_LOAD < live:
            buckets *= 2
        return self.block(buckets * self.bucket_size) if arrays else 0


def _geometry(bucket_size: int, malloc: Malloc | None) -> NodeLists:
    block: Callable[[int], int] = (lambda size: size) if malloc is None else malloc.size
    return _Lists(slots=0, bucket_size=bucket_size, load_factor=float(USUAL_LOAD), block=block)


def _iter_problems(
    target: Target,
    table: dict[str, int],
    layout: StructLayout,
    bucket: StructLayout,
    at: int,
) -> Iterator[Problem]:
    """L2."""
    raw, ok = target.read_rows(table["buckets"], table["num_buckets"], bucket.size)
    member = bucket["count"]
    counts = target.integer_column(raw[ok], member.offset, member.size)
    total = int(counts.sum())
    if ok.all() and total != table["num_items"]:
        text = f"the buckets count {total:,} entries, the table {table['num_items']:,}"
        yield Problem(text, at + layout["num_items"].offset, "L2")
