"""The types of methods' receivers, by the methods' names, and where receivers lie: beside the code
of a method value (`f := server.run`), and above the frames of methods that goroutines are in.

A method value is a closure of two words: the entry of the wrapper "main.(*server).run-fm", and the
receiver. From go1.17 on a receiver is passed in AX; where it is used after a call, it is kept in
the first word above the frame (cmd/compile/abi-internal.md, spill space), and the collector's map
of the frame has that word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...compat import dataclass
from ...target import Kind, MemoryFault, Target, Type
from .declared import find_type
from .frames import FramePlaces
from .functions import Functions
from .heap import Heap
from .liveness import LiveWords
from .plausible import fits, shape_of

Words = NDArray[np.uint64]

_METHOD = re.compile(r"(?P<package>[^()\[\]%]*)\.\(\*(?P<type>\w+)\)\.\w+(?:-fm)?")
_WRAPPERS = rb"[^\0]*\(\*\w+\)\.\w+-fm"
# From go1.24 on, methods of sync.Map are often those of the generic trie that it is.
_TRIE = "internal/sync.(*HashTrieMap[go.shape.interface {},go.shape.interface {}])."
_SYNC_MAP = "sync.Map"
MAX_CHECKED = 100_000  # receivers of one type


@dataclass(frozen=True)
class Received:
    """Where values of a struct type are."""

    type: Type
    addrs: Words


class Receivers:
    """The receivers of a target's methods that are given pointers. Kept for a target."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._functions = target.kept(Functions)
        self._known: dict[int, Type | None] = {}

    def of(self, entry: int) -> Type | None:
        """The struct whose method the function at an address is; None: it is none's."""
        if entry not in self._known:
            function = self._functions.at(entry)
            found = self._find(function.name) if function is not None else None
            is_struct = found is not None and found.kind is Kind.STRUCT and found.size > 0
            self._known[entry] = found if is_struct else None
        return self._known[entry]

    def iter_all(self, heap: Heap) -> Iterator[Received]:
        """Those of method values and of goroutines' calls that can be values of their types: in
        blocks of the heap of these types' size, or in frames."""
        places: dict[int, tuple[Type, set[int]]] = {}
        for entry, addr in (*self._iter_bound(heap), *self._iter_called()):
            found = self.of(entry)
            if found is not None and addr:
                places.setdefault(id(found), (found, set()))[1].add(addr)
        for found, addrs in places.values():
            sorted_addrs = np.array(sorted(addrs)[:MAX_CHECKED], np.uint64)
            good = self._whole(heap, found, sorted_addrs)
            if len(good):
                yield Received(found, good)

    def _find(self, name: str) -> Type | None:
        if name.startswith(_TRIE):
            return find_type(self._target, _SYNC_MAP)
        match = _METHOD.fullmatch(name)
        name = f"{match['package']}.{match['type']}" if match is not None else ""
        return find_type(self._target, name) if name else None

    def _iter_bound(self, heap: Heap) -> Iterator[tuple[int, int]]:
        """The wrappers' entries and the receivers of method values in the heap."""
        wrappers, width = self._functions.entries_of(_WRAPPERS), self._target.pointer_size
        for span in heap.spans_of(2 * width) if len(wrappers) else ():
            if heap.noscan[span]:
                continue
            _, raw = heap.read_blocks(self._target, span)
            entries = self._target.pointer_column(raw)
            rows = np.flatnonzero(np.isin(entries, wrappers))
            receivers = self._target.pointer_column(raw, width)[rows]
            yield from zip(entries[rows].tolist(), receivers.tolist())

    def _iter_called(self) -> Iterator[tuple[int, int]]:
        """The methods that goroutines are in, and their receivers where they are still used."""
        live = self._target.kept(LiveWords)
        for frame in self._target.kept(FramePlaces).all():
            above = frame.caller_sp
            if _METHOD.fullmatch(frame.function.name) and live.holds(frame, above - frame.sp):
                try:
                    yield frame.function.entry, self._target.read_uint(above)
                except MemoryFault:
                    continue

    def _whole(self, heap: Heap, found: Type, addrs: Words) -> Words:
        """The addresses at which there can be a value of a type: where a block of its size begins,
        or inside one frame."""
        rows, starts, sizes = heap.blocks_at(addrs)
        begins = (starts == addrs[rows]) & (sizes >= found.size)
        smaller = [heap.largest_below(one) for one in sizes.tolist()]
        begins &= np.array(smaller, np.int64) < found.size
        frames = self._target.kept(FramePlaces)
        held = [frames.at(one) for one in addrs.tolist()]
        last = [frames.at(one + found.size - 1) for one in addrs.tolist()]
        good = np.array([one is not None and one is end for one, end in zip(held, last)], np.bool_)
        good[rows] = begins
        addrs = addrs[good]
        raw, ok = self._target.gather(addrs, found.size)
        shape = shape_of(found, 1)
        there = [
            bool(is_read) and fits(self._target, shape, row[None])
            for row, is_read in zip(raw, ok.tolist())
        ]
        return addrs[np.array(there, np.bool_)]
