"""The smart pointers of C++'s libraries: std::unique_ptr, also to an array, std::shared_ptr, and
std::weak_ptr, which leads somewhere only while the object is alive."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...compat import dataclass
from ...target import Field, Kind, Memory, Type
from ..elements import MAX_ELEMENTS, Access, Bytes, Places, Words, spread
from ..holders import Mask


@dataclass(frozen=True)
class Pointer:
    """A smart pointer; see elements.Elements. `pointer` and `counter` are offsets of pointers: to
    the object, and to the counters of its owners, if it has such."""

    element: Type
    size: int  # of the part to read
    pointer: int
    width: int  # of a pointer
    counter: int = -1
    uses: Field | None = None  # in the counters: how many own the object
    is_weak: bool = False  # a null pointer to the counters means that there is no object
    least: int = 1  # what the counter has at least while the object is alive

    noun = "smart pointer"
    access = Access.POINTEE

    def find(self, memory: Memory, _addrs: Words, raw: Bytes) -> Places:
        """See Elements."""
        pointers = memory.pointer_column(raw, self.pointer)
        alive = pointers != 0
        uses = self.uses
        if self.counter >= 0 and uses is not None:
            counters = memory.pointer_column(raw, self.counter)
            owned = alive & (counters != 0)
            if self.is_weak:
                alive = owned
            rows = np.flatnonzero(owned)
            data, ok = memory.gather(counters[rows] + np.uint64(uses.offset), uses.type.size)
            counts = memory.integer_column(data, 0, uses.type.size, signed=True)
            alive[rows] = ok & (counts >= self.least)
        rows = np.flatnonzero(alive)
        return Places(pointers[rows], rows, np.zeros(len(rows), np.int64))

    def locate(self, memory: Memory, addr: int, raw: Bytes, number: int) -> int | None:
        """See Elements."""
        places = self.find(memory, np.array([addr], np.uint64), raw)
        return int(places.addrs[0]) if len(places.addrs) and number == 0 else None


@dataclass(frozen=True)
class OwnedArray:
    """A std::unique_ptr<T[]>; see elements.Elements. Before an array of objects with a destructor,
    as all that lead to maps have, operator new[] keeps their number (Itanium C++ ABI 2.7)."""

    element: Type
    size: int  # of the part to read
    pointer: int  # offset of the pointer to the first element
    width: int  # of a pointer

    noun = "array"
    access = Access.INDEX

    def find(self, memory: Memory, _addrs: Words, raw: Bytes) -> Places:
        """See Elements."""
        width = memory.pointer_size
        pointers = memory.pointer_column(raw, self.pointer)
        there = np.flatnonzero(pointers >= width)
        data, ok = memory.gather(pointers[there] - np.uint64(width), width)
        counts = np.zeros(len(pointers), np.int64)
        told = memory.pointer_column(data)
        sane = ok & (told <= np.uint64(memory.address_limit // max(self.element.size, 1)))
        counts[there[sane]] = np.minimum(told[sane], np.uint64(MAX_ELEMENTS + 1)).astype(np.int64)
        return spread(pointers, counts, self.element.size)

    def locate(self, memory: Memory, addr: int, raw: Bytes, number: int) -> int | None:
        """See Elements."""
        places = self.find(memory, np.array([addr], np.uint64), raw)
        return int(places.addrs[number]) if 0 <= number < len(places.addrs) else None


# From the first elements and the counters of n arrays, the numbers of their elements, and which are
# known.
Counting = Callable[[Memory, Words, Words], tuple[Words, Mask]]


@dataclass(frozen=True)
class SharedArray:
    """A std::shared_ptr<T[]> or <T[N]>, or a std::weak_ptr; see elements.Elements. The number of
    elements is in the type, in the counters that were made with the array (make_shared), or before
    an array of operator new[]; else the first one alone is known."""

    base: Pointer
    count: int  # 0: not in the type
    count_of: Counting

    noun = "array"
    access = Access.INDEX

    @property
    def element(self) -> Type:
        """See Elements."""
        return self.base.element

    @property
    def size(self) -> int:
        """See Elements."""
        return self.base.size

    @property
    def pointer(self) -> int:
        """Offset of the pointer to the first element."""
        return self.base.pointer

    @property
    def width(self) -> int:
        """Bytes of a pointer."""
        return self.base.width

    def find(self, memory: Memory, addrs: Words, raw: Bytes) -> Places:
        """See Elements."""
        first = self.base.find(memory, addrs, raw)
        counts = np.full(len(first.rows), max(self.count, 1), np.int64)
        if not self.count and self.base.counter >= 0:
            counters = memory.pointer_column(raw, self.base.counter)[first.rows]
            counts = self._told(memory, first.addrs, counters)
        places = spread(first.addrs, counts, self.element.size)
        return Places(places.addrs, first.rows[places.rows], places.numbers, places.cut)

    def _told(self, memory: Memory, starts: Words, counters: Words) -> NDArray[np.int64]:
        """How many elements there are."""
        told, sane = self.count_of(memory, starts, counters)
        sane = sane & (told <= np.uint64(memory.address_limit // max(self.element.size, 1)))
        told = np.minimum(told, np.uint64(MAX_ELEMENTS + 1))
        return np.where(sane, told, 1).astype(np.int64)

    def locate(self, memory: Memory, addr: int, raw: Bytes, number: int) -> int | None:
        """See Elements."""
        places = self.find(memory, np.array([addr], np.uint64), raw)
        return int(places.addrs[number]) if 0 <= number < len(places.addrs) else None


def owns_anything(found: Type, pointer: Pointer) -> bool:
    """Whether a struct is a std::shared_ptr<void> or std::weak_ptr<void>."""
    argument = found.argument(0)
    if pointer.counter < 0 or not isinstance(argument, Type):
        return False
    return argument.kind is Kind.OTHER and "void" in argument.name.split()


def shared_pointer(
    found: Type, pointer: Pointer | None, count_of: Counting
) -> Pointer | SharedArray | None:
    """A std::shared_ptr or std::weak_ptr, of which `pointer` has the members."""
    argument = found.argument(0)
    if pointer is not None and owns_anything(found, pointer):
        return None  # see owners
    if pointer is None or not isinstance(argument, Type) or argument.kind is not Kind.ARRAY:
        return pointer
    # To debuggers, an array of unknown length has one element.
    count = 0 if argument.name.endswith("[]") else argument.count
    return SharedArray(pointer, count, count_of) if pointer.element.size > 0 else pointer


def unique_pointer(found: Type, pointer: Field) -> Pointer | OwnedArray | None:
    """A std::unique_ptr with that pointer in it; None if it is not a plain one."""
    if pointer.type.kind is not Kind.POINTER or pointer.type.resolve is None:
        return None
    pointee, argument = pointer.type.target, found.argument(0)
    if isinstance(argument, Type) and argument.kind is Kind.ARRAY and pointee.size > 0:
        return OwnedArray(pointee, found.size, pointer.offset, pointer.type.size)
    return Pointer(pointee, found.size, pointer.offset, pointer.type.size)
