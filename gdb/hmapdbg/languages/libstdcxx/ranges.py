"""Types of libstdc++ with a pointer to elements side by side and their number: std::span,
std::initializer_list, std::valarray."""

from __future__ import annotations

import numpy as np

from ...compat import dataclass
from ...target import Field, Kind, Memory, Type
from ..elements import MAX_ELEMENTS, Access, Bytes, Places, Words, spread

# The pointer, and the number of elements.
_MEMBERS = (("_M_ptr", "_M_extent"), ("_M_array", "_M_len"), ("_M_data", "_M_size"))


@dataclass(frozen=True)
class Range:
    """Such a type; see elements.Elements."""

    noun: str
    element: Type
    size: int  # of the part to read
    pointer: int  # offset
    length: Field | None  # None: always `fixed` elements
    fixed: int = 0

    access = Access.INDEX

    def find(self, memory: Memory, _addrs: Words, raw: Bytes) -> Places:
        """See Elements."""
        pointers = memory.pointer_column(raw, self.pointer)
        counts = np.full(len(raw), self.fixed, np.int64)
        if self.length is not None:
            told = memory.integer_column(raw, self.length.offset, self.length.type.size)
            counts = np.minimum(told.astype(np.uint64), np.uint64(MAX_ELEMENTS + 1))
            counts = counts.astype(np.int64)
        return spread(pointers, np.where(pointers == 0, 0, counts), self.element.size)

    def locate(self, memory: Memory, addr: int, raw: Bytes, number: int) -> int | None:
        """See Elements."""
        places = self.find(memory, np.array([addr], np.uint64), raw)
        return int(places.addrs[number]) if 0 <= number < len(places.addrs) else None


def recognise(found: Type) -> Range | None:
    """A struct as such a type; None for any other."""
    own = [one.name for one in found.fields if not one.base]
    names = next((pair for pair in _MEMBERS if sorted(pair) == sorted(own)), None)
    if names is None:
        return None
    pointer, length = found.find(names[0]), found.find(names[1])
    if pointer is None or length is None or pointer.type.kind is not Kind.POINTER:
        return None
    if pointer.type.resolve is None or pointer.type.target.size <= 0:
        return None
    element, offset, fixed = pointer.type.target, length.offset, 0
    noun = {"_M_ptr": "span", "_M_array": "initializer_list", "_M_data": "valarray"}[names[0]]
    number: Field | None = length
    if length.type.kind is Kind.STRUCT:  # of a span: nothing is in it where its type tells
        number = length.type.find("_M_extent_value")
        extent = length.type.argument(0)
        if number is None and not isinstance(extent, int):
            return None
        fixed = extent if number is None and isinstance(extent, int) else 0
        if number is not None:
            number = Field("", offset + number.offset, number.type)
    if number is not None and number.type.kind is not Kind.INTEGER:
        return None
    return Range(noun, element, found.size, pointer.offset, number, fixed)
