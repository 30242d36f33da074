"""What holds values of a Go program that no variable of debug info leads to: closures, frames of
goroutines, the runtime's own variables, blocks of the heap.

One look through all words that may be pointers finds those that point into the blocks asked for;
the blocks that these lie in are asked for next.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..compat import dataclass
from ..languages.go import (
    DeclaredTypes,
    FramePlaces,
    Functions,
    Heap,
    HeapTypes,
    LiveWords,
    root_name,
    short_name,
)
from ..target import MemoryFault, Target
from .steps import TYPED

Words = NDArray[np.uint64]

_CAST = re.compile(r"\(\*.+?\)\((?P<address>0x[0-9a-f]+)\)")  # see steps.cast_to
RUNTIME = "runtime."  # its frames and variables may have words that are not used any more
UNFOLLOWED = 4  # added to the rank of a word of a frame that the collector does not follow
ROUNDS = 4  # blocks in a row
MAX_SCANNED = 2 << 30  # bytes, in all rounds
MAX_ASKED = 20_000
MAX_HITS = 1_000_000  # of a round


@dataclass(frozen=True, slots=True)
class _Holder:
    """What holds a block: in words, or by the block that it is a part of."""

    text: str
    block: int = 0  # 0: it is no block, and `text` says all
    rank: int = 9  # the less the better


class Holders:
    """The holders of values of a target's heap."""

    def __init__(self, target: Target, heap: Heap) -> None:
        self._target = target
        self._heap = heap
        self._frames = target.kept(FramePlaces)
        self._live = target.kept(LiveWords)
        self._scanned = 0

    def of(self, addrs: Iterable[int]) -> dict[int, str]:
        """What holds the values at addresses, for people, as far as it is known."""
        asked = np.unique(np.fromiter(addrs, np.uint64))[:MAX_ASKED]
        blocks = {addr: self._block_of(addr) for addr in asked.tolist()}
        known: dict[int, _Holder] = {}
        open_blocks = set(blocks.values())
        for _ in range(ROUNDS):
            if not open_blocks or self._scanned > MAX_SCANNED:
                break
            found = self._look_for(open_blocks)
            known.update(found)
            open_blocks = {one.block for one in found.values() if one.block} - known.keys()
        told = {addr: self._chain(known, block) for addr, block in blocks.items()}
        return {addr: text for addr, text in told.items() if text}

    def _block_of(self, addr: int) -> int:
        """Where the block of an address begins; outside of the heap, the address."""
        block = self._heap.block_at(addr)
        return addr if block is None else block.start

    def _chain(self, known: dict[int, _Holder], block: int) -> str:
        """The holders of a block, the nearest first."""
        parts: list[str] = []
        met = set()
        while block in known and block not in met:
            met.add(block)
            one = known[block]
            if one.text:
                parts.append(one.text)
            block = one.block
        return ", held by ".join(parts)

    def _look_for(self, blocks: set[int]) -> dict[int, _Holder]:
        """The best holder of each block."""
        starts = np.array(sorted(blocks), np.uint64)
        ends = self._heap.block_ends(starts)
        ends = np.where(ends > 0, ends, starts + np.uint64(1))
        low, high = starts[0], ends.max()
        best: dict[int, _Holder] = {}
        hits = 0
        width = np.uint64(self._target.pointer_size)
        seen = HeapTypes(self._target, self._heap)
        for base, words in seen.iter_words():
            near = np.flatnonzero((words >= low) & (words < high))
            if not len(near):
                continue
            at = np.searchsorted(starts, words[near], side="right") - 1
            there = words[near] < ends[at]
            places = np.uint64(base) + near[there].astype(np.uint64) * width
            in_use = self._heap.are_allocated(self._target, places)
            hits += len(places)
            for place, number in zip(places[in_use].tolist(), at[there][in_use].tolist()):
                block = int(starts[number])
                if block in best and best[block].rank <= 1:
                    continue
                one = self._holder(place)
                if one is not None and one.block != block:
                    if block not in best or one.rank < best[block].rank:
                        best[block] = one
            if hits > MAX_HITS:
                break
        self._scanned += seen.scanned
        return best

    def _holder(self, place: int) -> _Holder | None:
        """What a pointer at an address is a part of; None: of a call that has returned."""
        block = self._heap.block_at(place)
        if block is None:
            frame = self._frames.at(place)
            if frame is not None:
                name = short_name(frame.function.name)
                rank = 4 if frame.function.name.startswith(RUNTIME) else 1
                if not self._live.may_hold(frame, place - frame.sp):
                    rank += UNFOLLOWED
                return _Holder(f"goroutine {frame.goroutine} {name}", rank=rank)
            name = self._target.describe_address(place) or root_name(self._target, place)
            rank = 4 if name.startswith(RUNTIME) else 0
            return _Holder(f"'{name}'", rank=rank) if name else None
        closure = self._closure(block.start)
        if closure:
            return _Holder(f"closure {closure}", block.start, rank=2)
        found = self._target.kept(DeclaredTypes).of(block.type) if block.type else None
        return _Holder(f"a {found.name}" if found is not None else "", block.start, rank=3)

    def _closure(self, block: int) -> str:
        """The function of the closure that a block is; empty if it is none."""
        try:
            word = self._target.read_uint(block)
        except MemoryFault:
            return ""
        function = self._target.kept(Functions).at(word)
        return function.name if function is not None and function.entry == word else ""


def roots_of(paths: Iterable[str]) -> Iterator[tuple[str, int]]:
    """The addresses that paths begin with; paths of variables are left out."""
    for path in paths:
        found = TYPED.match(path) or _CAST.match(path)
        if found is not None:
            yield path, int(found["address"], 16)
