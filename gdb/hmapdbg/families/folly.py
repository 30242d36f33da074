"""folly's F14 maps and sets (folly/container/detail/F14Table.h, F14Policy.h): open addressing by
chunks of 14 slots, 12 of items of 4 bytes.

    F14Table  chunks_, sizeAndChunkShiftAndPackedBegin_        from 2023 on
              chunks_, chunkMask_, sizeAndPackedBegin_         before
    F14Chunk  tags_, control_, outboundOverflowCount_; items are 16 bytes behind its start

A tag is a part of the hash of a slot's entry, 0 in an empty slot. Chunk 0 has in its control byte,
or of chunks of 12 in two bytes behind the tags, what its capacity is computed from. A chunk counts
the entries that would be in it but for lack of room, and those that are in it in place of another.
These counts fall when entries are erased: there are no tombstones. A lookup that goes on steps by
twice the tag and one. The only chunk of a small map is allocated as far as it is used.

Items are entries (F14Value), pointers to them (F14Node), or their numbers in an array (F14Vector,
and F14Fast of large entries). The hash is not known.

Invariants, checked by hmap-check, beside O1, O3 and O6 of geometry.overflow.map:

    O2  the size is no more than the capacity
    O7  entries are counted as not in their chunks if, and only if, they are counted where they are
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np

from ..block import Addresses, Ints, Problem
from ..compat import dataclass
from ..geometry.columns import Mask, Raw
from ..geometry.control.layout import Boxes, Reach
from ..geometry.overflow.layout import GroupLayout, Table
from ..geometry.overflow.map import OverflowMap
from ..geometry.overflow.shape import OverflowGroups
from ..header import Array, Growth, Header
from ..languages import short_name
from ..layout import Member, StructLayout
from ..target import Field, Kind, Memory, Target, TargetError, Type, Value
from .family import Family, Map, has_fields
from .malloc import Allocation, Malloc, find_malloc
from .pairs import Entry, entry_of
from .reading import cannot_read, kept_for_type, read_struct, unsound

PACKED = ("chunks_", "sizeAndChunkShiftAndPackedBegin_")
MASKED = ("chunks_", "chunkMask_", "sizeAndPackedBegin_")
METADATA, TAGS, CONTROL, OUTBOUND = 16, 14, 14, 15
EMPTY_MARK = 255  # in place of the outbound count, of the chunk that all empty maps share
SATURATED = 254
SHIFT_BITS = 8
# Tags by which steps are shown: chunks do not know which tags go on.
STEPS = (0x81, 0x93, 0xA5, 0xB7, 0xC9, 0xDB, 0xED, 0xFF)


@dataclass(frozen=True)
class Tags:
    """The metadata of chunks; see geometry.overflow.layout.Metadata."""

    slots: int

    size, classes, sentinel, least = METADATA, len(STEPS), -1, 1

    def bytes_of(self, raw: Raw) -> Raw:
        """See Metadata."""
        return raw[:, : self.slots]

    def passed(self, raw: Raw) -> Mask:
        """See Metadata."""
        goes_on: Mask = np.repeat(raw[:, OUTBOUND:] != 0, len(STEPS), axis=1)
        return goes_on


@dataclass(frozen=True)
class Numbers:
    """A slot holds the number of its entry, of 4 bytes, in an array of `count` entries of `size`
    bytes; see geometry.control.layout.Reach."""

    address: int
    count: int
    size: int

    def find(self, memory: Memory, slots: Raw) -> tuple[Addresses, Mask]:
        """See Reach."""
        numbers = memory.integer_column(slots, 0, 4).astype(np.uint64)
        there = numbers < np.uint64(self.count)
        known = np.where(there, numbers, np.uint64(0))
        return np.uint64(self.address) + known * np.uint64(self.size), there


def steps(step: int, classes: Ints) -> Ints:
    """See geometry.overflow.probes.Sequence."""
    return step * (2 * np.array(STEPS, np.int64)[classes] + 1)


@dataclass(frozen=True)
class _Kind:
    """What all maps of one type have in common."""

    struct: StructLayout  # of the fields in use, with offsets in the map
    name: str  # "F14ValueMap"
    is_map: bool
    item: Type
    value: Type  # of an entry
    slots: int
    stride: int
    align: int

    @property
    def is_node(self) -> bool:
        return "Node" in self.name

    @property
    def is_vector(self) -> bool:
        return "Vector" in self.name

    def capacity(self, chunks: int, scale: int) -> int:
        """The entries that a map takes (computeCapacity())."""
        return ((chunks - 1 >> (12 if self.slots == 12 else 0)) + 1) * scale

    def size_of(self, chunks: int, capacity: int) -> int:
        """The bytes of the block of chunks, and of the array of entries behind them."""
        size = METADATA + capacity * self.item.size if chunks == 1 else chunks * self.stride
        if self.is_vector:
            size = -(-size // self.align) * self.align + capacity * self.value.size
        return size

    def made_for(self, live: int) -> int:
        """The bytes of a map made for so many entries (computeChunkCountAndScale())."""
        if live <= self.slots:
            return self.size_of(1, next(one for one in (2, 6, self.slots) if live <= one))
        each = self.slots - 2
        chunks = 1 << ((live - 1) // each).bit_length()
        return self.size_of(chunks, chunks * each)


class FollyFamily:
    """See Family."""

    name = "folly F14"
    words = ("folly",)
    describes = "F14ValueMap, F14NodeMap, F14VectorMap and their sets (folly)"
    has_nil = False
    is_handle = False
    headers = (PACKED, MASKED)

    def recognise(self, found: Type) -> bool:
        return _find_table(found) is not None

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        kind = kept_for_type(target, found, _kind_of)
        if kind is None:
            raise TargetError(
                f"no debug info for the chunks of '{value.expression}', or its pointers are of its "
                "allocator's own kind: see 'ptype' of it"
            )
        return _Opening(target, value, address, found.size, kind).open()


FAMILY: Family = FollyFamily()


def _find_table(found: Type) -> Field | None:
    """The table in a map, or the table itself."""
    if found.kind is not Kind.STRUCT:
        return None
    member = found.find("table_")
    table = Field("", 0, found) if member is None else member
    is_one = any(has_fields(table.type, names) for names in (PACKED, MASKED))
    return table if is_one else None


def _kind_of(target: Target, found: Type) -> _Kind | None:
    table = _find_table(found)
    assert table is not None  # it was recognised
    chunks, policy = table.type.find("chunks_"), table.type.argument(0)
    if chunks is None or chunks.type.kind is not Kind.POINTER or chunks.type.resolve is None:
        return None
    chunk = chunks.type.target
    item, key = chunk.argument(0), policy.argument(0) if isinstance(policy, Type) else None
    if not isinstance(item, Type) or not isinstance(policy, Type) or not isinstance(key, Type):
        return None
    mapped = policy.argument(1)
    # Layout files have no void.
    is_map = isinstance(mapped, Type) and (mapped.kind is not Kind.OTHER or mapped.name != "void")
    what = policy.name.partition("<")[0].rpartition("::")[2].removesuffix("ContainerPolicy")
    members = _members(table, found.source)
    value, values = item, table.type.find("values_")
    if what == "Node":
        if item.kind is not Kind.POINTER or item.resolve is None:
            return None
        value = item.target
    elif what == "Vector":
        if values is None or values.type.kind is not Kind.POINTER or values.type.resolve is None:
            return None
        value = values.type.target
    if members is None:
        return None
    slots = 12 if item.size == 4 else TAGS
    room = METADATA + (slots + (item.size == 16)) * item.size
    align = max(target.alignment(item) or 1, METADATA)
    stride = chunk.size if chunk.size > METADATA else -(-room // align) * align
    return _Kind(
        struct=StructLayout(found.name, found.size, members),
        name=f"F14{what}{'Map' if is_map else 'Set'}",
        is_map=is_map,
        item=item,
        value=value,
        slots=slots,
        stride=stride,
        align=max(target.alignment(value) or target.pointer_size, 1),
    )


def _members(table: Field, source: str) -> tuple[Member, ...] | None:
    """The fields in use, with offsets in the map: chunks, and what counts chunks and entries."""
    found = {name: table.type.find(name) for name in {*PACKED, *MASKED, "values_"}}
    packed, counted = found[PACKED[1]], found[MASKED[2]]
    if packed is not None:
        found["packed"] = _number(packed)
    elif counted is not None:
        found["size"] = _number(counted)
    wanted = ("chunks_", "packed") if packed is not None else ("chunks_", "chunkMask_", "size")
    if any(found[name] is None for name in wanted):
        return None
    chosen = {name: found[name] for name in (*wanted, "values_")}
    return tuple(
        Member(name, table.offset + one.offset, one.type.size, one.type, source)
        for name, one in chosen.items()
        if one is not None
    )


def _number(outer: Field) -> Field | None:
    """The first number in a struct, at any depth."""
    if outer.type.kind is Kind.INTEGER:
        return outer
    for one in sorted(outer.type.iter_fields(), key=lambda field: field.offset):
        found = _number(one)
        if found is not None:
            return found.moved(outer.name, outer.offset)
    return None


class _Opening:
    """Reads the header of a map."""

    def __init__(self, target: Target, value: Value, address: int, size: int, kind: _Kind) -> None:
        self.target = target
        self.value = value
        self.address = address
        self.size = size
        self.kind = kind
        self.fields = read_struct(target, kind.struct, address, value.expression)
        packed = self.fields.get("packed")
        if packed is None:
            self.count, self.chunks = self.fields["size"], self.fields["chunkMask_"] + 1
            self.count_at = address + kind.struct["size"].offset
        else:
            self.count = packed >> SHIFT_BITS
            self.chunks = 1 << min(packed & (1 << SHIFT_BITS) - 1, 64)
            self.count_at = address + kind.struct["packed"].offset
        self.at = self.fields["chunks_"]

    def _capacity(self) -> int:
        """The entries that fit; 0: it has no chunk of its own. TargetError if it cannot be one."""
        kind, target, text = self.kind, self.target, self.value.expression
        chunks, at = self.chunks, self.at
        end = at + (chunks - 1) * kind.stride + METADATA
        if at % METADATA or not at or chunks & (chunks - 1) or end > target.address_limit:
            raise unsound(text, f"{chunks:,} chunks at 0x{at:x}")
        if not target.is_readable(at, METADATA):
            if not self.count and chunks == 1 and target.gap_at(at) is not None:
                return 0  # that of empty maps, which is never written
            raise cannot_read(target, "the chunks", text, at)
        first = target.read(at, METADATA)
        scale = first[CONTROL] & 15
        if kind.slots == 12:
            scale = int.from_bytes(first[12:14], target.byte_order)
        if first[OUTBOUND] == EMPTY_MARK or not scale:
            if self.count or chunks != 1 or any(first[: kind.slots]):
                raise unsound(text, f"its chunk at 0x{at:x} is none of a map with entries")
            return 0
        capacity = kind.capacity(chunks, scale)
        slots = capacity if chunks == 1 else chunks * kind.slots
        if self.count > slots or capacity > chunks * kind.slots:
            raise unsound(text, f"it counts {self.count:,} entries in {slots:,} slots")
        last = at + kind.size_of(chunks, capacity) - 1
        if last >= target.address_limit or not target.is_readable(last, 1):
            raise cannot_read(target, "the chunks", text, last)
        return capacity

    def open(self) -> OverflowMap:
        """The opened map."""
        kind, target, chunks = self.kind, self.target, self.chunks
        entry = entry_of(kind.value, kind.is_map, self.value.expression)
        capacity = self._capacity()
        blocks = [Allocation(self.at, kind.size_of(chunks, capacity))] if capacity else []
        rounding = find_malloc(target, blocks)
        malloc = None if rounding is None else rounding[0]
        sizes = [one.size for one in blocks] if rounding is None else rounding[1]
        box = entry.size if kind.is_node else 0
        problems = []
        if capacity and self.count > capacity:
            text = f"{self.count:,} entries, of which {capacity:,} fit"
            problems.append(Problem(text, self.count_at, "O2"))
        header = Header(
            family=f"folly {kind.name}",
            expression=self.value.expression,
            type_name=short_name(self.value.type.name),
            address=self.address,
            count_at=self.count_at,
            key_type=entry.key.type,
            elem_type=entry.elem.type,
            count=self.count,
            arrays=(Array("chunks", self.at, chunks, sizes[0]),) if capacity else (),
            geometry=self._geometry(capacity, malloc),
            header_size=self.size,
            box_size=malloc.size(box) if malloc is not None and box else box,
            is_rounded=rounding is not None if capacity else None,
            count_rule="O1",
            growth=Growth(above=capacity) if capacity else None,
            notes=entry.notes,
            problems=tuple(problems),
            certain_if_empty=True,
        )
        check = functools.partial(_check_counts, target, self.at, chunks, kind.stride)
        return OverflowMap(
            target,
            header,
            self._layout(entry),
            (self._table(capacity),) if capacity else (),
            (StructLayout(short_name(kind.struct.name), self.size, kind.struct.members),),
            probing=steps,
            compare_keys=True,
            check_more=check if capacity else None,
        )

    def _table(self, capacity: int) -> Table:
        return Table(
            groups=self.chunks,
            slots=capacity if self.chunks == 1 else self.chunks * self.kind.slots,
            base=self.at + METADATA,
            items=self.count,
            items_at=self.count_at,
        )

    def _layout(self, entry: Entry) -> GroupLayout:
        kind = self.kind
        reach: Reach | None = Boxes() if kind.is_node else None
        if kind.is_vector:
            reach = Numbers(self.fields.get("values_", 0), self.count, kind.value.size)
        return GroupLayout(
            metadata=Tags(kind.slots),
            stride=kind.stride,
            step=kind.stride,
            size=kind.item.size,
            key=entry.key.offset,
            key_size=entry.key.type.size,
            elem=entry.elem.offset,
            elem_size=entry.elem.type.size,
            reach=reach,
        )

    def _geometry(self, capacity: int, malloc: Malloc | None) -> OverflowGroups:
        kind = self.kind

        def made_for(live: int) -> int:
            size = kind.made_for(live) if live else 0
            return size if malloc is None or not size else malloc.size(size)

        return OverflowGroups(
            slots=kind.slots,
            bucket_size=kind.stride,
            load_factor=capacity / self.chunks if capacity else float(kind.slots - 2),
            classes=len(STEPS),
            sequence=steps,
            made_for=made_for,
        )


def _check_counts(target: Target, address: int, chunks: int, stride: int) -> Iterator[Problem]:
    """O7."""
    places = np.uint64(address) + np.arange(chunks, dtype=np.uint64) * np.uint64(stride)
    raw, ok = target.gather(places, METADATA)
    if not ok.all():
        return
    here, gone = raw[:, CONTROL] >> 4, raw[:, OUTBOUND]
    hosted, outbound = int(here.sum(dtype=np.int64)), int(gone.sum(dtype=np.int64))
    is_exact = not (gone >= SATURATED).any() and not (here == 15).any()
    if is_exact and (hosted > outbound or bool(hosted) != bool(outbound)):
        text = (
            f"chunks count {outbound:,} entries that they had no room for, and {hosted:,} that are "
            "not in their own"
        )
        yield Problem(text, address, "O7")
