"""What the heap itself says of the types of its blocks.

From go1.22 on a block of over 512 bytes with pointers begins with the descriptor of what it was
allocated for, and the span of a large block has it (runtime/mbitmap.go). And each interface,
wherever it lies, has the descriptor of what it holds beside the pointer to that.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...compat import dataclass
from ...target import MemoryFault, Target, TargetError
from ...target.memory import mapped_parts
from .descriptors import Descriptors
from .goroutines import stacks_of
from .heap import Heap
from .modules import VARIABLES, modules_of, ranges_of

Words = NDArray[np.uint64]
Mask = NDArray[np.bool_]

MAX_SCANNED = 4 << 30  # bytes of blocks with pointers
PIECE = 4 << 20  # bytes that are looked at at a time
MAX_ITABS = 1_000_000


@dataclass(frozen=True)
class Typed:
    """Values of one type: its descriptor, and where they are."""

    descriptor: int
    addrs: Words
    sizes: Words  # bytes from there on, in which more of them may lie


@dataclass(frozen=True)
class Held:
    """What interfaces hold: the descriptor of its type, and the interfaces' second words."""

    descriptor: int
    words: Words


class HeapTypes:
    """The evidence in a target's heap. `scanned`, of `whole`: bytes of blocks with pointers."""

    def __init__(self, target: Target, heap: Heap) -> None:
        self._target = target
        self._heap = heap
        self._ranges = ranges_of(target, [("types", "etypes")])
        self._variables = ranges_of(target, VARIABLES)
        self.scanned = 0
        self.whole = int(heap.sizes[~heap.noscan].sum())

    def iter_blocks(self) -> Iterator[Typed]:
        """The blocks that have a type of their own. What their type is a part of is not told: a
        slice's array has the type of its elements."""
        heap, width = self._heap, self._target.pointer_size
        if not heap.has_headers:
            return
        starts, sizes = heap.headed_blocks()
        rows, ok = self._target.gather(starts, width)
        words = np.where(ok, self._target.pointer_column(rows), np.uint64(0))
        large = np.flatnonzero(heap.types != 0)
        words = np.concatenate([words, heap.types[large]])
        starts = np.concatenate([starts + np.uint64(width), heap.starts[large]])
        sizes = np.concatenate([sizes - np.uint64(width), heap.blocks[large]])
        there = self._are_types(words) & heap.are_allocated(self._target, starts)
        for word, chosen in _groups(words, np.flatnonzero(there)):
            yield Typed(word, starts[chosen], sizes[chosen])

    def iter_held(self) -> Iterator[Held]:
        """What interfaces hold, in the heap, in variables and on the stacks."""
        words: list[Words] = [np.zeros(0, np.uint64)]
        datas: list[Words] = [np.zeros(0, np.uint64)]
        addrs: list[Words] = [np.zeros(0, np.uint64)]
        itabs, types = self._itabs()
        for start, column in self.iter_words():
            first, second = column[:-1], column[1:]
            is_type = self._are_types(first)
            if len(itabs):
                at = np.searchsorted(itabs, first)
                is_itab = itabs[np.minimum(at, len(itabs) - 1)] == first
            else:
                is_itab = np.zeros(len(first), np.bool_)
            rows = np.flatnonzero((is_type | is_itab) & (second > 4096))
            if len(rows):
                found = first[rows].copy()
                of_itab = is_itab[rows]
                found[of_itab] = types[np.searchsorted(itabs, found[of_itab])]
                words.append(found)
                datas.append(second[rows])
                width = np.uint64(self._target.pointer_size)
                addrs.append(np.uint64(start) + (rows.astype(np.uint64) + np.uint64(1)) * width)
        all_words, all_datas = np.concatenate(words), np.concatenate(datas)
        in_use = self._heap.are_allocated(self._target, np.concatenate(addrs))
        for word, chosen in _groups(all_words, np.flatnonzero(in_use)):
            yield Held(word, all_datas[chosen])

    def are_values(self, addrs: Words, size: int) -> Mask:
        """Which addresses may be those of values of `size` bytes with pointers, by where they lie:
        in a block that is in use, or among a module's variables."""
        heap = self._heap
        ends = heap.block_ends(addrs)
        good: Mask = (ends > 0) & heap.are_allocated(self._target, addrs)
        for low, high in self._variables:
            inside = (ends == 0) & (addrs - np.uint64(low) < np.uint64(high - low))
            ends = np.where(inside, np.uint64(high), ends)
            good |= inside
        aligned = addrs % np.uint64(self._target.pointer_size) == 0
        fits: Mask = good & aligned & (ends - addrs >= np.uint64(size))
        return fits

    # ---- where types are

    def _are_types(self, words: Words) -> Mask:
        """Which words lie where modules have their descriptors."""
        found = np.zeros(len(words), np.bool_)
        for low, high in self._ranges:
            found |= (words - np.uint64(low)) < np.uint64(high - low)
        found &= words % np.uint64(self._target.pointer_size) == 0
        return found

    def _itabs(self) -> tuple[Words, Words]:
        """The addresses of the modules' itabs, in order, and the descriptors in them."""
        width = self._target.pointer_size
        member = self._target.kept(Descriptors).type_in_itab()
        parts: list[Words] = [np.zeros(0, np.uint64)]
        for module in modules_of(self._target) if member is not None else ():
            try:
                first, count = module.word("itablinks", "array"), module.word("itablinks", "len")
                rows, ok = self._target.read_rows(first, min(count, MAX_ITABS), width)
            except (TargetError, MemoryFault):
                continue
            parts.append(self._target.pointer_column(rows[ok]))
        itabs: Words = np.unique(np.concatenate(parts))
        if member is None or not len(itabs):
            return itabs[:0], itabs[:0]
        rows, ok = self._target.gather(itabs + np.uint64(member.offset), width)
        return itabs[ok], self._target.pointer_column(rows[ok])

    # ---- words

    def iter_words(self) -> Iterator[tuple[int, Words]]:
        """Runs of words where pointers may be, each with its address: in the heap, in the modules'
        variables, on the stacks. A word may be in two runs."""
        target, width = self._target, self._target.pointer_size
        for low, high in mapped_parts(target, (*self._variables, *self._iter_ranges())):
            for begin in range(low, high, PIECE):
                # A word more: an interface may lie across.
                end = min(begin + PIECE + width, high)
                if self.scanned > MAX_SCANNED:
                    return
                self.scanned += end - begin
                count = (end - begin) // width
                rows, ok = target.read_rows(begin, count, width)
                yield begin, np.where(ok, target.pointer_column(rows), np.uint64(0))
        stacks = stacks_of(target)
        breaks = np.flatnonzero(np.diff(stacks.addrs) != np.uint64(width)) + 1
        for part, addrs in zip(np.split(stacks.words, breaks), np.split(stacks.addrs, breaks)):
            if len(part) > 1:
                yield int(addrs[0]), part

    def _iter_ranges(self) -> Iterator[tuple[int, int]]:
        """The spans with pointers, adjacent ones together."""
        heap = self._heap
        lows = heap.starts[~heap.noscan]
        highs = lows + heap.sizes[~heap.noscan]
        if not len(lows):
            return
        breaks = np.flatnonzero(lows[1:] != highs[:-1]) + 1
        firsts = np.concatenate([[0], breaks])
        lasts = np.concatenate([breaks, [len(lows)]]) - 1
        yield from zip(lows[firsts].tolist(), highs[lasts].tolist())


def _groups(words: Words, chosen: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """The chosen rows with the same word, by word."""
    if not len(chosen):
        return
    order = chosen[np.argsort(words[chosen], kind="stable")]
    found, starts = np.unique(words[order], return_index=True)
    for word, rows in zip(found.tolist(), np.split(order, starts[1:])):
        yield word, rows
