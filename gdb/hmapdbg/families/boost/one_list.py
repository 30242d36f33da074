"""Closed addressing before 1.80: boost::unordered_map, multimap, set and multiset.

    table       allocators_, bucket_count_, size_, mlf_, max_load_, buckets_
    ptr_bucket  next_
    ptr_node    next_, bucket_info_, value_base_

All nodes are on one list, whose head is one cell more behind the buckets'; a cell leads to the node
before its bucket's first, or to that head. A node has the number of its bucket, and in the highest
bit whether an equal key is before it.

Invariants, checked by hmap-check, as for the standard library's containers:

    U1  size_ is the number of nodes in all buckets
    U3 and U4  see geometry.nodes.map
    U5  the number of a bucket in a node is its bucket
    U6  there are no more entries than max_load_, which is what mlf_ and the number of buckets make
        of it
    U7  the hash of a node's key selects its bucket, where it is known
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Column, Place, Problem
from ...compat import dataclass
from ...geometry.columns import Raw, pointer_column
from ...geometry.nodes.layout import NodeLayout, Seen
from ...geometry.nodes.map import NodeMap
from ...geometry.problems import Told
from ...header import Array, Growth, Header
from ...languages import short_name
from ...layout import Member, StructLayout
from ...target import Kind, MemoryFault, Target, Type, Value
from ..family import has_fields
from ..node_lists import check_cells, geometry_of, rounded, taken
from ..pairs import Entry, entry_of
from ..reading import kept_for_type, read_struct
from .containers import Container, container_of, find_table, other_pointers
from .hashes import key_hashes
from .lists import hash_of, read_load, takes
from .placement import SAMPLE, ListPlacement, list_placement, mixed_mask, modulo

FIELDS = ("allocators_", "bucket_count_", "size_", "mlf_", "max_load_", "buckets_")
NODE = ("next_", "bucket_info_", "value_base_")
NODES = 1  # the argument of the allocators for that of nodes
MAX_DEPTH = 4  # of base classes


@dataclass(frozen=True)
class _Kind:
    """What all maps of one type have in common."""

    struct: StructLayout  # of the fields in use, with offsets in the map
    container: Container
    cell: Type
    node: Type
    value: Type
    hash: object  # the type of the hash function


def recognise(table: Type) -> bool:
    """Whether a struct is such a table."""
    return has_fields(table, FIELDS)


def open_one_list(target: Target, value: Value, found: Type, address: int) -> NodeMap:
    """The map at an address. TargetError."""
    kind = kept_for_type(target, found, _kind_of)
    if kind is None:
        raise other_pointers(value.expression, "its nodes")
    return _Opening(target, value, found, address, kind).open()


def _kind_of(target: Target, found: Type) -> _Kind | None:
    table = find_table(found)
    assert table is not None  # it was recognised
    fields = [table.type.find(name) for name in FIELDS]
    members = [
        Member(one.name, table.offset + one.offset, one.type.size, one.type, found.source)
        for one in fields
        if one is not None and one.name != FIELDS[0]
    ]
    allocators, cells = fields[0], fields[-1]
    assert allocators is not None and cells is not None  # it was recognised
    made = allocators.type.argument(NODES)
    node = _node_of(made) if isinstance(made, Type) else None
    if node is None or cells.type.kind is not Kind.POINTER or cells.type.resolve is None:
        return None
    link, value = node.find(NODE[0]), node.argument(0)
    if not isinstance(value, Type) or link is None or link.type.kind is not Kind.POINTER:
        return None
    return _Kind(
        struct=StructLayout(found.name, found.size, tuple(members)),
        container=container_of(table.type),
        cell=cells.type.target,
        node=node,
        value=value,
        hash=hash_of(table.type),
    )


def _node_of(allocator: Type, depth: int = 0) -> Type | None:
    """The node that an allocator is made for: gcc writes down no argument of std::allocator itself,
    but of its base class."""
    argument = allocator.argument(0)
    if isinstance(argument, Type) and has_fields(argument, NODE):
        return argument
    bases = (one.type for one in allocator.fields if one.base and depth < MAX_DEPTH)
    return next((node for one in bases if (node := _node_of(one, depth + 1)) is not None), None)


class _Opening:
    """Reads the header of a map."""

    def __init__(
        self, target: Target, value: Value, found: Type, address: int, kind: _Kind
    ) -> None:
        self.target = target
        self.value = value
        self.size = found.size
        self.address = address
        self.kind = kind
        self.fields = read_struct(target, kind.struct, address, value.expression)
        self.load = read_load(target, kind.struct, address)
        self.buckets = self.fields["bucket_count_"]
        self.head_at = self.fields["buckets_"] + self.buckets * kind.cell.size

    def _at(self, name: str) -> int:
        return self.address + self.kind.struct[name].offset

    def _has_buckets(self) -> bool:
        """Whether there are cells. TargetError if there cannot be."""
        fields, text = self.fields, self.value.expression
        if not fields["buckets_"] and not fields["size_"] and self.load and self.buckets:
            return False
        check_cells(self.target, text, fields["buckets_"], self.buckets + 1)
        return True

    def open(self) -> NodeMap:
        """The opened map."""
        kind, fields, target = self.kind, self.fields, self.target
        entry = entry_of(kind.value, kind.container.is_map, self.value.expression)
        layout = self._layout(entry)
        malloc, is_rounded = None, None
        arrays: tuple[Array, ...] = ()
        if self._has_buckets():
            size = (self.buckets + 1) * kind.cell.size
            array = Array("buckets", fields["buckets_"], self.buckets, size)
            array, malloc, is_rounded = rounded(target, array, self._first(), layout)
            arrays = (array,)
        load = self.load if self.load and math.isfinite(self.load) else 1.0
        header = Header(
            family=f"Boost {kind.container.name}",
            expression=self.value.expression,
            type_name=short_name(self.value.type.name),
            address=self.address,
            count_at=self._at("size_"),
            key_type=entry.key.type,
            elem_type=entry.elem.type,
            count=fields["size_"],
            arrays=arrays,
            geometry=geometry_of(target.pointer_size, load, malloc),
            header_size=self.size,
            box_size=taken(kind.node.size, malloc),
            is_rounded=is_rounded,
            unique_keys=kind.container.is_unique,
            count_rule="U1",
            growth=Growth(above=fields["max_load_"]),
            notes=entry.notes,
            problems=tuple(self._iter_problems()) if arrays else (),
            certain_if_empty=True,
        )
        return _OneList(self, header, layout, entry)

    def _layout(self, entry: Entry) -> NodeLayout:
        link, held = self.kind.node.find("next_"), self.kind.node.find("value_base_")
        assert link is not None and held is not None  # see _node_of
        return NodeLayout(
            size=self.kind.node.size,
            link=link.offset,
            key=held.offset + entry.key.offset,
            key_size=entry.key.type.size,
            elem=held.offset + entry.elem.offset,
            elem_size=entry.elem.type.size,
            code=-1,
            code_size=0,
            align=self.target.pointer_size,
        )

    def _first(self) -> int:
        """The first node; 0: there is none, or it cannot be read."""
        try:
            return self.target.read_uint(self.head_at)
        except MemoryFault:
            return 0

    def _iter_problems(self) -> Iterator[Problem]:
        """U6."""
        most, size = self.fields["max_load_"], self.fields["size_"]
        if not self.load:
            yield Problem("the maximum load is not a positive number", self._at("mlf_"), "U6")
        elif not takes(self.load, self.buckets, most, self.target.address_limit):
            text = f"max_load_ is {most:,}, but {self.buckets:,} buckets at load {self.load:g}"
            yield Problem(text, self._at("max_load_"), "U6")
        elif size > most:
            text = f"{size:,} entries, but {self.buckets:,} buckets take {most:,}"
            yield Problem(text, self._at("size_"), "U6")


class _OneList(NodeMap):
    """A list whose nodes have the numbers of their buckets."""

    def __init__(self, made: _Opening, header: Header, layout: NodeLayout, entry: Entry) -> None:
        kind = made.kind
        structs: Sequence[StructLayout] = (
            StructLayout(short_name(kind.struct.name), made.size, kind.struct.members),
        )
        ends = (made.address, made.address + made.size)
        super().__init__(made.target, header, layout, made.head_at, ends, structs)
        info = kind.node.find("bucket_info_")
        assert info is not None  # see _node_of
        self._info = info
        self._hashes = key_hashes(made.target, kind.hash, entry.key.type)

    def check_placement(self) -> Iterator[Problem] | None:
        """See family.Map."""
        found = (one for one in self.audit() if isinstance(one, Problem))
        return (one for one in found if one.invariant in ("U5", "U7"))

    def place_of(self, key: bytes) -> Place | None:
        """See family.Map."""
        placement = self.placement
        code = None if placement is None else placement.code_of(key)
        if placement is None or code is None:
            return None
        bucket = int(placement.places(np.array([code], np.uint64))[0])
        return Place(self.header.arrays[0].name, bucket)

    @functools.cached_property
    def placement(self) -> ListPlacement | None:
        """The hash function, proved by the first nodes of the list; None: unknown."""
        if not self._hashes or not self.header.arrays:
            return None
        layout, info = self.layout, self._info
        rows: list[NDArray[np.uint8]] = []
        at = self.head_at
        try:
            while len(rows) < SAMPLE and (at := self.target.read_uint(at)):
                rows.append(np.frombuffer(self.target.read(at, layout.size), np.uint8))
                at += layout.link
        except MemoryFault:
            pass
        if not rows:
            return None
        raw = np.array(rows, np.uint8)
        keys = Column(np.ascontiguousarray(raw[:, layout.key : layout.key + layout.key_size]))
        places = self._buckets(raw[:, info.offset : info.offset + info.type.size])
        buckets = self.header.arrays[0].buckets
        positions = [modulo] if buckets & (buckets - 1) else [mixed_mask, modulo]
        return list_placement(self._hashes, positions, buckets, keys, places.astype(np.int64))

    def _buckets(self, info: Raw) -> Addresses:
        """The numbers of buckets of nodes (n,), from their bytes."""
        mask = np.uint64((self.target.address_limit - 1) >> 1)
        return pointer_column(self.target, info) & mask

    def check_codes(self, told: Told, seen: Seen) -> Iterator[Problem]:
        """U5 and U7, see above."""
        info, layout = self._info, self.layout
        told_of = self._buckets(seen.raw[:, info.offset : info.offset + info.type.size])
        buckets = seen.buckets.astype(np.uint64)
        wrong = seen.ok & (told_of != buckets)
        for row in np.flatnonzero(wrong).tolist():
            text = (
                f"bucket {int(seen.buckets[row]):,}: node 0x{int(seen.addrs[row]):x} is one of "
                f"bucket {int(told_of[row]):,}, by its own number"
            )
            yield from told.problem("bucket", text, int(seen.addrs[row]) + info.offset, "U5")
        if self.placement is None:
            return
        keys = np.ascontiguousarray(seen.raw[:, layout.key : layout.key + layout.key_size])
        codes, known = self.placement.codes(Column.read(keys, seen.ok, seen.addrs))
        places = self.placement.places(codes)
        for row in np.flatnonzero(known & ~wrong & (places != buckets)).tolist():
            text = (
                f"bucket {int(seen.buckets[row]):,}: the key of node 0x{int(seen.addrs[row]):x} "
                f"has hash 0x{int(codes[row]):x}, which selects bucket {int(places[row]):,}"
            )
            yield from told.problem("key", text, int(seen.addrs[row]) + layout.key, "U7")
