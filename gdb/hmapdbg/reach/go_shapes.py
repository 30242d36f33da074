"""Types of maps by what holds them, where nothing tells what that is.

A block of the heap in which a pointer to a map lies is a value of a struct type with a map at that
offset, in the size of block that such a struct gets; what else lies there must be what that type
has: other maps, strings, pointers. If all types that can be there have one map type in that place,
the map is of it; if it is one type, what else it leads to is found too. Blocks of over 512 bytes
say of what type they are from go1.22 on (go_heap).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ..compat import dataclass
from ..languages.go import (
    HEADED,
    DeclaredTypes,
    Heap,
    HeapTypes,
    MapStruct,
    MapStructs,
    MapTypes,
    Shape,
    fits,
    is_bucket,
    shape_of,
)
from ..target import MemoryFault, Target, Type
from .go_sound import is_sound, map_at
from .steps import Origin, cast_to

Words = NDArray[np.uint64]
Bytes = NDArray[np.uint8]

MAX_BLOCKS = 20_000
MAX_SIZE = 4096  # bytes of a block
MAX_IN_ROW = 64  # values of one type in a block


@dataclass(frozen=True)
class _Struct:
    """A struct type that may hold maps, and what is seen of its values."""

    type: Type
    name: str
    maps: Mapping[int, Type]  # the types of its maps, by offset
    shape: Shape
    is_all_maps: bool


class Shapes:
    """What holds maps of which the types are known only to be some of several.

    `names`: the type of each map that is known now, by its address."""

    def __init__(self, target: Target, heap: Heap, maps: Mapping[int, frozenset[str]]) -> None:
        self._target = target
        self._heap = heap
        self._maps = maps  # the names of the types that may be theirs, by address
        self._made: dict[int, _Struct | None] = {}
        self._by_offset: dict[int, list[MapStruct]] = {}
        self.names: dict[int, str] = {}
        self._holders: dict[int, tuple[_Struct, list[int]]] = {}
        if maps:
            for one in target.kept(MapStructs).found:
                for offset in one.maps:
                    self._by_offset.setdefault(offset, []).append(one)
            self._look()

    def iter_places(self) -> Iterator[tuple[Type, Words, Origin]]:
        """The structs with names that hold them: their types, and where they are; see
        Search.follow_places. Closures' structs have none, and a bucket is a map's: a map's own
        address says more."""
        for struct, blocks in self._holders.values():
            if struct.name.startswith("struct {") or is_bucket(struct.name):
                continue
            addrs = np.array(sorted(blocks), np.uint64)
            yield struct.type, addrs, cast_to(struct.name, addrs)

    def _look(self) -> None:
        told: dict[int, set[str]] = {}  # what the holders of each map say
        for start, size, maps in self._iter_blocks():
            try:
                raw = np.frombuffer(self._target.read(start, size), np.uint8)
            except MemoryFault:
                continue
            whole = list(self._iter_whole(raw, maps))
            rows = list(self._iter_rows(raw, maps))
            for offset, addr in maps.items():
                names = {one.maps[offset].name for one in whole}
                names |= {one.maps[offset % one.type.size].name for one in rows}
                if names:
                    told.setdefault(addr, set()).update(names)
            if len(whole) == 1 and not rows:
                self._holders.setdefault(id(whole[0]), (whole[0], []))[1].append(start)
        self.names = {addr: min(names) for addr, names in told.items() if len(names) == 1}

    def _iter_blocks(self) -> Iterator[tuple[int, int, dict[int, int]]]:
        """The blocks that hold the maps: address, size, and the maps in it by their offsets."""
        asked = np.array(sorted(self._maps), np.uint64)
        width = np.uint64(self._target.pointer_size)
        found: list[tuple[Words, Words]] = []
        for base, words in HeapTypes(self._target, self._heap).iter_words():
            near = np.flatnonzero((words >= asked[0]) & (words <= asked[-1]))
            near = near[np.isin(words[near], asked)]
            if len(near):
                found.append((np.uint64(base) + near.astype(np.uint64) * width, words[near]))
        if not found:
            return
        places, maps = (np.concatenate(one) for one in zip(*found))
        places, first = np.unique(places, return_index=True)
        maps = maps[first]
        in_use = self._heap.are_allocated(self._target, places)
        rows, starts, sizes = self._heap.blocks_at(places)
        rows_in_use = in_use[rows] & (sizes <= (HEADED if self._heap.has_headers else MAX_SIZE))
        blocks: dict[int, tuple[int, dict[int, int]]] = {}
        for row, start, size in zip(
            rows[rows_in_use].tolist(), starts[rows_in_use].tolist(), sizes[rows_in_use].tolist()
        ):
            if len(blocks) < MAX_BLOCKS or start in blocks:
                held = blocks.setdefault(start, (size, {}))[1]
                held[int(places[row]) - start] = int(maps[row])
        for start, (size, held) in blocks.items():
            yield start, size, held

    def _iter_whole(self, raw: Bytes, maps: dict[int, int]) -> Iterator[_Struct]:
        """The types that a block can be one value of."""
        smaller = self._heap.largest_below(len(raw))
        for one in self._by_offset.get(min(maps), ()):
            if smaller < one.size <= len(raw):
                struct = self._struct(one)
                # A slice's array of maps alone looks the same.
                if struct is not None and not struct.is_all_maps:
                    if self._are_there(struct, maps) and self._fit(struct, raw[None, : one.size]):
                        yield struct

    def _iter_rows(self, raw: Bytes, maps: dict[int, int]) -> Iterator[_Struct]:
        """The types that a block can have several values of."""
        first = min(maps)
        for offset, structs in self._by_offset.items():
            for one in structs if offset <= first else ():
                count = len(raw) // one.size
                if not 2 <= count <= MAX_IN_ROW or first % one.size != offset:
                    continue
                struct = self._struct(one)
                folded = {at % one.size: addr for at, addr in maps.items()}
                if struct is not None and self._are_there(struct, folded):
                    rows = raw[: count * one.size].reshape(count, one.size)
                    if self._fit(struct, rows):
                        yield struct

    def _are_there(self, struct: _Struct, maps: Mapping[int, int]) -> bool:
        """Whether a type has the maps at their offsets, of types that they can be of."""
        return all(
            offset in struct.maps and struct.maps[offset].name in self._maps[addr]
            for offset, addr in maps.items()
        )

    def _fit(self, struct: _Struct, rows: Bytes) -> bool:
        """Whether values (n, size) can be of a type, its maps sound."""
        rows = np.ascontiguousarray(rows)
        if not fits(self._target, struct.shape, rows):
            return False
        for offset, found in struct.maps.items():
            words = self._target.pointer_column(rows, offset)
            for addr in set(words[words != 0].tolist()) - self._maps.keys():
                value = map_at(self._target, found.name, found, addr)
                if not is_sound(self._target, self._heap, value):
                    return False
        return True

    def _struct(self, one: MapStruct) -> _Struct | None:
        if one.descriptor not in self._made:
            self._made[one.descriptor] = self._make(one)
        return self._made[one.descriptor]

    def _make(self, one: MapStruct) -> _Struct | None:
        found = self._target.kept(DeclaredTypes).of(one.descriptor)
        if found is None or found.type.size != one.size:
            return None
        types = self._target.kept(MapTypes)
        maps = {offset: types.plain(descriptor) for offset, descriptor in one.maps.items()}
        known = {offset: found for offset, found in maps.items() if found is not None}
        if len(known) < len(maps):
            return None
        width = self._target.pointer_size
        shape = shape_of(found.type, 1)
        return _Struct(found.type, found.name, known, shape, len(maps) * width == one.size)
