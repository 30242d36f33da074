"""How many bytes Go's allocator takes for an object: the runtime's size classes, as heap profiles
count them.

Small objects take the smallest class that they fit in (runtime/sizeclasses.go), larger ones whole
pages. From go1.22 on, an object with pointers of more than 512 bytes has the descriptor of its type
before it (runtime/malloc.go mallocgc(), mbitmap.go heapBitsInSpan()).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...block import Problem
from ...header import Header
from ...languages.go import PAGE, find_value, read_heap
from ...target import Kind, MemoryFault, Target, TargetError, Type

# From go1.25 on, and before.
CLASSES = ("internal/runtime/gc.SizeClassToSize", "runtime.class_to_size")
MAX_DEPTH = 64  # of nested structs


def iter_too_large(target: Target, header: Header) -> Iterator[Problem]:
    """H1: arrays that do not fit into the blocks of the heap in which they begin."""
    try:
        heap = read_heap(target)
    except (TargetError, MemoryFault):
        return
    for array in header.arrays:
        block = heap.block_at(array.address)
        size = (array.buckets + array.spare) * header.geometry.bucket_size
        if block is not None and array.address + size > block.start + block.size:
            yield Problem(
                f"{array.prefix}{header.geometry.array} of {size:,} bytes lies in a block of "
                f"the heap that ends {block.start + block.size - array.address:,} bytes on",
                array.address,
                "H1",
            )


class Blocks:
    """The allocator of a target's program. Kept for a target."""

    def __init__(self, target: Target) -> None:
        self._word = target.pointer_size
        self._classes = _classes(target)
        span = target.lookup_type("runtime.mspan")
        self._has_headers = span is not None and span.find("largeType") is not None

    @property
    def are_known(self) -> bool:
        """Whether the size classes are known."""
        return len(self._classes) > 0

    def size(self, size: int, has_pointers: bool = True) -> int:
        """The bytes that an object of that size takes; the size itself if the classes are
        unknown."""
        return self._given(size, has_pointers)[0]

    def usable(self, size: int, has_pointers: bool = True) -> int:
        """As `size`, without what the allocator uses of it itself (runtime/msize.go)."""
        block, header = self._given(size, has_pointers)
        return block - header

    def _given(self, size: int, has_pointers: bool) -> tuple[int, int]:
        if size <= 0 or not len(self._classes):
            return size, 0
        most = int(self._classes[-1])
        header = self._word if self._has_headers else 0
        if size > most - header:
            return -(-size // PAGE) * PAGE, 0
        # Of smaller ones, a word of bits tells which words are pointers.
        header = header if has_pointers and size > 8 * self._word * self._word else 0
        return int(self._classes[np.searchsorted(self._classes, size + header)]), header


def _classes(target: Target) -> np.typing.NDArray[np.int64]:
    """The size classes, in increasing order; empty: unknown."""
    for name in CLASSES:
        value = find_value(target, name)
        if value is not None and value.type.kind is Kind.ARRAY and value.type.target.size == 2:
            found = np.frombuffer(value.data, f"{target.order}u2").astype(np.int64)
            if len(found) > 1 and found[0] == 0 and (np.diff(found) > 0).all():
                return found
    return np.zeros(0, np.int64)


def has_pointers(found: Type, depth: int = 0) -> bool:
    """Whether values of a type have pointers that the collector follows."""
    if found.kind is Kind.POINTER or depth > MAX_DEPTH:
        return True
    if found.kind is Kind.ARRAY:
        return found.count > 0 and has_pointers(found.target, depth + 1)
    if found.kind in (Kind.STRUCT, Kind.UNION):
        return any(has_pointers(one.type, depth + 1) for one in found.iter_fields())
    return False
