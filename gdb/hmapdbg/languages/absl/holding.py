"""Abseil's absl::InlinedVector (inlined_vector_internal::Storage) and absl::NoDestructor, also
Chromium's, which is made alike."""

from __future__ import annotations

import numpy as np

from ...compat import dataclass
from ...target import Field, Kind, Memory, Type
from ..elements import MAX_ELEMENTS, Access, Bytes, Places, Words, spread


@dataclass(frozen=True)
class InlinedVector:
    """A vector whose elements are in itself, or elsewhere once there are many; see
    elements.Elements. Offsets in bytes."""

    element: Type
    size: int  # of the part to read
    metadata: Field  # twice the number of elements, and whether they are elsewhere
    pointer: int
    inlined: int

    noun = "vector"
    access = Access.INDEX

    def find(self, memory: Memory, addrs: Words, raw: Bytes) -> Places:
        """See Elements."""
        told = memory.integer_column(raw, self.metadata.offset, self.metadata.type.size)
        words = told.astype(np.uint64)
        most = np.uint64(MAX_ELEMENTS + 1)
        counts = np.minimum(words >> np.uint64(1), most).astype(np.int64)
        starts = np.where(
            words & np.uint64(1) != 0,
            memory.pointer_column(raw, self.pointer),
            addrs + np.uint64(self.inlined),
        )
        return spread(starts, counts, self.element.size)

    def locate(self, memory: Memory, addr: int, raw: Bytes, number: int) -> int | None:
        """See Elements."""
        places = self.find(memory, np.array([addr], np.uint64), raw)
        return int(places.addrs[number]) if 0 <= number < len(places.addrs) else None


@dataclass(frozen=True)
class NoDestructor:
    """A value in bytes of its own, which nothing destroys; see elements.Elements."""

    element: Type
    size: int
    offset: int

    noun = "value"
    access = Access.POINTEE

    def find(self, memory: Memory, addrs: Words, raw: Bytes) -> Places:
        """See Elements."""
        rows = np.arange(len(addrs))
        return Places(addrs + np.uint64(self.offset), rows, np.zeros(len(rows), np.int64))

    def locate(self, memory: Memory, addr: int, raw: Bytes, number: int) -> int | None:
        """See Elements."""
        return addr + self.offset if number == 0 else None


def recognise(found: Type) -> InlinedVector | NoDestructor | None:
    """A struct as such a type; None for any other."""
    storage = found.find("storage_")
    if storage is not None and storage.type.kind is Kind.STRUCT:
        return _inlined(found, storage)
    if storage is not None:  # Chromium's
        return _no_destructor(found, storage)
    inner = found.find("impl_")
    space = None if inner is None else inner.type.find("space_")
    if inner is None or space is None:
        return None
    return _no_destructor(found, space.moved("", inner.offset))


def _inlined(found: Type, storage: Field) -> InlinedVector | None:
    metadata, data = storage.type.find("metadata_"), storage.type.find("data_")
    if metadata is None or data is None:
        return None
    numbers = [one for one in metadata.type.iter_fields() if one.type.kind is Kind.INTEGER]
    allocated, inlined = data.type.find("allocated"), data.type.find("inlined")
    pointer = None if allocated is None else allocated.type.find("allocated_data")
    if len(numbers) != 1 or allocated is None or inlined is None or pointer is None:
        return None
    if pointer.type.kind is not Kind.POINTER or pointer.type.target.size <= 0:
        return None
    at = storage.offset + data.offset
    return InlinedVector(
        element=pointer.type.target,
        size=found.size,
        metadata=numbers[0].moved("", storage.offset + metadata.offset),
        pointer=at + allocated.offset + pointer.offset,
        inlined=at + inlined.offset,
    )


def _no_destructor(found: Type, space: Field) -> NoDestructor | None:
    """A struct with as many bytes as its argument, a type, needs."""
    held = found.argument(0)
    if not isinstance(held, Type) or space.type.kind is not Kind.ARRAY:
        return None
    if space.type.target.size != 1 or not 0 < held.size == space.type.size:
        return None
    return NoDestructor(held, found.size, space.offset)
