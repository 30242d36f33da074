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

import functools
import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Union

import numpy as np

from ...block import Addresses, Block, Cells, Chain, Place, Problem
from ...geometry.columns import pointer_column
from ...geometry.nodes.layout import Seen
from ...geometry.nodes.shape import NodeLists
from ...geometry.nodes.walk import NodeWalk
from ...geometry.problems import Told
from ...header import Array, Growth, Header
from ...layout import Member, StructLayout, struct_layout
from ...target import Kind, MemoryFault, Target, TargetError, Type, Unreadable, Value
from ...languages import read_counted_string
from ..family import Family, Map
from ..malloc import Allocation, Malloc, find_malloc
from ..reading import WILD, cannot_read, kept_for_type
from ...languages.libstdcxx import short_name
from .hash import hash_bytes, is_own_code, is_standard, is_text, own_codes
from .node import (
    HASH,
    NOTHING,
    TABLE_FIELDS,
    NodeTypes,
    find_table,
    node_types,
    policy_layout,
)

MAX_STRING = 1 << 20
NODES_FOR_MALLOC = 2  # that are looked at to know the allocator


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
        return _UnorderedMap(target, value, found, address)


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
    return _Kind(*table, struct, policy, header, nodes, name, _shortened(key), _shortened(elem))


class _UnorderedMap:
    def __init__(self, target: Target, value: Value, found: Type, address: int) -> None:
        self.target = target
        self.expression = value.expression
        self.problems: list[Problem] = []
        kind = kept_for_type(target, found, _kind_of)
        self.table_type, self.struct, self.policy = kind.table_type, kind.struct, kind.policy
        self.address = address + kind.offset
        self.fields = self._read_header(kind)
        if kind.nodes is None:
            raise TargetError(
                f"no debug info for the nodes of '{self.expression}': build the part that uses the "
                "map with -g, with clang also -fstandalone-debug"
            )
        self.nodes = kind.nodes
        array = self._array()
        self._check_policy()
        array, malloc, is_rounded = self._rounded(array)
        self.header = Header(
            family=kind.name,
            expression=value.expression,
            type_name=short_name(value.type.name),
            address=address,
            count_at=self._field_address("_M_element_count"),
            key_type=kind.key_type,
            elem_type=kind.elem_type,
            count=self.fields["_M_element_count"],
            arrays=(array,),
            geometry=_geometry(target.pointer_size, self.max_load, malloc),
            header_size=found.size,
            box_size=_taken(self.nodes.layout.size, malloc),
            is_rounded=is_rounded,
            unique_keys=self.nodes.is_unique,
            growth=Growth(above=self.next_resize or 0),
            count_rule="U1",
            notes=self.nodes.notes,
            problems=tuple(self.problems),
        )

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem]]:
        """See family.Map."""
        for item in self._walk().walk(cells, only):
            assert not isinstance(item, Seen)
            yield item

    def audit(self) -> Iterator[Union[Block, Problem]]:
        """U3 to U5; see family.Map."""
        told = Told()
        for item in self._walk(evidence=True).walk(cells=True):
            if isinstance(item, Seen):
                yield from self._check_codes(told, item)
            else:
                yield item
        yield from told.iter_cut()

    def check_placement(self) -> Iterator[Problem] | None:
        """See family.Map."""
        if self.nodes.layout.code < 0 and not (self._has_own_codes and not self._may_differ):
            return None
        return (one for one in self.audit() if isinstance(one, Problem) and one.invariant == "U5")

    def iter_chains(self, array: str, low: int, high: int) -> Iterator[Chain]:
        """See family.Map."""
        return self._walk().iter_chains(low, high)

    def place_of(self, key: bytes) -> Place | None:
        """See family.Map."""
        bucket = self._bucket_of(key)
        if bucket is None or not self._is_hash_proved:
            return None
        return Place("buckets", bucket)

    def slot_addresses(self, cells: Cells) -> tuple[Addresses, Addresses]:
        """See family.Map."""
        layout = self.nodes.layout
        return cells.address + np.uint64(layout.key), cells.address + np.uint64(layout.elem)

    def layouts(self) -> Sequence[StructLayout]:
        """See family.Map."""
        table = StructLayout("std::_Hashtable", self.struct.size, self.struct.members)
        return [_short_layout(one) for one in (table, self.policy, self.nodes.struct)]

    def _walk(self, evidence: bool = False) -> NodeWalk:
        header = self.address, self.address + self.struct.size
        return NodeWalk(
            self.target,
            self.nodes.layout,
            self.header.arrays[0],
            self._field_address("_M_before_begin"),
            header,
            evidence,
        )

    # ---- hash codes

    def _check_codes(self, told: Told, seen: Seen) -> list[Problem]:
        """U5 for nodes."""
        layout, count = self.nodes.layout, self.fields["_M_bucket_count"]
        at = layout.code
        if layout.code >= 0:
            codes = pointer_column(self.target, seen.raw, at)
        elif self._has_own_codes and (self._is_hash_proved or not self._may_differ):
            at = layout.key
            keys = seen.raw[:, at : at + layout.key_size]
            codes = own_codes(keys, self.nodes.key, self.target.order) & self._mask
        else:
            return []
        places = codes % np.uint64(count)
        wrong = np.flatnonzero(seen.ok & (places != seen.buckets.astype(np.uint64)))
        room = told.room_for("hash code", len(wrong))
        return [
            Problem(
                f"bucket {int(seen.buckets[row]):,}: node 0x{int(seen.addrs[row]):x} has hash code "
                f"0x{int(codes[row]):x}, which selects bucket {int(places[row]):,}",
                int(seen.addrs[row]) + at,
                "U5",
            )
            for row in wrong[:room].tolist()
        ]

    @property
    def _mask(self) -> np.uint64:
        return np.uint64(self.target.address_limit - 1)

    @functools.cached_property
    def _has_own_codes(self) -> bool:
        function = self.table_type.argument(HASH)
        return isinstance(function, Type) and is_standard(function) and is_own_code(self.nodes.key)

    @property
    def _may_differ(self) -> bool:
        """Whether std::hash of the key may be a specialisation of the program's own."""
        return self.nodes.key.kind is Kind.ENUM

    def _bucket_of(self, key: bytes) -> int | None:
        """The bucket of a key by std::hash; None if the hash is not known."""
        function = self.table_type.argument(HASH)
        found = self.nodes.key
        if not isinstance(function, Type) or not is_standard(function):
            return None
        if found.kind is Kind.POINTER and found.target.character:
            return None  # the key is the text, but the pointer is hashed
        if self._has_own_codes and len(key) == found.size:
            column = np.frombuffer(key, np.uint8).reshape(1, -1)
            code = int(own_codes(column, found, self.target.order)[0] & self._mask)
        elif is_text(found) and self.target.pointer_size == 8:
            code = hash_bytes(key)
        else:
            return None
        return code % self.fields["_M_bucket_count"]

    @functools.cached_property
    def _is_hash_proved(self) -> bool:
        """Whether the first node of the list is in the bucket that its hash selects."""
        layout = self.nodes.layout
        head_at = self._field_address("_M_before_begin")
        try:
            first = self.target.read_uint(head_at)
            if not first:
                return True
            key = self.target.read(first + layout.key, layout.key_size)
            content = read_counted_string(self.target, self.nodes.key, key, MAX_STRING)
            bucket = self._bucket_of(key if content is None else content)
            if bucket is None:
                return False
            cell = self.fields["_M_buckets"] + bucket * self.target.pointer_size
            return self.target.read_uint(cell) == head_at
        except MemoryFault:
            return False

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
        limit = (self.target.address_limit - address) // width
        if not address or address % width or not 0 < count <= limit:
            raise TargetError(
                f"'{self.expression}' is not a valid map: {count:,} buckets at 0x{address:x}; the "
                "pointer is wild, or the map is not initialised yet, or was destroyed"
            )
        if not self.target.is_readable(address, width):
            if self.target.gap_at(address) is not None:
                raise cannot_read(self.target, "the buckets", self.expression, address)
            raise Unreadable(
                f"'{self.expression}' is not a valid map: its buckets at 0x{address:x} cannot be "
                f"read; {WILD}",
                address,
            )
        if (count == 1) != (address == single):
            where = "are not" if count == 1 else "are"
            self._problem(
                "U2",
                f"bucket count is {count:,}, but the buckets {where} _M_single_bucket",
                "_M_bucket_count",
            )
        return Array("buckets", address, count, 0 if address == single else count * width)

    def _rounded(self, array: Array) -> tuple[Array, Malloc | None, bool | None]:
        """The array with the size that the allocator has given it; the allocator, if it is known;
        and whether it is (None: nothing is allocated)."""
        blocks = self._allocations(array)
        found = find_malloc(self.target, blocks)
        if found is None:
            return array, None, False if blocks else None
        malloc, sizes = found
        return (replace(array, size=sizes[0]) if array.size else array), malloc, True

    def _allocations(self, array: Array) -> list[Allocation]:
        """Blocks by which the allocator is known: the array, unless it is in the container, and
        the first nodes of the list."""
        blocks = [Allocation(array.address, array.size)] if array.size else []
        node = self.first_node
        for _ in range(NODES_FOR_MALLOC):
            if not node:
                break
            blocks.append(Allocation(node, self.nodes.layout.size))
            try:
                node = self.target.read_uint(node + self.nodes.layout.link)
            except MemoryFault:
                break
        return blocks

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


@functools.lru_cache(64)
def _geometry(pointer_size: int, max_load: float, malloc: Malloc | None) -> NodeLists:
    if malloc is None:
        return NodeLists(1, pointer_size, max_load)
    return NodeLists(1, pointer_size, max_load, block=malloc.size)


def _taken(size: int, malloc: Malloc | None) -> int:
    """The bytes that a block takes, or its own size where the allocator is unknown."""
    return size if malloc is None else malloc.size(size)


def _shortened(found: Type) -> Type:
    """The type under its short name; without the const of an entry's key."""
    name = short_name(found.name)
    for prefix, suffix in (("const ", ""), ("", " const")):
        if "*" not in name and name.startswith(prefix) and name.endswith(suffix):
            name = name[len(prefix) : len(name) - len(suffix)]
    return found.renamed(name)


def _short_layout(layout: StructLayout) -> StructLayout:
    members = tuple(
        Member(
            one.name, one.offset, one.size, one.type.renamed(short_name(one.type.name)), one.source
        )
        for one in layout.members
    )
    return StructLayout(short_name(layout.name), layout.size, members)
