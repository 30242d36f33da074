"""The smart pointers of libstdc++, by field names."""

from __future__ import annotations

import numpy as np

from ...target import Field, Kind, Memory, Type
from ..cxx.smart import OwnedArray, Pointer, SharedArray, shared_pointer, unique_pointer
from ..elements import Words
from ..holders import Mask
from .tuples import elements_of


def recognise(found: Type) -> Pointer | OwnedArray | SharedArray | None:
    """A struct as a smart pointer; None for any other type."""
    return _unique(found) or shared_pointer(found, counted(found), _count_of)


def _unique(found: Type) -> Pointer | OwnedArray | None:
    """std::unique_ptr: a tuple of the pointer and the deleter, in a struct or two of its own."""
    member = found.find("_M_t")
    if member is None:
        return None
    at, inner = member.offset, member.type
    if elements_of(inner) is None:
        below = inner.find("_M_t")
        if below is None:
            return None
        at, inner = at + below.offset, below.type
    parts = elements_of(inner)
    if parts is None or len(parts) != 2 or parts[0].type.kind is not Kind.POINTER:
        return None
    return unique_pointer(found, Field("", at + parts[0].offset, parts[0].type))


def _count_of(memory: Memory, starts: Words, counters: Words) -> tuple[Words, Mask]:
    """The number of elements of a shared array."""
    width = memory.pointer_size
    # A vtable and two counts of 4 bytes; then the pointer, or the number, a flag, the pointer.
    behind, read = memory.gather(counters + np.uint64(width + 8), 3 * width)
    number, _, third = (memory.pointer_column(behind, at * width) for at in range(3))
    before, there = memory.gather(starts - np.uint64(width), width)
    told = np.where(number == starts, memory.pointer_column(before), number)
    return told, read & np.where(number == starts, there, third == starts)


def counted(found: Type) -> Pointer | None:
    """std::shared_ptr and std::weak_ptr."""
    pointer, count = found.find("_M_ptr"), found.find("_M_refcount")
    if pointer is None or count is None or pointer.type.kind is not Kind.POINTER:
        return None
    if pointer.type.resolve is None:
        return None
    control = count.type.find("_M_pi")
    if control is None or control.type.kind is not Kind.POINTER or control.type.resolve is None:
        return Pointer(pointer.type.target, found.size, pointer.offset, pointer.type.size)
    return Pointer(
        pointer.type.target,
        found.size,
        pointer.offset,
        pointer.type.size,
        count.offset + control.offset,
        control.type.target.find("_M_use_count"),
        "__weak_count" in count.type.name,
    )
