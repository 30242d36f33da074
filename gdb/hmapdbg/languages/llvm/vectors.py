"""llvm::SmallVector: a pointer to its elements, which may be in itself, and their number."""

from __future__ import annotations

import numpy as np

from ...compat import dataclass
from ...target import Field, Kind, Memory, Type
from ..elements import MAX_ELEMENTS, Access, Bytes, CountedElements, Places, Words, spread

FIELDS = ("BeginX", "Size", "Capacity")
ELEMENT = 0  # argument of SmallVector, SmallVectorImpl and SmallVectorTemplateCommon


@dataclass(frozen=True)
class SmallVector(CountedElements):
    """See elements.Elements."""

    element: Type
    pointer: Field
    length: Field
    size: int

    noun = "SmallVector"
    access = Access.INDEX

    def find(self, memory: Memory, addrs: Words, raw: Bytes) -> Places:
        """See Elements."""
        starts, counts = self._words(memory, raw)
        known = np.minimum(counts, np.uint64(MAX_ELEMENTS + 1)).astype(np.int64)
        return spread(starts, np.where(starts == 0, 0, known), self.element.size)

    def _words(self, memory: Memory, raw: Bytes) -> tuple[Words, Words]:
        counts = memory.integer_column(raw, self.length.offset, self.length.type.size)
        return memory.pointer_column(raw, self.pointer.offset), counts.astype(np.uint64)


def find_vector(found: Type) -> SmallVector | None:
    """A struct as a vector; None for any other type."""
    begin, length, capacity = (found.find(name) for name in FIELDS)
    element = found.argument(ELEMENT)
    if begin is None or length is None or capacity is None or not isinstance(element, Type):
        return None
    if begin.type.kind is not Kind.POINTER or length.type.kind is not Kind.INTEGER:
        return None
    end = max(one.offset + one.type.size for one in (begin, length))
    return SmallVector(element, begin, length, end) if element.size > 0 else None
