"""Open addressing (foa): unordered_flat_map, unordered_node_map, concurrent_flat_map, their sets.

    table         size_, arrays, ml                  in 1.81
    table_core    arrays, size_ctrl {ml, size}       later; of concurrent ones, std::atomic
    table_arrays  groups_size_index, groups_size_mask, groups and elements, or groups_ and elements_

A group is of 15 slots, with 16 bytes of metadata: a byte for each, and a byte of marks that keys of
one of 8 classes, by their hash, have gone past it while it was full. Nothing clears them but a
rehash, which comes the earlier: for each entry that is erased from such a group, the table's
maximum load `ml` falls by one. The very last slot does not exist: its byte is a sentinel.

Of processors without vectors, the bits of the bytes of a group are interleaved.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...block import Problem
from ...compat import dataclass
from ...geometry.columns import Mask, Raw
from ...geometry.control.layout import Boxes
from ...geometry.overflow.layout import GroupLayout, Metadata, Table
from ...geometry.overflow.map import OverflowMap, Placement
from ...geometry.overflow.shape import OverflowGroups
from ...geometry.overflow.walk import OverflowWalk
from ...header import Array, Growth, Header
from ...languages import short_name
from ...layout import Member, StructLayout
from ...target import Field, Kind, Target, Type, Value
from ..family import has_fields
from ..malloc import Allocation, Malloc, find_malloc
from ..pairs import Entry, entry_of
from ..reading import cannot_read, kept_for_type, read_struct, unsound
from .containers import Container, container_of, find_table, number, other_pointers
from .hashes import key_hashes
from .placement import SAMPLE, group_placement

ARRAYS = "arrays"
HEADERS = (
    (ARRAYS, "size_", "ml"),
    (ARRAYS, "size_ctrl"),
)
INDEX, MASK = "groups_size_index", "groups_size_mask"
SLOTS = 15
METADATA = 16
SENTINEL, LEAST = 1, 2
CLASSES = 8
SMALL = 2  # groups, up to which a table is filled
LOAD = np.float32(0.875)
HASH = 1  # the argument of a table


class Bytes:
    """Metadata as it is written; see geometry.overflow.layout.Metadata."""

    size, slots, classes, sentinel, least = METADATA, SLOTS, CLASSES, SENTINEL, LEAST

    def bytes_of(self, raw: Raw) -> Raw:
        """See Metadata."""
        return raw[:, :SLOTS]

    def passed(self, raw: Raw) -> Mask:
        """See Metadata."""
        return np.unpackbits(raw[:, SLOTS:], axis=1, bitorder="little").astype(np.bool_)


class Interleaved:
    """Metadata in two words of 64 bits: 16 bits in a row have one bit of all bytes, the overflow
    byte last; see geometry.overflow.layout.Metadata."""

    size, slots, classes, sentinel, least = METADATA, SLOTS, CLASSES, SENTINEL, LEAST

    def __init__(self, order: str) -> None:
        self._order = order

    def _bits(self, raw: Raw) -> NDArray[np.uint8]:
        """Bit b of byte i of groups, as (n, b, i)."""
        words = np.ascontiguousarray(raw).view(f"{self._order}u8").astype("<u8")
        bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")
        return bits.reshape(-1, 8, SLOTS + 1)

    def bytes_of(self, raw: Raw) -> Raw:
        """See Metadata."""
        bits = self._bits(raw)[:, :, :SLOTS]
        return np.packbits(bits, axis=1, bitorder="little")[:, 0]

    def passed(self, raw: Raw) -> Mask:
        """See Metadata."""
        return self._bits(raw)[:, :, SLOTS].astype(np.bool_)


@dataclass(frozen=True)
class _Kind:
    """What all maps of one type have in common."""

    struct: StructLayout  # of the table's fields in use, with offsets in the map
    container: Container
    element: Type  # of a slot
    value: Type  # of an entry
    is_node: bool
    hash: object  # the type of the hash function
    group: Type
    locks: int  # bytes for each group that are held elsewhere


def recognise(table: Type) -> bool:
    """Whether a struct is such a table."""
    if not any(has_fields(table, names) for names in HEADERS):
        return False
    arrays = table.find(ARRAYS)
    return arrays is not None and has_fields(arrays.type, (INDEX, MASK))


def open_groups(target: Target, value: Value, found: Type, address: int) -> OverflowMap:
    """The map at an address. TargetError."""
    kind = kept_for_type(target, found, _kind_of)
    if kind is None:
        raise other_pointers(value.expression, "them")
    return _Opening(target, value, found, address, kind).open()


def _kind_of(target: Target, found: Type) -> _Kind | None:
    table = find_table(found)
    arrays = None if table is None else table.type.find(ARRAYS)
    assert table is not None and arrays is not None  # it was recognised
    inner = arrays.type
    groups = inner.find("groups_") or inner.find("groups")
    elements = inner.find("elements_") or inner.find("elements")
    locks = inner.find("group_accesses_")
    control = table.type.find("size_ctrl")
    if control is None:
        size, most = table.type.find("size_"), table.type.find("ml")
    else:
        size, most = (_inside(control, name) for name in ("size", "ml"))
    sizes = [None if one is None else number(one) for one in (size, most)]
    if groups is None or elements is None or sizes[0] is None or sizes[1] is None:
        return None
    if any(one.type.kind is not Kind.POINTER or not one.type.resolve for one in (groups, elements)):
        return None
    index, mask = inner.find(INDEX), inner.find(MASK)
    assert index is not None and mask is not None  # it was recognised
    members = [
        Member(name, table.offset + at + one.offset, one.type.size, one.type, found.source)
        for name, at, one in (
            ("size", 0, sizes[0]),
            ("ml", 0, sizes[1]),
            (INDEX, arrays.offset, index),
            (MASK, arrays.offset, mask),
            ("groups", arrays.offset, groups),
            ("elements", arrays.offset, elements),
        )
    ]
    # Of a set, the element's type goes by names that nobody writes.
    element, named = elements.type.target, inner.argument(0)
    if isinstance(named, Type) and named.size == element.size:
        element = named
    container = container_of(table.type)
    pointer = element.find("p")
    is_node = "node" in container.name or "::element_type<" in element.name
    is_node = is_node and pointer is not None and pointer.type.kind is Kind.POINTER
    value = element
    if is_node and pointer is not None:
        value, named = pointer.type.target, element.argument(0)
        if isinstance(named, Type) and named.size == value.size:
            value = named
    has_locks = locks is not None and locks.type.kind is Kind.POINTER
    return _Kind(
        struct=StructLayout(found.name, found.size, tuple(members)),
        container=container,
        element=element,
        value=value,
        is_node=is_node,
        hash=table.type.argument(HASH),
        group=groups.type.target,
        locks=locks.type.target.size if has_locks and locks is not None else 0,
    )


def _inside(outer: Field, name: str) -> Field | None:
    found = outer.type.find(name)
    return None if found is None else found.moved(name, outer.offset)


def initial_load(groups: int) -> int:
    """The entries that a new table takes (initial_max_load(), in floats)."""
    slots = groups * SLOTS - 1
    return slots if groups <= SMALL else int(LOAD * np.float32(slots))


def groups_for(entries: int) -> int:
    """The groups of a table made for so many entries."""
    groups = SMALL
    while initial_load(groups) < entries:
        groups *= 2
    return groups


def block_size(groups: int, slot: int) -> int:
    """The bytes of slots and metadata, which are one block (buffer_size())."""
    size = slot * (groups * SLOTS - 1) + METADATA * (groups + 1) - 1
    return -(-size // slot) * slot


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
        self.groups = self.fields[MASK] + 1
        self.metadata: Metadata = self._metadata()

    def _metadata(self) -> Metadata:
        """By the type of a group: 16 bytes, a vector of them, or two words."""
        inner = self.kind.group.find("m")
        if inner is None or inner.type.kind is not Kind.ARRAY or inner.type.count != 2:
            return Bytes()
        # A vector is an array to debuggers, of 8 bytes or words.
        is_vector = "__m128i" in inner.type.name or "vector" in inner.type.name
        if is_vector:
            return Bytes()
        return Interleaved(self.target.order)

    def _at(self, name: str) -> int:
        return self.address + self.kind.struct[name].offset

    def _check(self) -> None:
        """TargetError for what cannot be a map."""
        fields, target, text = self.fields, self.target, self.value.expression
        bits = 8 * target.pointer_size
        if self.groups != 1 << (bits - fields[INDEX]) if fields[INDEX] < bits else True:
            raise unsound(
                text, f"{self.groups:,} groups, whose index would not be {fields[INDEX]:,}"
            )
        at, end = fields["groups"], fields["groups"] + METADATA * self.groups
        if at % METADATA or end > target.address_limit:
            raise unsound(text, f"{self.groups:,} groups at 0x{at:x}")
        for place in (at, end - 1):
            if not target.is_readable(place, 1):
                if not fields["elements"] and target.gap_at(place) is not None:
                    return  # that of empty maps, which is never written
                raise cannot_read(target, "the groups", text, place)
        if not fields["elements"]:
            last = np.frombuffer(target.read(end - METADATA, METADATA), np.uint8)[None]
            if self.metadata.bytes_of(last)[0, -1] != SENTINEL or fields["size"]:
                raise unsound(text, f"its groups at 0x{at:x} are none of an empty map")
            return
        start, size = fields["elements"], self.kind.element.size
        slots = self.groups * SLOTS - 1
        if fields["size"] > slots:
            raise unsound(text, f"it counts {fields['size']:,} entries in {slots:,} slots")
        if start + slots * size > target.address_limit:
            raise unsound(text, f"{slots:,} slots of {size:,} bytes at 0x{start:x}")
        for place in (start, start + slots * size - 1):
            if not target.is_readable(place, 1):
                raise cannot_read(target, "the slots", text, place)

    def open(self) -> OverflowMap:
        """The opened map."""
        kind, fields, target = self.kind, self.fields, self.target
        entry = entry_of(kind.value, kind.container.is_map, self.value.expression)
        self._check()
        there = bool(fields["elements"])
        blocks = []
        if there:
            size = block_size(self.groups, kind.element.size)
            blocks.append(Allocation(fields["elements"], size))
        rounding = find_malloc(target, blocks)
        malloc = None if rounding is None else rounding[0]
        sizes = [one.size for one in blocks] if rounding is None else rounding[1]
        locks = kind.locks * self.groups if there else 0
        box = entry.size if kind.is_node else 0
        initial = initial_load(self.groups)
        erased = max(initial - fields["ml"], 0) if there else 0
        details: tuple[tuple[str, str], ...] = ()
        if erased:
            text = f"{erased:,} from groups that had overflowed: it grows that much earlier"
            details = (("erased", text),)
        header = Header(
            family=f"Boost {kind.container.name}",
            expression=self.value.expression,
            type_name=short_name(self.value.type.name),
            address=self.address,
            count_at=self._at("size"),
            key_type=entry.key.type,
            elem_type=entry.elem.type,
            count=fields["size"],
            arrays=(Array("groups", fields["groups"], self.groups, sizes[0]),) if there else (),
            geometry=self._geometry(there, erased, malloc),
            header_size=self.size,
            box_size=malloc.size(box) if malloc is not None and box else box,
            is_rounded=None if not there else rounding is not None,
            held=(("locks", locks),) if locks else (),
            count_rule="O1",
            growth=Growth(above=fields["ml"]) if there else None,
            details=details if there else (),
            facts=(("erased", erased),),
            notes=entry.notes,
            problems=tuple(self._iter_problems(initial)) if there else (),
            certain_if_empty=True,
        )
        layout = GroupLayout(
            metadata=self.metadata,
            stride=METADATA,
            step=SLOTS * kind.element.size,
            size=kind.element.size,
            key=entry.key.offset,
            key_size=entry.key.type.size,
            elem=entry.elem.offset,
            elem_size=entry.elem.type.size,
            reach=Boxes() if kind.is_node else None,
        )
        table = Table(
            groups=self.groups,
            slots=self.groups * SLOTS - 1,
            base=fields["elements"],
            items=fields["size"],
            items_at=self._at("size"),
        )
        struct = kind.struct
        return OverflowMap(
            target,
            header,
            layout,
            (table,) if there else (),
            (StructLayout(short_name(struct.name), struct.size, struct.members),),
            find_placement=functools.partial(_find_placement, target, kind, entry),
            compare_keys=True,
        )

    def _iter_problems(self, initial: int) -> Iterator[Problem]:
        """O2."""
        most, size = self.fields["ml"], self.fields["size"]
        if most > initial:
            text = f"its maximum load is {most:,}, and that of {self.groups:,} groups {initial:,}"
            yield Problem(text, self._at("ml"), "O2")
        # Threads that insert into a concurrent map count first, and then give up.
        elif size > most and "concurrent" not in self.kind.container.name:
            text = f"{size:,} entries, and its maximum load is {most:,}"
            yield Problem(text, self._at("size"), "O2")

    def _geometry(self, there: bool, erased: int, malloc: Malloc | None) -> OverflowGroups:
        slot, mine, locks = self.kind.element.size, self.groups, self.kind.locks

        def made_for(live: int) -> int:
            if not live:
                return 0
            groups = groups_for(live)
            size = block_size(groups, slot)
            return (size if malloc is None else malloc.size(size)) + locks * groups

        return OverflowGroups(
            slots=SLOTS,
            bucket_size=METADATA,
            load_factor=initial_load(mine) / mine if there else float(SLOTS),
            classes=CLASSES,
            erased=erased,
            made_for=made_for,
        )


def _find_placement(
    target: Target, kind: _Kind, entry: Entry, walk: OverflowWalk
) -> Placement | None:
    hashes = key_hashes(target, kind.hash, entry.key.type)
    if not hashes or not walk.tables:
        return None
    return group_placement(hashes, target.pointer_size, walk.sample(0, SAMPLE))
