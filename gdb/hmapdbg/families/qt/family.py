"""The family of Qt 6's QHash, QSet and QMultiHash (qhash.h).

Several maps may share one table, until one of them is changed: then that one gets a copy.
Invariants, checked by hmap-check, are in audit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

import numpy as np

from ...block import Block, Place, Problem
from ...geometry.flat.layout import RUN, Table, rows_of
from ...geometry.flat.map import FlatMap, Home
from ...geometry.flat.probes import linear_from
from ...geometry.flat.shape import FlatTable
from ...geometry.flat.walk import FlatWalk
from ...geometry.problems import Told
from ...header import Array, Growth, Header
from ...languages import short_name
from ...target import Target, Type, Value
from ..family import Family, Map
from ..malloc import Allocation, Malloc, chunk_of, find_malloc
from ..reading import cannot_read, read_number, read_struct, unsound
from .audit import Audit
from .hash import NumberHash, number_hash
from .spans import InEntry, NoElems, Spans
from .types import DATA, NOTHING, SLOTS, Parts, find_data, parts_of

FULL = 2  # it grows when a slot in that many is live
MAX_BUCKETS = 1 << 40
VERSION_TAG = "qt_version_tag_6_4"
FIRST_ROOM, NEXT_ROOM, MORE_ROOM = 48, 80, 16  # entries that a span gets: Span::addStorage()


class QtFamily:
    """See Family."""

    name = "Qt hash"
    words = ("qt",)
    describes = "QHash, QSet and QMultiHash (Qt 6)"
    has_nil = False
    is_handle = False
    headers = (DATA,)

    def recognise(self, found: Type) -> bool:
        return find_data(found) is not None

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        parts = parts_of(target, found, value.expression)
        data = read_number(
            target, address + parts.data_at, target.pointer_size, value.expression, "the map"
        )
        if not data:
            return FlatMap(target, _header(target, value, found, address, parts, None), (), ())
        return _QtMap(target, value, found, address, parts, data)


FAMILY: Family = QtFamily()


class SpanTable(FlatTable):
    """A table of spans. What is stored of a slot is the number of its entry there."""

    byte = "entry"

    def place(self, array: Array | None, bucket: int, link: int, slot: int, address: int) -> str:
        """See Geometry."""
        number = bucket * RUN + slot
        return f"slot {number:,}, in span {number // SLOTS:,} at 0x{address + slot:x}"


class _Opened:
    """What was read of a map with a table."""

    def __init__(self, target: Target, expression: str, parts: Parts, data: int) -> None:
        self.fields = read_struct(target, parts.data, data, expression)
        self.data = data
        self.ref = read_number(target, data + parts.ref, 4, expression, "the map")
        self.buckets, self.size = self.fields["numBuckets"], self.fields["size"]
        self.spans: Spans | None = None
        if not self.buckets and not self.size and not self.fields["spans"]:
            return  # cleared, and shared by none
        if not 0 < self.buckets <= MAX_BUCKETS or self.buckets & (self.buckets - 1):
            raise unsound(expression, f"it has {self.buckets:,} buckets, which is no power of two")
        if not 0 <= self.size <= self.buckets:
            raise unsound(expression, f"it counts {self.size:,} entries in {self.buckets:,} slots")
        base, count = self.fields["spans"], -(-self.buckets // SLOTS)
        for at in (base, base + count * parts.span.size - 1):
            if not base or not target.is_readable(at, 1):
                raise cannot_read(target, "the spans", expression, at)
        self.spans = Spans(target, parts, base, count)


class _QtMap(FlatMap):
    """See families.family.Map."""

    def __init__(
        self, target: Target, value: Value, found: Type, address: int, parts: Parts, data: int
    ) -> None:
        opened = _Opened(target, value.expression, parts, data)
        header = _header(target, value, found, address, parts, opened)
        self.hash: NumberHash | None = number_hash(
            header.key_type, opened.fields["seed"], target.pointer_size, target.order
        )
        self.probing = linear_from(opened.buckets)
        self.spans = opened.spans
        tables: tuple[Table, ...] = ()
        if opened.spans is not None:
            tables = (_table(target, parts, opened, opened.spans, header),)
        super().__init__(target, header, tables, (parts.data, parts.span))

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem]]:
        """See family.Map; of a Home, the entries that a lookup from there on compares."""
        if not isinstance(only, Home) or self.spans is None:
            yield from super().walk(cells, only)
            return
        walk = FlatWalk(self.target, self.header.arrays, self.tables, Told())
        slots, stored = self.spans.up_to_unused(self.target, only.slot, self.tables[0].slots)
        yield Block(only.array, None, walk.cells(0, slots, stored))

    def audit(self) -> Iterator[Union[Block, Problem]]:
        """See family.Map."""
        if self.spans is not None:
            walk = FlatWalk(self.target, self.header.arrays, self.tables, Told())
            yield from Audit(walk, self.spans, self.probing, self.hash).run()

    def check_placement(self) -> Iterator[Problem] | None:
        """See family.Map."""
        if self.hash is None:
            return None
        found = (one for one in self.audit() if isinstance(one, Problem))
        return (one for one in found if one.invariant == "F5")

    def place_of(self, key: bytes) -> Place | None:
        """See family.Map."""
        if self.hash is None or not self.tables or len(key) != self.header.key_type.size:
            return None
        code = int(self.hash.codes(np.frombuffer(key, np.uint8)[None])[0])
        home = code & (self.tables[0].slots - 1)
        return Home(self.header.arrays[0].name, home // RUN, home, code)


def _table(target: Target, parts: Parts, opened: _Opened, spans: Spans, header: Header) -> Table:
    key, elem = parts.key, parts.elem
    at = parts.elem.offset if parts.elem is not None else 0
    values: InEntry | NoElems = NoElems()
    if parts.chain is not None and elem is not None:
        values = InEntry(
            target, spans, parts.entry, parts.chain.offset, header.elem_type.size, elem.offset
        )
    elif elem is not None:
        values = InEntry(target, spans, parts.entry, at, header.elem_type.size)
    return Table(
        slots=opened.buckets,
        state=spans,
        key=InEntry(target, spans, parts.entry, key.offset, key.type.size),
        elem=values,
        items=opened.size,
        items_at=header.count_at,
    )


def _header(
    target: Target,
    value: Value,
    found: Type,
    address: int,
    parts: Parts,
    opened: _Opened | None,
) -> Header:
    """The header of a map; `opened`: None if nothing was put into it yet."""
    key = parts.key.type
    elem = NOTHING if parts.elem is None else parts.elem.type
    arrays: tuple[Array, ...] = ()
    malloc: Malloc | None = None
    is_rounded: bool | None = None
    values, held = 0, 0
    details: list[tuple[str, str]] = []
    problems: list[Problem] = []
    if opened is not None:
        values = _values(target, address, parts, opened, value.expression)
        held = parts.data.size
        if opened.spans is not None:
            arrays, malloc, is_rounded = _arrays(target, parts, opened, opened.spans)
        if opened.ref != 1:
            details.append(("shared", _shared(opened.ref)))
        if 0 < opened.buckets < SLOTS and target.kept(_makes_whole_spans):
            text = f"it has {opened.buckets:,} buckets, and Qt makes at least {SLOTS}"
            problems.append(Problem(text, opened.data + parts.data["numBuckets"].offset, "Q4"))
        if parts.is_multi:
            details.append(("values", f"{values:,}; of each key the one put in last is shown"))
            if values < opened.size:
                text = f"it counts {values:,} values of {opened.size:,} keys"
                at = address + (parts.count.offset if parts.count is not None else 0)
                problems.append(Problem(text, at, "Q3"))
    chains = max(values, 0) * parts.chain_size if parts.is_multi else 0
    buckets = opened.buckets if opened is not None else SLOTS
    return Header(
        family=f"Qt {_kind(found, parts)}",
        expression=value.expression,
        type_name=short_name(value.type.name),
        # Of maps that share a table, the list has one.
        address=address if opened is None else opened.data,
        count_at=address if opened is None else opened.data + parts.data["size"].offset,
        key_type=key,
        elem_type=elem,
        count=0 if opened is None else opened.size,
        arrays=arrays,
        geometry=_geometry(parts, max(buckets, 1), _cookie(target), chains, malloc),
        header_size=found.size + held,
        held=(("values", chains),) if chains else (),
        is_rounded=is_rounded,
        count_rule="F1",
        growth=Growth(above=buckets // FULL),
        details=tuple(details),
        problems=tuple(problems),
        certain_if_empty=opened is None,
    )


def _makes_whole_spans(target: Target) -> bool:
    """Whether a process's Qt is one that makes no map of less than a span: 6.4, by the symbols that
    tell what it is compatible with (qversiontagging.h)."""
    return target.address_of_function(VERSION_TAG) is not None


def _kind(found: Type, parts: Parts) -> str:
    if found.find("q_hash") is not None:
        return "QSet"
    return "QMultiHash" if parts.is_multi else "QHash"


def _shared(ref: int) -> str:
    """How many maps have a table, by its count (qrefcount.h)."""
    if ref == (1 << 32) - 1:
        return "its table is static"
    return f"by {ref:,} maps, until one of them is changed"


def _values(target: Target, address: int, parts: Parts, opened: _Opened, expression: str) -> int:
    """How many values a map counts."""
    if parts.count is None:
        return opened.size
    at = address + parts.count.offset
    return read_number(target, at, parts.count.type.size, expression, "the map")


def _cookie(target: Target) -> int:
    """Bytes before the spans, where C++ keeps their number."""
    return max(target.pointer_size, 8)


def _arrays(
    target: Target, parts: Parts, opened: _Opened, spans: Spans
) -> tuple[tuple[Array, ...], Malloc | None, bool]:
    """The table as an Array, of the spans and of their entries; the malloc that it is from."""
    size = len(spans.entries) * parts.span.size
    rooms = spans.allocated
    blocks = rooms[rooms > 0] * parts.entry
    cookie = _cookie(target)
    first = Allocation(spans.base - cookie, size + cookie)
    rounding = find_malloc(target, [first]) if chunk_of(target, first) else None
    malloc = None if rounding is None else rounding[0]
    if malloc is None:
        total = size + cookie + int(blocks.sum())
    else:
        sizes, counts = np.unique(blocks, return_counts=True)
        of_entries = sum(
            malloc.size(one) * count for one, count in zip(sizes.tolist(), counts.tolist())
        )
        total = rounding[1][0] + of_entries if rounding is not None else 0
    array = Array("spans", spans.base, rows_of(opened.buckets), total)
    return (array,), malloc, malloc is not None


def _geometry(
    parts: Parts, buckets: int, cookie: int, kept: int, malloc: Malloc | None
) -> FlatTable:
    """`kept`: bytes that a rebuilt map holds as well."""

    def made_for(entries: int) -> int:
        wanted = SLOTS
        while wanted < FULL * entries:
            wanted *= 2
        spans = wanted // SLOTS
        each = -(-entries // spans)
        room = FIRST_ROOM if each <= FIRST_ROOM else NEXT_ROOM
        while room < each:
            room += MORE_ROOM
        table, block = spans * parts.span.size + cookie, room * parts.entry
        if malloc is not None:
            table, block = malloc.size(table), malloc.size(block)
        return table + spans * block + kept

    return SpanTable(
        slots=min(buckets, RUN),
        bucket_size=min(buckets, RUN),
        load_factor=RUN / FULL,
        width=1,
        probing=linear_from(buckets),
        made_for=made_for,
    )
