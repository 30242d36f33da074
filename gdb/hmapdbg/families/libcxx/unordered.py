"""libc++'s std::unordered_map, unordered_multimap, unordered_set and unordered_multiset.

The container has one member, __table_, a std::__hash_table: an array of cells, one per bucket, and
one singly linked list of all nodes, in which those of a bucket are adjacent. A cell points to the
node before its bucket's first one, which may be the head in the table itself; an empty bucket's
cell is null. Each node has its key's hash code. A table that nothing was put into has no array.

Invariants, checked by hmap-check; docs/cpp.md uses the same numbers, as for libstdc++:

    U1  the size is the number of nodes in all buckets
    U2  there are buckets if there is an array, or entries, and never one alone
    U3, U4, U5 and U7  see geometry.nodes.map
    U6  there are no more entries than the maximum load allows
"""

from __future__ import annotations

import functools
import math
import struct

from ...block import Problem
from ...compat import dataclass
from ...geometry.nodes.map import NodeMap
from ...header import Array, Growth, Header
from ...languages import short_name
from ...layout import Member
from ...target import MemoryFault, Target, TargetError, Type, Value
from ..family import Family, Map
from ..node_lists import (
    NOTHING,
    NodeTypes,
    check_cells,
    geometry_of,
    rounded,
    short_layout,
    shortened,
    taken,
)
from ..reading import cannot_read, kept_for_type
from ..std_hash import std_hash
from . import hash as hashes
from .table import HEADERS, Table, container_name, find_table, hash_of, node_types, table_of


class LibcxxFamily:
    """Recognises the containers, and classes made of one."""

    name = "libc++ unordered"
    words = ("libc++",)
    has_nil = False
    is_handle = False
    headers = HEADERS
    describes = "std::unordered_map, set, multimap and multiset (libc++)"

    def recognise(self, found: Type) -> bool:
        return find_table(found) is not None

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        return _Opening(target, value, found, address).map


FAMILY: Family = LibcxxFamily()


@dataclass(frozen=True)
class _Kind:
    """What all maps of one type have in common."""

    offset: int  # of the table in the container
    table_type: Type
    table: Table | None  # None: its pointers are no plain ones
    nodes: NodeTypes | None  # None: debug info lacks them
    name: str
    key_type: Type
    elem_type: Type


def _kind_of(target: Target, found: Type) -> _Kind:
    table = find_table(found)
    assert table is not None  # the family recognised it
    container = container_name(found)
    nodes = node_types(table[1], container, target.pointer_size)
    key, elem = (NOTHING, NOTHING) if nodes is None else (nodes.key, nodes.elem)
    name = f"libc++ std::{container or 'unordered table'}"
    placed = table_of(table[1], target.pointer_size)
    return _Kind(*table, placed, nodes, name, shortened(key), shortened(elem))


class _Opening:
    """Reads the header of a container, and makes its `map`."""

    def __init__(self, target: Target, value: Value, found: Type, address: int) -> None:
        self.target = target
        self.expression = value.expression
        self.problems: list[Problem] = []
        kind = kept_for_type(target, found, _kind_of)
        if kind.table is None:
            raise TargetError(
                f"the pointers of '{self.expression}' are of its allocator's own kind, or debug "
                f"info lacks them: such maps are not read; see 'ptype {kind.table_type.name}'"
            )
        if kind.nodes is None:
            raise TargetError(
                f"no debug info for the nodes of '{self.expression}': build the part that uses the "
                "map with -g -fstandalone-debug"
            )
        self.table, nodes = kind.table, kind.nodes
        self.address = address + kind.offset
        self._read_header()
        arrays = self._arrays()
        self._check_load()
        malloc, is_rounded = None, None
        if arrays:
            array, malloc, is_rounded = rounded(target, arrays[0], self.first_node, nodes.layout)
            arrays = (array,)
        buckets = arrays[0].buckets if arrays else 0
        header = Header(
            family=kind.name,
            expression=value.expression,
            type_name=short_name(value.type.name),
            address=address,
            count_at=self._at(self.table.size),
            key_type=kind.key_type,
            elem_type=kind.elem_type,
            count=self.size,
            arrays=arrays,
            geometry=geometry_of(target.pointer_size, self.max_load, malloc),
            header_size=found.size,
            box_size=taken(nodes.layout.size, malloc),
            is_rounded=is_rounded,
            unique_keys=nodes.is_unique,
            growth=Growth(above=int(buckets * self.max_load)),
            count_rule="U1",
            notes=nodes.notes,
            problems=tuple(self.problems),
            certain_if_empty=True,
        )
        is_wide = target.pointer_size == 8
        self.map: Map = NodeMap(
            target,
            header,
            nodes.layout,
            self._at(self.table.head),
            (self.address, self.address + kind.table_type.size),
            [short_layout(one) for one in (self.table.struct, nodes.struct)],
            std_hash(
                target,
                hash_of(kind.table_type),
                nodes.key,
                hashes.city_hash if is_wide else hashes.murmur_hash,
                functools.partial(hashes.by_bytes, pointer_size=target.pointer_size),
            ),
        )

    def _read_header(self) -> None:
        """Reads the table: numbers, the first node's address, and the maximum load (0 if it is none
        that a map can have)."""
        table, order = self.table, self.target.byte_order
        try:
            data = self.target.read(self.address, table.struct.size)
        except MemoryFault:
            raise cannot_read(self.target, "the map", self.expression, self.address) from None
        fields = table.struct.decode(data, order)
        self.cells, self.buckets = fields[table.cells.name], fields[table.count.name]
        self.first_node, self.size = fields[table.head.name], fields[table.size.name]
        (load,) = struct.unpack_from(f"{self.target.order}f", data, table.max_load.offset)
        self.max_load = load if math.isfinite(load) and load > 0 else 0.0

    def _arrays(self) -> tuple[Array, ...]:
        """The array of cells, if there is one. TargetError if it cannot be one."""
        address, count, width = self.cells, self.buckets, self.target.pointer_size
        if not address and not count and not self.size and not self.first_node and self.max_load:
            return ()
        check_cells(self.target, self.expression, address, count)
        if count == 1:
            self._problem("U2", "there is one bucket, and the least is two", self.table.count)
        return (Array("buckets", address, count, count * width),)

    def _check_load(self) -> None:
        """U6. libc++ computes with floats: large numbers are not exact."""
        if not self.max_load:
            self._problem("U6", "the maximum load is not a positive number", self.table.max_load)
            return
        most = self.buckets * self.max_load
        if self.problems:
            return  # a wrong number of buckets was told of
        if self.size > most * (1 + 1e-6) + 1:
            text = (
                f"{self.size:,} entries, but {self.buckets:,} buckets at load {self.max_load:g} "
                f"hold {math.floor(most):,}"
            )
            self._problem("U6", text, self.table.size)

    def _at(self, member: Member) -> int:
        return self.address + member.offset

    def _problem(self, invariant: str, text: str, member: Member) -> None:
        self.problems.append(Problem(text, self._at(member), invariant))
