"""The smart pointers of libc++, by field names."""

from __future__ import annotations

import re

import numpy as np

from ...target import Kind, Memory, Type
from ..cxx.smart import OwnedArray, Pointer, SharedArray, shared_pointer, unique_pointer
from ..elements import Words
from ..holders import Mask
from .pairs import part

# Iterators have a member of that name too.
_UNIQUE = re.compile(r"(?:struct |class )?std::(?:\w+::)?unique_ptr<")


def recognise(found: Type) -> Pointer | OwnedArray | SharedArray | None:
    """A struct as a smart pointer; None for any other type."""
    return _unique(found) or shared_pointer(found, counted(found), _count_of)


def _unique(found: Type) -> Pointer | OwnedArray | None:
    if not _UNIQUE.match(found.name):
        return None
    pointer = part(found, "__ptr_")
    return None if pointer is None else unique_pointer(found, pointer)


def counted(found: Type) -> Pointer | None:
    """std::shared_ptr and std::weak_ptr. Their counters are one less than the number of owners."""
    pointer, control = found.find("__ptr_"), found.find("__cntrl_")
    if pointer is None or control is None or pointer.type.kind is not Kind.POINTER:
        return None
    if pointer.type.resolve is None:
        return None
    known = control.type.kind is Kind.POINTER and control.type.resolve is not None
    return Pointer(
        pointer.type.target,
        found.size,
        pointer.offset,
        pointer.type.size,
        control.offset if known else -1,
        control.type.target.find("__shared_owners_") if known else None,
        "weak_ptr<" in found.name.partition("<")[0] + "<",
        least=0,
    )


def _count_of(memory: Memory, starts: Words, counters: Words) -> tuple[Words, Mask]:
    """The number of elements of a shared array."""
    width = memory.pointer_size
    # A vtable and two counts; then the pointer to the array, or the number of its elements and
    # the array itself.
    behind, read = memory.gather(counters + np.uint64(3 * width), width)
    number = memory.pointer_column(behind)
    before, there = memory.gather(starts - np.uint64(width), width)
    is_apart = number == starts
    follows = (starts > counters) & (starts - counters <= np.uint64(64 + 4 * width))
    told = np.where(is_apart, memory.pointer_column(before), number)
    return told, read & np.where(is_apart, there, follows)
