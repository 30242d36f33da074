"""The struct types of a program with maps in them, not behind pointers: what may hold a map."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...compat import dataclass
from ...target import Target
from .abi import GoKind
from .descriptors import MAX_FIELDS, Descriptors, NoDescriptor
from .found_types import FoundTypes

Words = NDArray[np.uint64]

MAX_NESTED = 8  # structs and arrays in each other
MAX_MAPS = 64  # of one struct


@dataclass(frozen=True, slots=True)
class MapStruct:
    """A struct type: its descriptor, its size in bytes, and the descriptors of the types of the
    maps in it, by their offsets."""

    descriptor: int
    size: int
    maps: dict[int, int]


class MapStructs:
    """Those of a target: `found`."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._descriptors = target.kept(Descriptors)
        self._maps = set(target.kept(FoundTypes).of_kind(GoKind.MAP).tolist())
        self.found: list[MapStruct] = []
        for addr in self._structs().tolist():
            try:
                size = self._descriptors.at(addr).size
                maps = dict(self._iter_maps(addr, 0, 0))
            except NoDescriptor:
                continue
            if maps and len(maps) <= MAX_MAPS:
                self.found.append(MapStruct(addr, size, maps))

    def _structs(self) -> Words:
        """The structs with maps in them: first those that have them as fields, then those that have
        these, and arrays of them."""
        known = self._target.kept(FoundTypes)
        owners, types = self._fields(known.of_kind(GoKind.STRUCT))
        arrays, elements = self._elements(known.of_kind(GoKind.ARRAY))
        owners, types = np.concatenate([owners, arrays]), np.concatenate([types, elements])
        holders = known.of_kind(GoKind.MAP)
        for _ in range(MAX_NESTED):
            more = np.unique(np.concatenate([holders, owners[np.isin(types, holders)]]))
            if len(more) == len(holders):
                break
            holders = more
        return np.intersect1d(holders, known.of_kind(GoKind.STRUCT))

    def _fields(self, structs: Words) -> tuple[Words, Words]:
        """The structs, one for each of their fields, and the types of these."""
        lists, entry, member = self._descriptors.field_lists()
        width = self._target.pointer_size
        rows, ok = self._target.gather(structs + np.uint64(lists), 2 * width)
        first, count = (self._target.pointer_column(rows, at) for at in (0, width))
        ok &= (count > 0) & (count <= MAX_FIELDS)
        structs, first, counts = structs[ok], first[ok], count[ok].astype(np.int64)
        which = np.repeat(np.arange(len(structs)), counts)
        numbers = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        places = first[which] + (numbers * entry + member).astype(np.uint64)
        rows, ok = self._target.gather(places, width)
        return structs[which[ok]], self._target.pointer_column(rows[ok])

    def _elements(self, arrays: Words) -> tuple[Words, Words]:
        """Array types, and the types of their elements."""
        places = arrays + np.uint64(self._descriptors.elem_offset(GoKind.ARRAY))
        rows, ok = self._target.gather(places, self._target.pointer_size)
        return arrays[ok], self._target.pointer_column(rows[ok])

    def _iter_maps(self, addr: int, at: int, depth: int) -> Iterator[tuple[int, int]]:
        """The offsets of the maps in a type, and their types. NoDescriptor."""
        if addr in self._maps:
            yield at, addr
            return
        found = self._descriptors.at(addr)
        if depth > MAX_NESTED:
            return
        if found.kind is GoKind.STRUCT:
            for one in self._descriptors.members(found):
                yield from self._iter_maps(one.type, at + one.offset, depth + 1)
        elif found.kind is GoKind.ARRAY:
            elem = self._descriptors.elem(found)
            size = self._descriptors.at(elem).size
            for number in range(min(self._descriptors.count(found), MAX_MAPS + 1)):
                yield from self._iter_maps(elem, at + number * size, depth + 1)
