"""Values side by side: Vec, slices, VecDeque."""

from __future__ import annotations

import numpy as np

from ...compat import dataclass
from ...target import Field, Kind, Memory, Type
from ..elements import Access, Bytes, CountedElements, Places, Words, spread
from .members import unwrapped
from .names import full_name

MAX_LENGTH = 1 << 40  # elements; more are garbage
LARGE = 1 << 16  # bytes of elements that are looked at before they are followed


@dataclass(frozen=True)
class Sequence(CountedElements):
    """A Vec, or a pointer to a slice: where the elements are, and their number; see Elements."""

    element: Type
    size: int
    pointer: Field
    length: Field

    noun = "vector or slice"
    access = Access.INDEX

    def find(self, memory: Memory, _addrs: Words, raw: Bytes) -> Places:
        """See Elements."""
        starts, lengths = self._words(memory, raw)
        sane = (starts > 0) & (lengths < MAX_LENGTH)
        counts = np.where(sane, lengths, 0).astype(np.int64)
        # What is in a place without a value may look like a vector: of one that does not fit in
        # memory, the first element tells that it cannot be read.
        for row in np.flatnonzero(counts * max(self.element.size, 1) >= LARGE).tolist():
            if not memory.is_mapped(int(starts[row]), int(counts[row]) * self.element.size):
                counts[row] = 1
        return spread(starts, counts, self.element.size)


@dataclass(frozen=True)
class Ring:
    """A VecDeque: elements in a buffer, from `head` on, wrapping at its end; see Elements."""

    element: Type
    size: int
    pointer: Field
    capacity: Field
    head: Field
    length: Field | None  # before 1.67, the place behind the last element instead
    tail: Field | None

    noun = "VecDeque"
    access = Access.INDEX

    def find(self, memory: Memory, _addrs: Words, raw: Bytes) -> Places:
        """See Elements."""
        starts, capacities, heads, lengths = self._words(memory, raw)
        sane = (starts > 0) & (lengths <= capacities) & (heads < np.maximum(capacities, 1))
        sane &= capacities < MAX_LENGTH
        counts = np.where(sane, lengths, 0).astype(np.int64)
        # As if all were side by side, then wrapped.
        places = spread(np.zeros(len(starts), np.uint64), counts, 1)
        rows = places.rows
        numbers = (heads[rows] + places.numbers.astype(np.uint64)) % np.maximum(capacities, 1)[rows]
        addrs = starts[rows] + numbers * np.uint64(self.element.size)
        return Places(addrs, rows, places.numbers, places.cut)

    def locate(self, memory: Memory, addr: int, raw: Bytes, number: int) -> int | None:
        """See Elements."""
        starts, capacities, heads, lengths = self._words(memory, raw)
        if number >= int(lengths[0]) or not int(capacities[0]):
            return None
        place = (int(heads[0]) + number) % int(capacities[0])
        return int(starts[0]) + place * self.element.size

    def _words(self, memory: Memory, raw: Bytes) -> tuple[Words, Words, Words, Words]:
        def column(field: Field) -> Words:
            return memory.pointer_column(raw, field.offset)

        capacities = column(self.capacity)
        if self.length is not None:
            return column(self.pointer), capacities, column(self.head), column(self.length)
        assert self.tail is not None  # see recognise
        # `tail` is the first element then, and `head` the place behind the last one.
        first, behind = column(self.tail), column(self.head)
        room = np.maximum(capacities, 1)
        lengths = (behind + room - first % room) % room
        return column(self.pointer), capacities, first, lengths


def recognise(found: Type) -> Sequence | Ring | None:
    """A struct as such a type; None for any other. Text is one too: see strings."""
    if found.kind is not Kind.STRUCT or len(found.fields) > 6:
        return None
    return _slice(found) or _buffered(found)


def _slice(found: Type) -> Sequence | None:
    if {one.name for one in found.fields} != {"data_ptr", "length"}:
        return None
    pointer, length = found.find("data_ptr"), found.find("length")
    assert pointer is not None and length is not None  # see above
    if pointer.type.kind is not Kind.POINTER or pointer.type.resolve is None:
        return None
    return Sequence(pointer.type.target, found.size, pointer, length)


def _buffered(found: Type) -> Sequence | Ring | None:
    """A Vec or a VecDeque. From 1.81 on their pointer is one to bytes, whatever they lead to."""
    buffer, element = found.find("buf"), found.argument(0)
    if buffer is None or not isinstance(element, Type):
        return None
    pointer, capacity = _parts(buffer)
    if pointer is None:
        return None
    name = full_name(found)
    length = found.find("len")
    if "::Vec<" in name and length is not None and length.type.kind is Kind.INTEGER:
        return Sequence(element, found.size, pointer, length)
    head, tail = found.find("head"), found.find("tail")
    if "::VecDeque<" not in name or head is None or capacity is None:
        return None
    if length is None and tail is None:
        return None
    return Ring(element, found.size, pointer, capacity, head, length, tail)


def _parts(buffer: Field) -> tuple[Field | None, Field | None]:
    """The pointer of a RawVec, and its capacity."""
    found, offset = buffer.type, buffer.offset
    inner = found.find("inner")
    if inner is not None:
        found, offset = inner.type, offset + inner.offset
    pointer, capacity = found.find("ptr"), found.find("cap")
    return (
        None if pointer is None else _moved(unwrapped(pointer), offset),
        None if capacity is None else _moved(unwrapped(capacity, Kind.INTEGER), offset),
    )


def _moved(field: Field | None, by: int) -> Field | None:
    return None if field is None else Field(field.name, field.offset + by, field.type)
