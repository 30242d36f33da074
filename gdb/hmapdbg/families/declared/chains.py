"""Arrays of chains, as a definition says where they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ...block import Addresses
from ...compat import dataclass
from ...geometry.columns import Mask, Raw, identities_by_bytes
from ...geometry.lists.layout import ListLayout, Segments
from ...geometry.lists.map import BucketOf, ListMap
from ...geometry.nodes.shape import NodeLists
from ...header import Array, Header, Role
from ...target import Kind, Memory, Type
from ..family import Map
from ..malloc import Allocation, Malloc, find_malloc
from .definition import ArrayRule, Expression, NodeRule
from .evaluation import Numbers, Spot, column_of, spot_of
from .opened import Parts, counted, finished, growth_of, parts_of, size_for
from .reading import Subject

MAX_BUCKETS = 1 << 36


@dataclass(frozen=True)
class Cells:
    """An array of cells, and where the link to the first node is in each."""

    array: Array
    cell: Type
    head: Spot
    segments: Segments | None = None


@dataclass(frozen=True)
class DeclaredLinks:
    """Pointers that end a list, or have tags, as a definition says; see geometry.lists.Links."""

    subject: Subject
    head: int
    link: int
    end: Expression | None
    address: Expression | None

    def heads(self, memory: Memory, raw: Raw, cells: Addresses) -> Addresses:
        """See Links."""
        return self._resolved(memory.pointer_column(raw, self.head), cells)

    def following(
        self, memory: Memory, starts: Addresses, cells: Addresses
    ) -> tuple[Addresses, Mask]:
        """See Links."""
        raw, ok = memory.gather(starts + np.uint64(self.link), memory.pointer_size)
        return self._resolved(memory.pointer_column(raw), cells), ok

    def _resolved(self, links: Addresses, cells: Addresses) -> Addresses:
        columns = {"link": links, "cell": cells}
        found = links
        if self.address is not None:
            found = np.asarray(self.subject.compute(self.address, columns)).astype(np.uint64)
        if self.end is not None:
            ended = np.asarray(self.subject.compute(self.end, columns)) != 0
            found = np.where(ended, np.uint64(0), found)
        return np.broadcast_to(found, links.shape).copy()


@dataclass(frozen=True)
class DeclaredLists(NodeLists):
    """Lists of a declared family, of which it may be unknown when they grow."""

    needs_load_factor = False
    own_lists = True

    # Bytes of the arrays of a map made for so many entries.
    made_for: Callable[[int], int] = lambda live: 0

    def rebuilt(self, live: int, arrays: Sequence[Array]) -> int:
        """See Geometry."""
        return self.made_for(live) if arrays else 0


def open_chains(subject: Subject) -> Map:
    """Opens a map. DefinitionError, TargetError."""
    rule = subject.definition.node
    assert rule is not None  # the definition says so
    found = _arrays(subject)
    node = _node_type(subject, rule, found[0])
    lead = 0
    if rule.link is not None:
        with subject.judging(rule.link):
            lead = spot_of(node, rule.link.node).offset
    with subject.judging(rule.next):
        link = spot_of(node, rule.next.node)
    if link.type.size != subject.target.pointer_size:
        raise rule.next.where.error(f"'{link.type.name}' is no pointer")
    parts = parts_of(subject, node, lambda: node.size, (rule.link, rule.next))
    layout = _layout(subject, found[0], node, (lead, link.offset), parts)
    return _open(subject, found, node, layout, parts)


# ---- arrays


def _arrays(subject: Subject) -> list[Cells]:
    """The arrays, new before old."""
    definition = subject.definition
    found = [_cells(subject, definition.array, "buckets", Role.MAIN)]
    old = definition.old
    if old is not None and subject.number(old.when):
        found.append(_cells(subject, old.array, "oldbuckets", Role.OLD))
    return found


def _cells(subject: Subject, rule: ArrayRule, name: str, role: Role) -> Cells:
    length = subject.number(rule.length)
    if not 0 <= length <= MAX_BUCKETS:
        raise subject.unsound(f"it has {length:,} buckets")
    address, item = subject.pointer(rule.address)
    if rule.segment is not None:
        return _segmented(subject, rule, Array(name, address, length, 0, role=role), item)
    cell = subject.item_type(rule.item, item, rule.address)
    size = length * cell.size
    if length and (address or not _is_nothing_yet(subject)):
        subject.require("buckets", address, size)
    array = Array(name, address, length if address else 0, size, role=role)
    return Cells(array, cell, _head(subject, rule, cell))


def _is_nothing_yet(subject: Subject) -> bool:
    """Whether a map without an array is empty, by its count."""
    count = subject.definition.count
    return count is not None and subject.number(count) == 0


def _segmented(subject: Subject, rule: ArrayRule, array: Array, item: Type | None) -> Cells:
    """An array in segments, of pointers to which `array.address` is a directory."""
    assert rule.segment is not None
    per = subject.number(rule.segment)
    if not 0 < per <= MAX_BUCKETS:
        raise subject.unsound(f"its segments have {per:,} buckets")
    inner = None
    if item is not None and item.kind is Kind.POINTER and item.resolve is not None:
        inner = item.target
    cell = subject.item_type(rule.item, inner, rule.address)
    count = -(-array.buckets // per)
    width = subject.target.pointer_size
    if count:
        subject.require("directory", array.address, count * width)
    raw, ok = subject.target.read_rows(array.address, count, width)
    addresses = np.where(ok, subject.target.pointer_column(raw), np.uint64(0))
    size = count * (per * cell.size + width)
    first = int(addresses[0]) if count else 0
    segments = Segments(addresses, per)
    placed = replace(array, address=first, size=size)
    return Cells(placed, cell, _head(subject, rule, cell), segments)


def _head(subject: Subject, rule: ArrayRule, cell: Type) -> Spot:
    """Where a cell has the link to the first node."""
    found = Spot(0, cell)
    if rule.first is not None:
        with subject.judging(rule.first):
            found = spot_of(cell, rule.first.node)
    if found.type.kind is Kind.STRUCT and rule.first is None:
        raise rule.address.where.error(
            f"a cell is a '{cell.name}': say by 'first' which member leads to the first node"
        )
    if found.type.size != subject.target.pointer_size:
        raise rule.address.where.error(f"'{found.type.name}', in a cell, is no pointer")
    return found


def _node_type(subject: Subject, rule: NodeRule, cells: Cells) -> Type:
    known = cells.head.type
    pointee = known.target if known.kind is Kind.POINTER and known.resolve is not None else None
    if rule.type is not None:
        return subject.type_named(rule.type)
    if pointee is None or pointee.kind is not Kind.STRUCT or not pointee.fields:
        raise rule.where.error("what links lead to is unknown: say it by 'type'")
    return pointee


# ---- the map


def _layout(
    subject: Subject, cells: Cells, node: Type, links: tuple[int, int], parts: Parts
) -> ListLayout:
    rule, code = subject.definition.node, subject.definition.hash
    assert rule is not None
    stored = Spot(-1, node)
    if code is not None:
        with subject.judging(code.stored):
            stored = spot_of(node, code.stored.node)
        if stored.type.kind not in (Kind.INTEGER, Kind.ENUM) or stored.type.size > 8:
            raise code.stored.where.error(f"'{stored.type.name}' is no number")
    lead, link = links
    is_plain = rule.end is None and rule.address is None
    key, elem = parts.key, parts.elem
    ends = [node.size, *(one.offset + one.size for one in (key, elem) if one.counted is None)]
    return ListLayout(
        stride=cells.cell.size,
        head=cells.head.offset,
        size=max(ends),
        lead=lead,
        link=link,
        key=key.offset,
        key_size=key.size,
        elem=elem.offset,
        elem_size=elem.size,
        code=stored.offset,
        code_size=stored.type.size if code is not None else 0,
        align=subject.target.alignment(node) or 1,
        links=None
        if is_plain
        else DeclaredLinks(subject, cells.head.offset, link, rule.end, rule.address),
        keys=key.counted,
        elems=elem.counted,
    )


def _open(
    subject: Subject, found: list[Cells], node: Type, layout: ListLayout, parts: Parts
) -> Map:
    definition, target = subject.definition, subject.target
    arrays, malloc, is_rounded = _sized(subject, found)
    buckets = arrays[0].buckets if arrays else 0
    grows_at = subject.optional(definition.grows_at)
    moved = 0
    if definition.old is not None and definition.old.moved is not None and len(arrays) > 1:
        moved = min(max(subject.number(definition.old.moved), 0), arrays[1].buckets)
    size = arrays[0].size if arrays else 0
    geometry = DeclaredLists(
        slots=0,
        bucket_size=layout.stride,
        load_factor=max(grows_at, 0) / buckets if buckets else 0.0,
        made_for=lambda live: size_for(live, buckets, grows_at, size),
    )
    count = None if definition.count is None else subject.number(definition.count)
    structs = subject.layouts({"cell": found[0].cell, "node": node})

    def made(entries: int) -> ListMap:
        header = Header(
            family=definition.name,
            expression=subject.value.expression,
            type_name=subject.value.type.name,
            address=subject.address,
            count_at=subject.address_of(definition.count, subject.address),
            key_type=parts.key.type,
            elem_type=parts.elem.type,
            count=entries,
            arrays=arrays,
            geometry=geometry,
            header_size=subject.type.size,
            box_size=layout.size if malloc is None else malloc.size(layout.size),
            is_rounded=is_rounded,
            unique_keys=not definition.is_multi,
            count_rule="L1",
            growth=growth_of(subject, grows_at, moved),
        )
        return ListMap(
            target,
            header,
            layout,
            structs,
            _bucket_of(subject),
            identities_by_bytes if parts.compares_bytes and not definition.is_multi else None,
            segments={one.array.name: one.segments for one in found if one.segments is not None},
            counts=count is not None,
        )

    return finished(target, counted(made, count), parts)


def _sized(
    subject: Subject, found: list[Cells]
) -> tuple[tuple[Array, ...], Malloc | None, bool | None]:
    """The arrays that there are, with what the allocator has given for them, and whether that is
    known; None: it was not looked at, of segments."""
    there = [one for one in found if one.array.buckets]
    blocks = [Allocation(one.array.address, one.array.size) for one in there]
    is_whole = all(one.segments is None for one in there)
    rounding = find_malloc(subject.target, blocks) if is_whole else None
    if rounding is None:
        return tuple(one.array for one in there), None, False if there and is_whole else None
    malloc, sizes = rounding
    arrays = tuple(replace(one.array, size=size) for one, size in zip(there, sizes))
    return arrays, malloc, True


def _bucket_of(subject: Subject) -> BucketOf:
    rule = subject.definition.hash

    def bucket_of(codes: Addresses, array: Array) -> Addresses:
        assert rule is not None  # without it no codes are read
        columns: dict[str, Numbers] = {"hash": column_of(codes), "length": array.buckets}
        found = np.asarray(subject.compute(rule.bucket, columns)).astype(np.uint64)
        return np.broadcast_to(found, codes.shape)

    return bucket_of
