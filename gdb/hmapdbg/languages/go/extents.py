"""Whether an array can lie where a slice says: a variable that is not set yet has any words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...target import MemoryFault, Target, TargetError
from ...target.intervals import merge_ranges
from .heap import Heap, read_heap
from .modules import STATIC, ranges_of

Words = NDArray[np.uint64]
Mask = NDArray[np.bool_]

SMALL = 4096  # bytes of an array that is not doubted: what cannot be read is left out anyway


class Extents:
    """The blocks of a target's heap, and what is mapped."""

    def __init__(self, target: Target) -> None:
        self._heap: Heap | None = None
        try:
            self._heap = read_heap(target)
        except (TargetError, MemoryFault):
            pass
        self._static = _columns(ranges_of(target, STATIC))
        self._code = _columns(ranges_of(target, [("text", "etext")]))
        mapped = target.mappings()
        self._mapped: tuple[Words, Words] | None = None
        if mapped is not None:
            self._mapped = _columns(mapped)

    def are_mapped(self, target: Target, addrs: Words) -> bool:
        """Whether all addresses are those of memory."""
        if self._mapped is None:
            return bool(target.gather(np.unique(addrs), 1)[1].all())
        return bool((_ends(self._mapped, addrs) > 0).all())

    def are_code(self, addrs: Words) -> bool:
        """Whether all addresses are those of code of a module."""
        return bool((_ends(self._code, addrs) > 0).all())

    def can_hold(self, addrs: Words, size: int, has_pointers: bool) -> bool:
        """Whether values of `size` bytes can be at all (n,) addresses, of those that lie in the
        heap: inside of their block, which has pointers if they have any."""
        if self._heap is None:
            return True
        ends = self._heap.block_ends(addrs)
        inside = ends > 0
        if not (ends[inside] - addrs[inside] >= np.uint64(size)).all():
            return False
        return not has_pointers or not self._heap.are_noscan(addrs[inside]).any()

    def have_room(self, starts: Words, sizes: Words) -> Mask:
        """Which arrays (n,) of so many bytes end before their block of the heap does, or, outside
        of the heap, their part of a module, or what is mapped. In code there are none."""
        good: Mask = sizes <= SMALL
        rows = np.flatnonzero(~good)
        if not len(rows):
            return good
        ends = _ends(self._mapped, starts[rows])
        static = _ends(self._static, starts[rows])
        ends = np.where(static > 0, static, ends)
        ends = np.where(_ends(self._code, starts[rows]) > 0, np.uint64(0), ends)
        if self._heap is not None:
            blocks = self._heap.block_ends(starts[rows])
            ends = np.where(blocks > 0, blocks, ends)
        good[rows] = (ends >= starts[rows]) & (ends - starts[rows] >= sizes[rows])
        return good


def _columns(ranges: Sequence[tuple[int, int]]) -> tuple[Words, Words]:
    merged = np.array(merge_ranges(ranges), np.uint64).reshape(-1, 2)
    return merged[:, 0], merged[:, 1]


def _ends(ranges: tuple[Words, Words] | None, addrs: Words) -> Words:
    """Where the range of each address ends, 0 outside of all; None: anything may be mapped."""
    if ranges is None:
        return np.full(len(addrs), np.iinfo(np.uint64).max, np.uint64)
    lows, highs = ranges
    at = np.searchsorted(lows, addrs, side="right") - 1
    inside = (at >= 0) & (addrs < highs[at]) if len(lows) else np.zeros(len(addrs), np.bool_)
    return np.where(inside, highs[at] if len(lows) else addrs, np.uint64(0))
