"""Maps of a Go program that no variable leads to: held by a closure, a channel, a parked goroutine,
or nothing until they are collected.

The code of the functions on the goroutines' stacks tells which maps are in their frames
(go_stacks). For the others: the heap knows the address and size of each block
(runtime.mheap_.allspans), so all blocks of a map header's size are examined, and every word of the
stacks. What looks like a header is tried as each map type of the program whose buckets would fit
into its block; if every control byte and every count agrees, it is a map. From go1.22 on, a block
of over 512 bytes with pointers has the type that it was allocated for (runtime/mbitmap.go).
Otherwise types with buckets of one size cannot be distinguished: such a map is listed with unknown
types.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..block import Cells
from ..compat import dataclass
from ..families import family_of, open_map
from ..families.family import Map
from ..languages.go import (
    SHAPE,
    SYNC_ENTRY,
    DeclaredTypes,
    FramePlaces,
    Heap,
    HeapTypes,
    MapTypes,
    Receivers,
    find_iterators,
    has_runtime,
    is_bucket,
    iter_goroutine_variables,
    map_name_of,
    read_heap,
    stacks_of,
    without_paths,
)
from ..languages import spread
from ..layout import StructLayout, struct_layout
from ..target import Kind, MemoryFault, Target, TargetError, Type, Value
from .go_holders import Holders, roots_of
from .go_sound import (
    UNKNOWN,
    Readings,
    Slots,
    is_sound,
    made_at,
    map_at,
    slots_of,
    sound_cells,
    try_open,
    untyped,
)
from .go_roots import RootPointers, iter_roots
from .go_shapes import Shapes
from .go_stacks import iter_stack_maps
from .steps import Origin, cast_to, typed_map
from .walk import GLOBAL, GOROUTINE, UNREACHED, Found, Search, Words

Mask = NDArray[np.bool_]

MAX_BYTES = 512 << 20  # of blocks examined
MAX_CANDIDATES = 20_000
MAX_TYPES = 5_000
# Of iterators: where they have the map, and its type's descriptor.
ITERATORS = {"internal/runtime/maps.Iter": ("m", "typ"), "runtime.hiter": ("h", "t")}
HEADERS = ("internal/runtime/maps.Map", "runtime.hmap")


@dataclass(frozen=True)
class _MapType:
    """A map type of the program, and a nil map of it, for its sizes."""

    name: str
    type: Type
    map: Map

    @functools.cached_property
    def slots(self) -> Slots:
        """What its slots hold."""
        return slots_of(self.map)

    @functools.cached_property
    def slots_and_pointees(self) -> Slots:
        """What its slots hold, and what pointers in them lead to."""
        return slots_of(self.map, 1)


def search_heap(target: Target, search: Search, notes: list[str]) -> Iterator[Found]:
    """The maps not yet found, and what holds them. Obstacles to the search are notes, not
    errors."""
    found = []
    for one in _iter_unreached(target, search, notes):
        found.append((one.header.address, one.path))
        yield one
    roots = dict(roots_of(path for _, path in found))
    if not roots or search.has_stopped:
        return
    held = Holders(target, read_heap(target)).of(roots.values())
    search.held_by |= {addr: held.get(roots.get(path, 0), "") for addr, path in found}


def _iter_unreached(target: Target, search: Search, notes: list[str]) -> Iterator[Found]:
    layout = _header_layout(target) if has_runtime(target) else None
    if layout is None:
        return
    try:
        heap = read_heap(target)
    except (TargetError, MemoryFault) as error:
        notes.append(f"the heap was not searched for unreached maps: {error}")
        return
    types = _map_types(target)
    stacks = stacks_of(target)
    on_stacks = set(stacks.words.tolist()) if len(stacks.words) < 1 << 23 else set()
    if target.has_tables_only:
        yield from search.follow(iter_roots(target), GLOBAL)
    for value, path, place in iter_stack_maps(target, heap):
        for found in search.take(value, path, GOROUTINE):
            yield replace(found, map=made_at(found.map, place)) if found.path == path else found
    yield from _unused(target, search, heap)
    typed = list(_iter_typed(target, search, heap, notes))
    # A map in an interface has no path but its address: what else leads to it goes first.
    for are_maps in (False, True):
        places = (one for one in typed if (family_of(one[0]) is not None) is are_maps)
        for found in search.follow_places(places, UNREACHED):
            if found.header.elem_type.name == SYNC_ENTRY:  # counted with its sync.Map
                continue
            yield _on_stack(found, on_stacks)
    candidates = _iter_candidates(target, layout, heap, notes)
    fitting = _fitting_all(target, search, heap, types, candidates, notes)
    yield from _iter_fitting(target, search, heap, on_stacks, fitting)


def _on_stack(found: Found, on_stacks: set[int]) -> Found:
    """A map, by a goroutine if a word of a stack leads to it."""
    return replace(found, source=GOROUTINE) if found.header.address in on_stacks else found


def _iter_fitting(
    target: Target,
    search: Search,
    heap: Heap,
    on_stacks: set[int],
    fitting: Mapping[int, Sequence[_MapType]],
) -> Iterator[Found]:
    """The maps at addresses, each of one of some types."""
    several = {
        addr: frozenset(one.name for one in found)
        for addr, found in fitting.items()
        if len({one.name for one in found}) > 1
    }
    shapes = Shapes(target, heap, several)
    for found in search.follow_places(shapes.iter_places(), UNREACHED):
        yield _on_stack(found, on_stacks)
    frames = target.kept(FramePlaces)
    pointers = RootPointers(target) if target.has_tables_only else None
    for addr, candidates in fitting.items():
        if addr in search.met_maps or search.is_spent():
            continue
        source = GOROUTINE if addr in on_stacks else UNREACHED
        if source == UNREACHED and heap.block_at(addr) is None:
            if frames.at(addr) is None:
                continue  # on a stack, but of a call that has returned
            source = GOROUTINE
        told = [one for one in candidates if one.name == shapes.names.get(addr)] or candidates
        first, names = told[0], list(dict.fromkeys(one.name for one in told))
        root = pointers.root_of(addr) if pointers is not None else ""
        if root:
            source = GLOBAL
        path = f"--type '{first.name if len(names) == 1 else UNKNOWN}' {root or hex(addr)}"
        value = map_at(target, path, first.type, addr)
        for found in search.take(value, path, source, follow=len(names) == 1):
            yield found if len(names) == 1 else replace(found, map=untyped(found.map, names))


@dataclass(frozen=True)
class Guessed:
    """A map whose type is one of several: of the first, in the order of the program."""

    map: Map
    names: Sequence[str]
    is_cut_alike: bool  # keys and elems of all of them are of the same sizes


def open_guessed(target: Target, addr: int) -> Guessed:
    """The map at an address, its type one of those that fit. TargetError if none does."""
    types = _map_types(target) if has_runtime(target) else []
    fitting = _fitting(target, read_heap(target), types, addr)
    if not fitting:
        raise TargetError(f"no map of any type is at 0x{addr:x}: 'hmap-list' lists the maps")
    first = fitting[0]
    names = list(dict.fromkeys(one.name for one in fitting))
    path = f"--type '{first.name if len(names) == 1 else UNKNOWN}' 0x{addr:x}"
    opened = open_map(target, map_at(target, path, first.type, addr))
    headers = [one.map.header for one in fitting]
    sizes = {(one.key_type.size, one.elem_type.size) for one in headers}
    shown = opened if len(names) == 1 else untyped(opened, names)
    return Guessed(shown, names, len(sizes) == 1)


def _unused(target: Target, search: Search, heap: Heap) -> Iterator[Found]:
    """Maps in variables of goroutines that are not used any more: those that are sound."""
    for variable in iter_goroutine_variables(target, live=False):
        found = variable.type
        is_pointer = found.kind is Kind.POINTER and found.resolve is not None
        if variable.address is None or not is_pointer or family_of(found.target) is None:
            continue
        try:
            addr = target.read_uint(variable.address)
        except MemoryFault:
            continue
        value = map_at(target, variable.path, found, addr)
        if addr and addr not in search.met_maps and is_sound(target, heap, value):
            yield from search.take(value, variable.path, GOROUTINE)


# ---- what the heap says of types


def _iter_typed(
    target: Target, search: Search, heap: Heap, notes: list[str]
) -> Iterator[tuple[Type, Words, Origin]]:
    """The values in the heap of which it has the type, and that may lead to a map."""
    types, known = target.kept(DeclaredTypes), HeapTypes(target, heap)
    for block in known.iter_blocks():
        found = types.of(block.descriptor)
        if found is None or not found.type.size or is_bucket(found.name):
            continue
        if search.plans.of(found.type) is not None:
            size = found.type.size
            places = spread(block.addrs, (block.sizes // np.uint64(size)).astype(np.int64), size)
            if places.cut:
                notes.append(f"not all values of type '{found.name}' in the heap were followed")
            yield found.type, places.addrs, cast_to(found.name, places.addrs)
    for held in known.iter_held():
        found = types.of(held.descriptor)
        if found is None or is_bucket(found.name) or search.plans.of(found.type) is None:
            continue
        words, pointee, name = held.words, found.type, found.name
        if found.direct:
            if found.type.kind is not Kind.POINTER or found.type.resolve is None:
                continue
            pointee = found.type.target
            name = name[1:] if name.startswith("*") else pointee.name
        addrs = np.unique(words[known.are_values(words, pointee.size)])
        # Also a map type that has a name of its own.
        is_map = found.direct and found.name[0] != "*" and family_of(pointee) is not None
        if is_map and target.has_tables_only:
            # Nothing else speaks for it, and two words may stand side by side by chance.
            sound = [
                is_sound(target, heap, map_at(target, found.name, found.type, addr))
                for addr in addrs.tolist()
            ]
            addrs = addrs[np.array(sound, np.bool_)]
        yield pointee, addrs, typed_map(found.name, addrs) if is_map else cast_to(name, addrs)
    for received in target.kept(Receivers).iter_all(heap):
        if search.plans.of(received.type) is not None:
            addrs = received.addrs
            yield received.type, addrs, cast_to(received.type.name, addrs)
    if known.scanned < known.whole:
        notes.append(
            f"{known.scanned * 100 // known.whole} % of the heap's blocks with pointers were "
            "searched for types"
        )


# ---- the heap


def _header_layout(target: Target) -> StructLayout | None:
    for name in HEADERS:
        found = target.lookup_type(name)
        if found is not None and found.fields:
            return struct_layout(found, [one.name for one in found.fields])
    return None


def _iter_candidates(
    target: Target, layout: StructLayout, heap: Heap, notes: list[str]
) -> Iterator[int]:
    """Addresses of what looks like a map's header."""
    left = MAX_BYTES
    for span in heap.spans_of(layout.size):
        left -= int(heap.sizes[span])
        if left < 0:
            notes.append(f"only {MAX_BYTES >> 20} MiB of the heap were searched for maps")
            break
        addrs, raw = heap.read_blocks(target, span)
        headers = np.ascontiguousarray(raw[:, : layout.size])
        yield from addrs[_looks_like_map(target, layout, headers)].tolist()
    stacks = stacks_of(target)
    width = target.pointer_size
    count = layout.size // width
    if len(stacks.words) > count:
        windows = np.lib.stride_tricks.sliding_window_view(stacks.words, count)
        whole = stacks.addrs[count - 1 :] - stacks.addrs[: 1 - count]
        there = np.flatnonzero(whole == np.uint64((count - 1) * width))
        # Drops what clearly is not a map before making bytes of the rest.
        directory = layout["dirPtr" if "dirPtr" in layout else "buckets"].offset // width
        pointers = windows[there, directory]
        there = there[(pointers > 4096) & (pointers % np.uint64(width) == 0)]
        raw = np.ascontiguousarray(windows[there]).astype(f"{target.order}u{width}").view(np.uint8)
        addrs = stacks.addrs[there]
        yield from addrs[_looks_like_map(target, layout, raw)].tolist()


def _looks_like_map(target: Target, layout: StructLayout, raw: NDArray[np.uint8]) -> Mask:
    """Which rows (n, size) have consistent numbers; maps without buckets are ignored."""
    rows = raw.view(layout.dtype(target.order)).ravel()
    width = np.uint64(target.pointer_size)
    if "dirPtr" in layout:
        depth, length = rows["globalDepth"].astype(np.uint64), rows["dirLen"]
        bits = 8 * target.pointer_size
        shift = rows["globalShift"].astype(np.int64)
        sized = np.where(length == 0, depth == 0, length == (1 << np.minimum(depth, np.uint64(40))))
        sized &= (depth == 0) | (shift == bits - depth.astype(np.int64))
        sized &= (rows["used"] > 0) & (rows["used"] < 1 << 40) & (rows["writing"] < 2)
        small: Mask = (length > 0) | (rows["used"] <= 8)
        good: Mask = sized & small & (rows["dirPtr"] > 4096) & (rows["dirPtr"] % width == 0)
        return good
    room = 1 << np.minimum(rows["B"].astype(np.int64), 40)
    good = (rows["count"] > 0) & (rows["B"] < 40) & (rows["flags"] < 16)
    good &= (rows["count"] <= 8 * 16 * room) & (rows["buckets"] > 4096)
    good &= (rows["nevacuate"] <= room.astype(np.uint64)) & (rows["buckets"] % width == 0)
    good &= (rows["oldbuckets"] % width == 0) & (rows["extra"] % width == 0)
    good &= (rows["B"] > 0) | (rows["nevacuate"] == 0) | (rows["oldbuckets"] == 0)
    return good


# ---- types


def _map_types(target: Target) -> list[_MapType]:
    """The map types in debug info, and those that have descriptors, by name."""
    out = []
    known = {name: target.lookup_type(name) for name in target.type_names("map[")[:MAX_TYPES]}
    for one in target.kept(MapTypes).all()[:MAX_TYPES]:
        known.setdefault(one.name, one)
    for name, found in known.items():
        if found is None or found.kind is not Kind.POINTER or SHAPE in name:  # no map is of a shape
            continue
        try:
            nil = open_map(target, Value(name, found, bytes(target.pointer_size)))
        except TargetError:
            continue
        out.append(_MapType(name, found, nil))
    return out


def _fitting(target: Target, heap: Heap, types: Sequence[_MapType], addr: int) -> list[_MapType]:
    """The types for which the map at an address is valid; one, if its buckets have it."""
    name = _allocated_as(target, heap, types[0], addr) if types else ""
    of_name = [one for one in types if without_paths(one.name) == name]
    known = _Cells(target, heap, addr)
    out = known.choose(of_name or types, lambda one: one.slots)
    if len(out) > 1:
        out = known.choose(out, lambda one: one.slots_and_pointees) or out
    if len(out) > 1:
        name = _iterated_as(target, addr)
        out = [one for one in out if one.name == name] or out
    return out


class _Cells:
    """Some cells of what may be a map, as the types see them."""

    def __init__(self, target: Target, heap: Heap, addr: int) -> None:
        self._target = target
        self._heap = heap
        self._addr = addr
        self._readings = Readings(target)
        # By bucket size: the walk does not check keys and elems, and needs no more of a type.
        self._cells: dict[int, Cells | None] = {}

    def choose(
        self, types: Sequence[_MapType], slots_of_type: Callable[[_MapType], Slots]
    ) -> list[_MapType]:
        """The types whose slots the cells can be."""
        good: dict[Slots, bool] = {}
        out = []
        for one in types:
            slots = slots_of_type(one)
            if slots not in good:
                cells = self._of(one)
                good[slots] = cells is not None and slots.make_sense(one.map, cells, self._readings)
            if good[slots]:
                out.append(one)
        return out

    def _of(self, one: _MapType) -> Cells | None:
        """The cells; None if the map is not sound with buckets of the type's size."""
        size = one.slots.bucket
        if size not in self._cells:
            opened = try_open(self._target, map_at(self._target, one.name, one.type, self._addr))
            self._cells[size] = None if opened is None else sound_cells(self._heap, opened)
        return self._cells[size]


def _fitting_all(
    target: Target,
    search: Search,
    heap: Heap,
    types: Sequence[_MapType],
    candidates: Iterable[int],
    notes: list[str],
) -> dict[int, list[_MapType]]:
    """The types that the maps not yet found fit, by address; of those that fit any."""
    out: dict[int, list[_MapType]] = {}
    tried = 0
    for addr in candidates:
        if addr in search.met_maps or addr in out or search.is_spent():
            continue
        tried += 1
        if tried > MAX_CANDIDATES:
            notes.append(f"the search of the heap ended after {MAX_CANDIDATES:,} candidates")
            break
        found = _fitting(target, heap, types, addr)
        if found and all(one.map.header.elem_type.name != SYNC_ENTRY for one in found):
            out[addr] = found
    return out


def _iterated_as(target: Target, addr: int) -> str:
    """The map type by an iterator that goes through a map; empty where there is none."""
    for struct, (map_field, type_field) in ITERATORS.items():
        for one in find_iterators(target, struct, map_field, [type_field], addr):
            found = target.kept(MapTypes).of(one[type_field])
            if found is not None:
                return found.name
    return ""


def _allocated_as(target: Target, heap: Heap, one: _MapType, addr: int) -> str:
    """The map type that the block of the buckets was allocated for, without paths of packages;
    empty if the block does not say."""
    opened = try_open(target, map_at(target, one.name, one.type, addr))
    if opened is None or not opened.header.arrays:
        return ""
    array = opened.header.arrays[0].address
    block = heap.block_at(array)
    descriptor = 0 if block is None else block.type
    if block is not None and array - block.start == target.pointer_size:
        try:
            descriptor = target.read_uint(block.start)
        except MemoryFault:
            return ""
    name = target.kept(DeclaredTypes).name_at(descriptor) if descriptor else ""
    return without_paths(map_name_of(name))
