"""libstdc++'s std::unordered_map, unordered_multimap, unordered_set and unordered_multiset.

The container has one member, _M_h, a std::_Hashtable (bits/hashtable.h): an array of cells, one per
bucket, and one singly linked list of all nodes, in which those of a bucket are adjacent. A cell
points to the node before its bucket's first one, which may be the table's own _M_before_begin; an
empty bucket's cell is null. A table with one bucket has its cell in itself, _M_single_bucket.

Invariants, checked by hmap-check; docs/cpp.md uses the same numbers:

    U1  _M_element_count is the number of nodes in all buckets
    U2  there is a bucket; it is the only one if and only if its cell is _M_single_bucket
    U3  a cell points to a node of the list, or to the list's head, and a node follows it; no two
        cells point to one node
    U4  all nodes are on one list: each link leads to a node, no node occurs twice, and the list
        ends once
    U5  a node's hash code, modulo the number of buckets, is its bucket; checked if the code is
        cached, or the hash is std::hash of an integer, an enum, a boolean or a pointer
    U6  _M_next_resize is 0 (the next insertion sets it) or the maximum load times the number of
        buckets, and there are no more entries than that
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, replace

from ...block import Problem
from ...geometry.nodes.map import NodeMap
from ...header import Array, Growth, Header
from ...languages import short_name
from ...layout import StructLayout, struct_layout
from ...target import Kind, MemoryFault, Target, TargetError, Type, Value
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
from .hash import hash_bytes
from .node import HASH, TABLE_FIELDS, find_table, node_types, policy_layout


class UnorderedFamily:
    """Recognises the containers, and classes made of one."""

    name = "unordered"
    words = ("unordered",)
    has_nil = False
    is_handle = False
    headers = (TABLE_FIELDS,)
    describes = "std::unordered_map, set, multimap and multiset (libstdc++)"

    def recognise(self, found: Type) -> bool:
        return find_table(found) is not None

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        return _Opening(target, value, found, address).map


FAMILY: Family = UnorderedFamily()


@dataclass(frozen=True)
class _Kind:
    """What all maps of one type have in common."""

    offset: int  # of the table in the container
    table_type: Type
    struct: StructLayout  # of the table
    policy: StructLayout
    header: StructLayout  # both, as they are read
    nodes: NodeTypes | None  # None: debug info lacks them
    name: str
    key_type: Type
    elem_type: Type


def _kind_of(target: Target, found: Type) -> _Kind:
    table = find_table(found)
    assert table is not None  # the family recognised it
    struct = struct_layout(table[1], TABLE_FIELDS)
    policy = policy_layout(struct)
    base = struct["_M_rehash_policy"].offset
    inner = (replace(member, offset=base + member.offset) for member in policy.members)
    nodes = node_types(table[1], target.pointer_size)
    name, key, elem = "", NOTHING, NOTHING
    if nodes is not None:
        multi, kind = "" if nodes.is_unique else "multi", "set" if nodes.is_set else "map"
        name, key, elem = f"std::unordered_{multi}{kind}", nodes.key, nodes.elem
    header = StructLayout(struct.name, struct.size, (*struct.members, *inner))
    return _Kind(*table, struct, policy, header, nodes, name, shortened(key), shortened(elem))


class _Opening:
    """Reads the header of a container, and makes its `map`."""

    def __init__(self, target: Target, value: Value, found: Type, address: int) -> None:
        self.target = target
        self.expression = value.expression
        self.problems: list[Problem] = []
        kind = kept_for_type(target, found, _kind_of)
        self.struct, self.policy = kind.struct, kind.policy
        self.address = address + kind.offset
        self.fields = self._read_header(kind)
        if kind.nodes is None:
            raise TargetError(
                f"no debug info for the nodes of '{self.expression}': build the part that uses the "
                "map with -g, with clang also -fstandalone-debug"
            )
        nodes = kind.nodes
        array = self._array()
        self._check_policy()
        array, malloc, is_rounded = rounded(target, array, self.first_node, nodes.layout)
        header = Header(
            family=kind.name,
            expression=value.expression,
            type_name=short_name(value.type.name),
            address=address,
            count_at=self._field_address("_M_element_count"),
            key_type=kind.key_type,
            elem_type=kind.elem_type,
            count=self.fields["_M_element_count"],
            arrays=(array,),
            geometry=geometry_of(target.pointer_size, self.max_load, malloc),
            header_size=found.size,
            box_size=taken(nodes.layout.size, malloc),
            is_rounded=is_rounded,
            unique_keys=nodes.is_unique,
            growth=Growth(above=self.next_resize or 0),
            count_rule="U1",
            notes=nodes.notes,
            problems=tuple(self.problems),
        )
        table = StructLayout("std::_Hashtable", self.struct.size, self.struct.members)
        # On other targets, bytes are hashed in another way.
        of_bytes = hash_bytes if target.pointer_size == 8 else None
        self.map: Map = NodeMap(
            target,
            header,
            nodes.layout,
            self._field_address("_M_before_begin"),
            (self.address, self.address + self.struct.size),
            [short_layout(one) for one in (table, self.policy, nodes.struct)],
            std_hash(target, kind.table_type.argument(HASH), nodes.key, of_bytes),
        )

    # ---- the header

    def _read_header(self, kind: _Kind) -> dict[str, int]:
        """Reads the table, the maximum load (0 if it is not known), _M_next_resize, and the first
        node's address."""
        try:
            data = self.target.read(self.address, kind.header.size)
        except MemoryFault:
            raise cannot_read(self.target, "the map", self.expression, self.address) from None
        fields = kind.header.decode(data, self.target.byte_order)
        self.next_resize = fields.get("_M_next_resize")
        head, width = kind.struct["_M_before_begin"].offset, self.target.pointer_size
        self.first_node = int.from_bytes(data[head : head + width], self.target.byte_order)
        load = 0.0
        if "_M_max_load_factor" in kind.header:
            member = kind.header["_M_max_load_factor"]
            if member.type.kind is Kind.FLOAT and member.size in (4, 8):
                code = self.target.order + ("f" if member.size == 4 else "d")
                (load,) = struct.unpack_from(code, data, member.offset)
        self.max_load = load if math.isfinite(load) and load > 0 else 0.0
        return fields

    def _array(self) -> Array:
        fields, width = self.fields, self.target.pointer_size
        address, count = fields["_M_buckets"], fields["_M_bucket_count"]
        single = self._field_address("_M_single_bucket")
        check_cells(self.target, self.expression, address, count)
        if (count == 1) != (address == single):
            where = "are not" if count == 1 else "are"
            self._problem(
                "U2",
                f"bucket count is {count:,}, but the buckets {where} _M_single_bucket",
                "_M_bucket_count",
            )
        return Array("buckets", address, count, 0 if address == single else count * width)

    def _check_policy(self) -> None:
        """U6."""
        fields, resize = self.fields, self.next_resize
        if not self.max_load:
            if "_M_max_load_factor" in self.policy:
                self._problem("U6", "the maximum load is not a positive number", "_M_rehash_policy")
            return
        if not resize:
            return
        at = self._field_address("_M_rehash_policy") + self.policy["_M_next_resize"].offset
        count, wanted = fields["_M_bucket_count"], fields["_M_bucket_count"] * self.max_load
        # After the last prime, it is the largest number.
        if abs(resize - wanted) > 1 + wanted * 1e-6 and resize + 1 < self.target.address_limit:
            text = (
                f"_M_next_resize is {resize:,}, but {count:,} buckets at load "
                f"{self.max_load:g} hold {math.floor(wanted):,}"
            )
            self.problems.append(Problem(text, at, "U6"))
        elif fields["_M_element_count"] > resize + 1:
            text = f"{fields['_M_element_count']:,} entries, but the map grows at {resize:,}"
            self.problems.append(Problem(text, at, "U6"))

    def _field_address(self, name: str) -> int:
        return self.address + self.struct[name].offset

    def _problem(self, invariant: str, text: str, field: str) -> None:
        self.problems.append(Problem(text, self._field_address(field), invariant))
