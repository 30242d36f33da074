"""Whether a map of Go is where something looks like one: every control byte and every count agrees,
and the first keys and elems can be of their types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Optional, Union

import numpy as np
from numpy.typing import NDArray

from ..block import Block, Cells, Problem, live_entries
from ..families import open_map
from ..families.family import Map
from ..header import Header
from ..compat import dataclass
from ..languages.go import PAGE, Heap, Shape, fits, shape_of
from ..target import Kind, MemoryFault, Target, TargetError, Type, Value

MAX_WALKED = 64 << 20  # bytes of a map that is tried
MAX_VALUES = 1000  # keys and elems of it that are looked at


KEYS_TWICE = ("I10", "S12")  # the invariants that no key is there twice
UNKNOWN = "map[?]?"  # in place of a type's name, of a map whose type is one of several


class WithHeader:
    """A map, with a header that says more, or less, than its own."""

    def __init__(self, inner: Map, header: Header) -> None:
        self._inner = inner
        self.header = header

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _Untyped(WithHeader):
    """A map that was opened as one of several types: what is taken for its keys may have equal
    bytes, as the halves of strings have."""

    def audit(self) -> Iterator[Union[Block, Problem]]:
        """See family.Map."""
        for item in self._inner.audit():
            if not isinstance(item, Problem) or item.invariant not in KEYS_TWICE:
                yield item


def untyped(opened: Map, names: Sequence[str]) -> Map:
    """A map of which only the size of its buckets is known, and the names of the types that have
    it. Keys and elems are as long as those of the type that it was opened as."""
    header = opened.header
    shown = " or ".join(names[:3]) + (f" or {len(names) - 3:,} more" if names[3:] else "")
    key, elem = (Type(Kind.OTHER, "?", one.size) for one in (header.key_type, header.elem_type))
    notes = (*header.notes, f"its type is {shown}")
    header = replace(header, type_name=UNKNOWN, key_type=key, elem_type=elem, notes=notes)
    return _Untyped(opened, header)


def made_at(opened: Map, place: str) -> Map:
    """A map, with where in the program it is made."""
    return WithHeader(opened, replace(opened.header, created_at=place))


def map_at(target: Target, name: str, found: Type, addr: int) -> Value:
    """The pointer to a map of a type at an address."""
    return Value(name, found, addr.to_bytes(target.pointer_size, target.byte_order))


def try_open(target: Target, value: Value) -> Map | None:
    """The map that a pointer leads to; None where it cannot be opened."""
    try:
        return open_map(target, value)
    except (TargetError, MemoryFault):
        return None


def is_sound(target: Target, heap: Optional[Heap], value: Value) -> bool:
    """Whether a pointer leads to a map of its type, which may be empty."""
    opened = try_open(target, value)
    if opened is None:
        return False
    if not opened.header.count:
        return _is_empty(opened)
    cells = sound_cells(heap, opened)
    return cells is not None and slots_of(opened).make_sense(opened, cells, Readings(target))


def _is_empty(opened: Map) -> bool:
    """Whether a map is sound that has no entries, but buckets."""
    if opened.header.problems or not opened.header.arrays:
        return False
    try:
        return live_entries(opened.walk(cells=False)) == 0
    except (TargetError, MemoryFault):
        return False


def sound_cells(heap: Optional[Heap], opened: Map) -> Cells | None:
    """Some cells of a map; None where that is not sound."""
    header = opened.header
    if header.problems or not header.arrays or not header.count:
        return None
    if sum(array.size for array in header.arrays) > MAX_WALKED:
        return None
    for array in header.arrays if heap is not None else ():
        # A block is a bit larger than what was asked for, by an eighth at most, or a page.
        used = (array.buckets + array.spare) * header.geometry.bucket_size
        block = heap.block_at(array.address) if heap is not None else None
        most = used + max(used // 8, 64) + PAGE * (used > 4096)
        if block is not None and not used <= block.size <= most:
            return None
    parts: list[Cells] = []
    live = 0
    for item in opened.walk(cells=True):
        if isinstance(item, Problem):
            return None
        live += 0 if item.buckets is None else int(item.buckets.live.sum())
        if item.cells is not None and sum(map(len, parts)) < MAX_VALUES:
            parts.append(item.cells.take(np.arange(min(len(item.cells), MAX_VALUES))))
    return Cells.join(parts) if live == header.count and parts else None


class Readings:
    """The values of one map's cells, which several types may have at one place: read once."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._known: dict[tuple[int, int, int], tuple[NDArray[np.uint8], bool]] = {}
        self._fit: dict[tuple[int, int, int, Shape], bool] = {}

    def fit(self, shape: Shape, size: int, addrs: NDArray[np.uint64]) -> bool:
        """Whether the values of `size` bytes at (n,) addresses can all be of a shape."""
        key = int(addrs[0]), int(addrs[-1]), size, shape
        if key not in self._fit:
            data, is_whole = self._at(addrs, size)
            self._fit[key] = is_whole and fits(self._target, shape, data)
        return self._fit[key]

    def _at(self, addrs: NDArray[np.uint64], size: int) -> tuple[NDArray[np.uint8], bool]:
        """Their bytes, and whether all can be read."""
        key = int(addrs[0]), int(addrs[-1]), size
        if key not in self._known:
            data, ok = self._target.gather(addrs, size)
            self._known[key] = data, bool(ok.all())
        return self._known[key]


@dataclass(frozen=True, slots=True)
class Slots:
    """What a map type's slots hold. Types that have the same cannot be distinguished."""

    bucket: int  # bytes
    sizes: tuple[int, int]  # of keys and elems
    shapes: tuple[Shape, Shape]
    name: str = ""  # of types whose keys or elems are in boxes

    def make_sense(self, opened: Map, cells: Cells, readings: Readings) -> bool:
        """Whether keys and elems of a map can be of these: booleans 0 or 1, pointers to memory."""
        places = opened.slot_addresses(cells)
        return all(map(readings.fit, self.shapes, self.sizes, places))


def slots_of(opened: Map, depth: int = 0) -> Slots:
    """The slots of a map's type; `depth`: how far pointers in them are followed."""
    header = opened.header
    types = header.key_type, header.elem_type
    return Slots(
        header.geometry.bucket_size,
        (types[0].size, types[1].size),
        (shape_of(types[0], depth), shape_of(types[1], depth)),
        header.type_name if header.box_size else "",
    )
