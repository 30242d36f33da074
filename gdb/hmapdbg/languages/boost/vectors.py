"""Vectors of Boost.Container: m_holder {m_start, m_size, m_capacity}, also of a small_vector, whose
elements may be in itself."""

from __future__ import annotations

import numpy as np

from ...compat import dataclass
from ...target import Field, Kind, Memory, Type
from ..elements import MAX_ELEMENTS, Access, Bytes, CountedElements, Places, Words, spread

FIELDS = ("m_start", "m_size", "m_capacity")


@dataclass(frozen=True)
class Vector(CountedElements):
    """See elements.Elements."""

    element: Type
    size: int
    pointer: Field
    length: Field

    noun = "vector"
    access = Access.INDEX

    def find(self, memory: Memory, _addrs: Words, raw: Bytes) -> Places:
        """See Elements."""
        starts, lengths = self._words(memory, raw)
        counts = np.minimum(lengths, np.uint64(MAX_ELEMENTS + 1)).astype(np.int64)
        return spread(starts, np.where(starts == 0, 0, counts), self.element.size)


def recognise(found: Type) -> Vector | None:
    """A struct as such a vector; None for any other type."""
    holder = found.find("m_holder")
    if holder is None or holder.type.kind is not Kind.STRUCT:
        return None
    members = [holder.type.find(name) for name in FIELDS]
    pointer, length = members[0], members[1]
    if pointer is None or length is None or members[2] is None:
        return None
    if pointer.type.kind is not Kind.POINTER or pointer.type.resolve is None:
        return None
    element = pointer.type.target
    if element.size <= 0 or length.type.size != pointer.type.size:
        return None
    return Vector(
        element, found.size, pointer.moved("", holder.offset), length.moved("", holder.offset)
    )
