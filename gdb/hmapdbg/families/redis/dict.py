"""Redis's dict: an array of lists, and a second one that entries are moved to, bucket by bucket,
while it grows or shrinks. Keys and values are pointers of any type.

It is recognised by the names of its fields, of Redis 4 to 8 and Valkey up to 8.0. Invariants,
checked by hmap-check, beside those of geometry.lists.map:

    L2  sizes, masks and rehashidx agree
    L8  each of two tables counts its own entries

From source: dict.c of Redis 6.2, 7.0, 7.2, 8.0 and of Valkey 8.0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, Union

from ...block import Block, Problem
from ...compat import dataclass
from ...geometry import verdicts
from ...geometry.columns import pointer_column
from ...geometry.lists.map import ListMap
from ...geometry.nodes.shape import NodeLists
from ...header import Array, Growth, Header, Role, Rule
from ...target import Target, Type, Value
from ..family import Family, Map
from ..malloc import Allocation, Malloc, find_malloc
from ..retyped import retyped
from .entries import Entries, entries_of
from .equal import text_identities
from .tables import ARRAYS, ONE_STRUCT, Tables, is_dict, read_tables
from .verdicts import moving, oversized_array

FIRST_BUCKETS = 4  # DICT_HT_INITIAL_SIZE


class RedisFamily:
    """See Family."""

    name = "Redis dict"
    words = ("redis",)
    describes = "dict (Redis, Valkey)"
    has_nil = False
    is_handle = True
    headers = (ONE_STRUCT, ARRAYS)

    def recognise(self, found: Type) -> bool:
        return is_dict(found)

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        tables = read_tables(target, found, address, value.expression)
        entries = entries_of(target, tables, value.expression)
        opened = _open(target, value, tables, entries, address)
        return retyped(target, opened, entries.key, entries.elem)


FAMILY: Family = RedisFamily()


def _open(target: Target, value: Value, tables: Tables, entries: Entries, address: int) -> Map:
    word, layout = target.pointer_size, tables.layout
    there = [one for one in tables.both if one.buckets]
    blocks = [Allocation(one.address, one.buckets * word) for one in there]
    blocks.append(Allocation(address, layout.size))
    rounding = find_malloc(target, blocks)
    malloc, sizes = rounding if rounding is not None else (None, [one.size for one in blocks])
    old, new = tables.both if tables.is_rehashing else (None, tables.both[0])
    arrays = [
        Array(name, one.address, one.buckets, size, role=role)
        for one, size in zip(there, sizes)
        for name, role in [("oldbuckets", Role.OLD) if one is old else ("buckets", Role.MAIN)]
        if one in (new, old)
    ]
    arrays.sort(key=lambda one: one.role is Role.OLD)
    node = entries.struct.size if malloc is None else malloc.size(entries.struct.size)
    header = Header(
        family="Redis dict",
        expression=value.expression,
        type_name=value.type.name,
        address=address,
        count_at=tables.both[0].used_at,
        key_type=entries.key_type,
        elem_type=entries.elem_type,
        count=tables.used,
        arrays=tuple(arrays),
        geometry=_geometry(word, malloc),
        header_size=sizes[-1],
        box_size=0 if entries.some_direct else node,
        is_rounded=rounding is not None,
        held=_nodes_of_set(target, tables, node) if entries.some_direct else (),
        count_rule="L1",
        growth=Growth(nevacuate=max(tables.rehash_index, 0), above=new.buckets),
        details=_details(tables, entries),
        problems=tables.problems,
        certain_if_empty=False,
    )
    keys = text_identities(target) if entries.exact and _is_text(entries) else None
    return DictMap(target, header, entries.layout, (layout, entries.struct), None, keys).of(tables)


def _nodes_of_set(target: Target, tables: Tables, size: int) -> tuple[tuple[str, int], ...]:
    """The nodes of a set: of each bucket, one entry has none."""
    nodes = tables.used
    for one in tables.both:
        raw, ok = target.read_rows(one.address, one.buckets, target.pointer_size)
        nodes -= int((pointer_column(target, raw[ok]) != 0).sum()) if one.buckets else 0
    return (("nodes", max(nodes, 0) * size),)


def _details(tables: Tables, entries: Entries) -> tuple[tuple[str, str], ...]:
    """The functions that tell what keys and values are, and why nothing is moved."""
    words = [f"{what} {name}" for what, name in entries.functions]
    details = [("functions", ", ".join(words))] if words else []
    if tables.paused > 0 and tables.is_rehashing:
        details.append(
            ("paused", f"{tables.paused:,} iterators or the like keep it from moving entries")
        )
    return tuple(details)


class DictMap(ListMap):
    """A dict of one table or two."""

    def of(self, tables: Tables) -> DictMap:
        """Itself, with its tables."""
        self._tables = tables
        return self

    def audit(self) -> Iterator[Union[Block, Problem]]:
        """L3 to L8; see family.Map."""
        live = {one.name: 0 for one in self.header.arrays}
        is_whole = True
        for item in super().audit():
            yield item
            if isinstance(item, Problem):
                is_whole &= bool(item.invariant)
            elif item.buckets is not None:
                live[item.array] += int(item.buckets.live.sum())
        if not is_whole or len(self.header.arrays) < 2:
            return
        for array, one in zip(self.header.arrays, reversed(self._tables.both)):
            if live[array.name] != one.used:
                text = (
                    f"{array.prefix}table: {one.used:,} entries are counted, but "
                    f"{live[array.name]:,} were found"
                )
                yield Problem(text, one.used_at, "L8")


def _is_text(entries: Entries) -> bool:
    return entries.key is not None and entries.key.type.name == "sds"


@dataclass(frozen=True)
class _Lists(NodeLists):
    """Lists of nodes, whose array has a power of two buckets, as many as entries."""

    own_lists = True

    rules: ClassVar[tuple[Rule, ...]] = (oversized_array, verdicts.skewed_chains, moving)

    def rebuilt(self, live: int, arrays: Sequence[Array]) -> int:
        """See Geometry."""
        buckets = max(FIRST_BUCKETS, 1 << max(live - 1, 0).bit_length())
        return self.block(buckets * self.bucket_size) if arrays else 0


def _geometry(bucket_size: int, malloc: Malloc | None) -> NodeLists:
    block: Callable[[int], int] = (lambda size: size) if malloc is None else malloc.size
    return _Lists(slots=0, bucket_size=bucket_size, load_factor=1.0, block=block)
