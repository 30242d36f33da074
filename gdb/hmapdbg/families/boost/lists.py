"""Closed addressing from 1.80 on (fca): boost::unordered_map, multimap, set and multiset.

    table                 size_, mlf_, max_load_, buckets_
    grouped_bucket_array  size_index_, size_ (the number of buckets, a prime), buckets, groups
    bucket                next: the first node of its list
    node                  next, buf
    bucket_group          buckets, bitmask, next, prev: which of 64 buckets have nodes

There is one bucket more, which ends iteration, and its bit in the last group is always set. No
hash code is stored.

Invariants, checked by hmap-check, beside those of geometry.lists.map:

    L2  there are no more entries than max_load_, which is what mlf_ and the number of buckets make
        of it
    L7  a group's bits tell which of its buckets have nodes
"""

from __future__ import annotations

import functools
import math
import struct
from collections.abc import Iterator, Sequence

import numpy as np

from ...block import Column, Ints, Problem
from ...compat import dataclass
from ...geometry.columns import identities_by_bytes, pointer_column
from ...geometry.lists.layout import ListLayout
from ...geometry.lists.map import Hashing, ListMap
from ...geometry.nodes.shape import NodeLists
from ...geometry.problems import Told
from ...header import Array, Growth, Header
from ...languages import short_name
from ...layout import Member, StructLayout, struct_layout
from ...target import Field, Kind, Target, Type, Value
from ..family import has_fields
from ..malloc import Allocation, Malloc, find_malloc
from ..node_lists import check_cells
from ..pairs import Entry, entry_of
from ..reading import cannot_read, kept_for_type, read_struct
from .containers import Container, container_of, find_table, other_pointers
from .hashes import key_hashes
from .placement import folded, list_placement, modulo

FIELDS = ("size_", "mlf_", "max_load_", "buckets_")
ARRAY = ("size_index_", "size_", "buckets", "groups")
GROUP = ("buckets", "bitmask", "next", "prev")
MAX_TYPES = 5  # arguments of detail::map

# The numbers of buckets (prime_fmod_size::sizes) are these, and about double from there on.
PRIMES = (13, 29, 53, 97, 193, 389, 769, 1543, 3079, 6151, 12289, 24593, 49157, 98317)


@dataclass(frozen=True)
class _Kind:
    """What all maps of one type have in common."""

    struct: StructLayout  # of the fields in use, with offsets in the map
    container: Container
    cell: Type
    head: Field  # in a cell
    node: Type
    link: Field
    held: Field  # where a node has its entry
    value: Type
    group: StructLayout
    hash: object  # the type of the hash function


def recognise(table: Type) -> bool:
    """Whether a struct is such a table."""
    array = table.find("buckets_") if has_fields(table, FIELDS) else None
    return array is not None and has_fields(array.type, ARRAY)


def hash_of(table: Type) -> object:
    """The type of the hash function of a table: an argument of its argument detail::map<A, K, M, H,
    P> or detail::set<A, K, H, P>."""
    types = table.argument(0)
    if not isinstance(types, Type):
        return None
    return types.argument(3 if types.argument(MAX_TYPES - 1) is not None else 2)


def open_lists(target: Target, value: Value, found: Type, address: int) -> ListMap:
    """The map at an address. TargetError."""
    kind = kept_for_type(target, found, _kind_of)
    if kind is None:
        raise other_pointers(value.expression, "its nodes")
    return _Opening(target, value, found, address, kind).open()


def _kind_of(target: Target, found: Type) -> _Kind | None:
    table = find_table(found)
    array = None if table is None else table.type.find("buckets_")
    assert table is not None and array is not None  # it was recognised
    cells, groups = array.type.find("buckets"), array.type.find("groups")
    if cells is None or groups is None:
        return None
    if cells.type.kind is not Kind.POINTER or groups.type.kind is not Kind.POINTER:
        return None
    if groups.type.resolve is None:
        return None
    # By arguments: layout files leave out what pointers to cells lead to.
    cell, group = array.type.argument(0), groups.type.target
    node = cell.argument(0) if isinstance(cell, Type) else None
    if not isinstance(cell, Type) or not isinstance(node, Type):
        return None
    head = cell.find("next")
    if head is None or head.type.kind is not Kind.POINTER:
        return None
    link, held, value = node.find("next"), node.find("buf"), node.argument(0)
    if link is None or held is None or not isinstance(value, Type) or not has_fields(group, GROUP):
        return None
    members = []
    for name, owner, at in (
        ("size_", table.type, 0),
        ("mlf_", table.type, 0),
        ("max_load_", table.type, 0),
        ("size_", array.type, array.offset),
        ("buckets", array.type, array.offset),
        ("groups", array.type, array.offset),
    ):
        member = owner.find(name)
        assert member is not None  # it was recognised
        place = table.offset + at + member.offset
        shown = f"buckets_.{name}" if owner is array.type else name
        members.append(Member(shown, place, member.type.size, member.type, found.source))
    return _Kind(
        struct=StructLayout(found.name, found.size, tuple(members)),
        container=container_of(table.type),
        cell=cell,
        head=head,
        node=node,
        link=link,
        held=held,
        value=value,
        group=struct_layout(group, GROUP),
        hash=hash_of(table.type),
    )


def takes(load: float, buckets: int, most: int, limit: int) -> bool:
    """Whether buckets at a maximum load take at most `most` entries, but for rounding."""
    made = min(load * buckets, float(limit))
    return abs(made - most) <= 1 + made * 1e-9


def read_load(target: Target, struct_: StructLayout, address: int) -> float:
    """The maximum load of a table; 0 if it is none that a map can have."""
    data = target.read(address + struct_["mlf_"].offset, 4)
    load = float(struct.unpack(f"{target.order}f", data)[0])
    return load if load > 0 else 0.0  # infinity is one


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
        self.cells, self.buckets = self.fields["buckets_.buckets"], self.fields["buckets_.size_"]

    def _at(self, name: str) -> int:
        return self.address + self.kind.struct[name].offset

    def _blocks(self) -> list[Allocation]:
        """Cells and groups; none if there are no buckets. TargetError if there cannot be."""
        fields, text = self.fields, self.value.expression
        count = self.buckets
        nothing = not self.cells and not count and not fields["buckets_.groups"]
        if nothing and self.load and not fields["size_"]:
            return []
        check_cells(self.target, text, self.cells, count)
        blocks = [
            Allocation(self.cells, (count + 1) * self.kind.cell.size),
            Allocation(fields["buckets_.groups"], self._groups(count) * self.kind.group.size),
        ]
        for one, what in zip(blocks, ("the buckets", "the groups of buckets")):
            for at in (one.address, one.address + one.size - 1):
                if not self.target.is_readable(at, 1):
                    raise cannot_read(self.target, what, text, at)
        return blocks

    def _groups(self, buckets: int) -> int:
        return buckets // (8 * self.target.pointer_size) + 1

    def open(self) -> ListMap:
        """The opened map."""
        kind, fields, target = self.kind, self.fields, self.target
        entry = entry_of(kind.value, kind.container.is_map, self.value.expression)
        blocks = self._blocks()
        rounding = find_malloc(target, blocks)
        malloc, sizes = rounding if rounding is not None else (None, [one.size for one in blocks])
        array = Array("buckets", self.cells, self.buckets, sum(sizes))
        header = Header(
            family=f"Boost {kind.container.name}",
            expression=self.value.expression,
            type_name=short_name(self.value.type.name),
            address=self.address,
            count_at=self._at("size_"),
            key_type=entry.key.type,
            elem_type=entry.elem.type,
            count=fields["size_"],
            arrays=(array,) if blocks else (),
            geometry=self._geometry(malloc),
            header_size=self.size,
            box_size=kind.node.size if malloc is None else malloc.size(kind.node.size),
            is_rounded=rounding is not None if blocks else None,
            unique_keys=kind.container.is_unique,
            count_rule="L1",
            growth=Growth(above=fields["max_load_"]),
            notes=entry.notes,
            problems=tuple(self._iter_problems()) if blocks else (),
            certain_if_empty=True,
        )
        layout = ListLayout(
            stride=kind.cell.size,
            head=kind.head.offset,
            size=kind.node.size,
            lead=0,
            link=kind.link.offset,
            key=kind.held.offset + entry.key.offset,
            key_size=entry.key.type.size,
            elem=kind.held.offset + entry.elem.offset,
            elem_size=entry.elem.type.size,
            code=-1,
            code_size=0,
            align=target.pointer_size,
        )
        check = None
        if blocks:
            at = fields["buckets_.groups"]
            check = functools.partial(_check_groups, target, array, layout, at, kind.group)
        return ListMap(
            target,
            header,
            layout,
            (StructLayout(short_name(kind.struct.name), self.size, kind.struct.members),),
            identities=identities_by_bytes if kind.container.is_unique else None,
            find_hashing=functools.partial(
                _find_hashing, target, kind.hash, entry, max(self.buckets, 1)
            ),
            check_more=check,
        )

    def _iter_problems(self) -> Iterator[Problem]:
        """L2."""
        most, size = self.fields["max_load_"], self.fields["size_"]
        if not self.load:
            yield Problem("the maximum load is not a positive number", self._at("mlf_"), "L2")
        elif not takes(self.load, self.buckets, most, self.target.address_limit):
            text = f"max_load_ is {most:,}, but {self.buckets:,} buckets at load {self.load:g}"
            yield Problem(text, self._at("max_load_"), "L2")
        elif size > most:
            text = f"{size:,} entries, but {self.buckets:,} buckets take {most:,}"
            yield Problem(text, self._at("size_"), "L2")

    def _geometry(self, malloc: Malloc | None) -> _Lists:
        width = self.kind.cell.size
        return _Lists(
            slots=0,
            bucket_size=width,
            load_factor=self.load if self.load and math.isfinite(self.load) else 1.0,
            block=(lambda size: size) if malloc is None else malloc.size,
            group=self.kind.group.size,
            in_group=8 * self.target.pointer_size,
        )


@dataclass(frozen=True)
class _Lists(NodeLists):
    """Cells with groups of `group` bytes for `in_group` of them."""

    own_lists = True

    group: int = 0
    in_group: int = 64

    def rebuilt(self, live: int, arrays: Sequence[Array]) -> int:
        """See Geometry."""
        if not arrays or not live:
            return 0
        wanted = math.ceil(live / self.load_factor)
        buckets = next((one for one in PRIMES if one >= wanted), wanted)
        groups = buckets // self.in_group + 1
        return self.block((buckets + 1) * self.bucket_size) + self.block(groups * self.group)


def _find_hashing(
    target: Target, function: object, entry: Entry, buckets: int, keys: Column, places: Ints
) -> Hashing | None:
    hashes = key_hashes(target, function, entry.key.type)
    return list_placement(hashes, (folded, modulo), buckets, keys, places) if hashes else None


def _check_groups(
    target: Target, array: Array, layout: ListLayout, address: int, group: StructLayout
) -> Iterator[Problem]:
    """L7, of the groups at an address."""
    width = 8 * target.pointer_size
    bits, count = group["bitmask"], array.buckets // width + 1
    raw, ok = target.read_rows(address, count, group.size)
    masks = target.integer_column(raw, bits.offset, bits.size)
    cells, there = target.read_rows(array.address, array.buckets, layout.stride)
    used, known = np.zeros(count * width, np.bool_), np.ones(count * width, np.bool_)
    used[: array.buckets] = pointer_column(target, cells, layout.head) != 0
    used[array.buckets] = True  # it ends iteration
    known[: array.buckets] = there
    packed = np.packbits(used.reshape(count, width), axis=1, bitorder="little")
    words = packed.view(f"<u{width // 8}")[:, 0]
    whole = known.reshape(count, width).all(axis=1)
    told = Told()
    for at in np.flatnonzero(ok & whole & (words != masks.astype(words.dtype))).tolist():
        text = (
            f"group {at:,} of buckets: its bits are 0x{int(masks[at]):x}, but those of its buckets "
            f"with nodes 0x{int(words[at]):x}"
        )
        yield from told.problem("group", text, address + at * group.size + bits.offset, "L7")
    yield from told.iter_cut()
