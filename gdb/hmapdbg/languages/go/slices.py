"""Go's slices: a pointer, a length and a capacity (runtime/slice.go)."""

from __future__ import annotations

import numpy as np

from ...compat import dataclass
from ...target import Field, Kind, Memory, Target, Type
from ..elements import Access, Bytes, CountedElements, Places, Words, spread
from .extents import Extents

FIELDS = ("array", "len", "cap")
MAX_LENGTH = 1 << 40  # of a string or slice


@dataclass(frozen=True, slots=True)
class Slice(CountedElements):
    """A slice type; see elements.Elements."""

    element: Type
    pointer: Field
    length: Field

    @property
    def noun(self) -> str:
        """See Elements."""
        return "large array or slice"

    @property
    def size(self) -> int:
        """See Elements."""
        return self.length.offset + self.length.type.size

    @property
    def access(self) -> Access:
        """See Elements."""
        return Access.INDEX

    def find(self, memory: Memory, addrs: Words, raw: Bytes) -> Places:
        """See Elements."""
        starts, lengths = self._words(memory, raw)
        sane = (starts > 0) & (lengths > 0) & (lengths < MAX_LENGTH)
        if isinstance(memory, Target):
            sizes = np.where(sane, lengths, np.uint64(0)) * np.uint64(self.element.size)
            sane &= memory.kept(Extents).have_room(starts, sizes)
        counts = np.where(sane, lengths, 0).astype(np.int64)
        return spread(starts, counts, self.element.size)


def find_slice(found: Type) -> Slice | None:
    """A type as a Slice; None for any other type."""
    if tuple(one.name for one in found.fields) != FIELDS:
        return None
    pointer, length, _ = found.fields
    if pointer.type.kind is not Kind.POINTER or pointer.type.resolve is None:
        return None
    if pointer.type.size != length.type.size or 3 * pointer.type.size != found.size:
        return None
    return Slice(pointer.type.target, pointer, length)
