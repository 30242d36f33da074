"""The search for maps: from variables, guided by their types, in bulk.

One generation of places is followed at a time, all places of one type together: a few large reads
get their bytes, the pointers in them become columns, and what was visited already is left out. So
each place is visited once, by one of the shortest ways to it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..block import Block, Column, live_entries
from ..families import is_handle, open_map
from ..geometry.address_set import AddressSet
from ..families.family import Map
from ..header import Header
from ..languages import Holder, Places, TellsUnknown, language_of, spread
from ..target import (
    Kind,
    MemoryFault,
    Target,
    TargetError,
    Type,
    Unreadable,
    Value,
    Variable,
)
from ..target.types import pointer_to
from .key_texts import HIDDEN, KeyTexts
from .keys import Elems, elem_step, hides_key, key_step, no_step
from .limits import Clock, Limits
from .misses import Misses
from .plan import Leaf, Plan, Plans, Way
from .steps import Derived, Joined, Ints, Origin, Path, Roots, Step, access_step, pointee_step

Words = NDArray[np.uint64]
Raw = NDArray[np.uint8]

# How a map is reached.
GLOBAL, LOCAL, REGISTRY, GOROUTINE, UNREACHED = SOURCES = (
    "global",
    "local",
    "registry",
    "goroutine",
    "unreached",
)

MAX_OTHERS = 10_000  # places met again of which the paths are kept
OTHERS_OF_ONE = 8  # paths of a map beside its own
MAX_ARRAY = 1_000_000  # elements of one array
CHUNK_BYTES = 16 << 20  # of places read at a time
SPARSE = 64 << 10  # bytes; larger places are read only where they lead on


@dataclass
class Found:
    """A map, and how it is reached."""

    map: Map
    path: str  # as typed by a user
    source: str  # one of SOURCES

    @property
    def header(self) -> Header:
        return self.map.header


@dataclass
class _Batch:
    plan: Plan
    addrs: Words
    origin: Origin


@dataclass
class _Next:
    """The next generation of one type."""

    plan: Plan
    addrs: list[Words] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)


class Search:
    """One search through a program; several sources share what was visited."""

    def __init__(self, target: Target, limits: Limits = Limits()) -> None:
        self.target = target
        self.limits = limits
        self._arrow = language_of(target).arrow
        self.plans = Plans(target)
        self.met_maps: dict[int, Found] = {}
        self.others: dict[int, list[str]] = {}  # other paths of maps, by address
        self.held_by: dict[int, str] = {}  # what holds a map without a path, by its address
        self.places = 0
        self.followed = 0  # of them
        self.watch: Callable[[], object] = lambda: None  # called often
        self.is_interrupted = False  # by Ctrl-C
        self._end = ("", "")  # why the search ended early, and how to get more
        self.misses = Misses(target)
        self._is_doubtful = False  # the values that are followed may be garbage
        self._cuts: dict[str, None] = {}
        self._met: dict[Hashable, AddressSet] = {}
        self._next: dict[Hashable, _Next] = {}
        self._clock = Clock(limits.seconds, limits.wall_seconds)
        self._keys = KeyTexts(target, self.misses)

    @property
    def cuts(self) -> list[str]:
        """What was left out, and how to include it."""
        why, remedy = self._end
        if not why:
            return list(self._cuts)
        waiting = self.places - self.followed
        if not self.places:
            return [f"the search {why}, before it had a place to follow{remedy}", *self._cuts]
        if not waiting:
            return [f"the search {why}: what it knew of was followed{remedy}", *self._cuts]
        return [
            f"the search {why}: of {self.places:,} places known to it, {waiting:,} and what they "
            f"lead to were not followed{remedy}",
            *self._cuts,
        ]

    @property
    def has_stopped(self) -> bool:
        """Whether the search has ended early."""
        return bool(self._end[0])

    def interrupt(self) -> None:
        """Ends the search because of Ctrl-C, with what it has found so far."""
        self.is_interrupted = True
        self._stop("was ended by Ctrl-C")

    def _stop(self, why: str, remedy: str = "") -> None:
        self._end = (why, remedy)
        self._next = {}

    # ---- sources

    def follow(self, variables: Iterable[Variable], source: str) -> Iterator[Found]:
        """The maps that variables lead to and that are not yet found."""
        for variable in variables:
            found, address = variable.type, variable.address
            if self.plans.of(found) is None:
                continue
            path = Path(self.target.path_of(variable), arrow=self._arrow)
            if address is None:  # a pointer in a register
                if found.kind is not Kind.POINTER or found.resolve is None:
                    continue
                address = int.from_bytes(variable.data, self.target.byte_order)
                found, path = found.target, path.pointee()
            self._add(found, np.array([address], np.uint64), Roots([path]))
        yield from self._run(source)

    def follow_places(
        self, places: Iterable[tuple[Type, Words, Origin]], source: str
    ) -> Iterator[Found]:
        """The maps that values lead to which may be garbage, and that are not yet found: the type
        of some, their addresses, and what paths to them begin with. What is no sound map is not
        missed."""
        self._is_doubtful = True
        try:
            for found, addrs, origin in places:
                self._add(found, addrs, origin)
            yield from self._run(source)
        finally:
            self._is_doubtful = False

    def take(self, value: Value, path: str, source: str, follow: bool = True) -> Iterator[Found]:
        """A known map and, with `follow`, which needs types that are certain, the maps that it
        leads to. TargetError if it cannot be opened."""
        opened = open_map(self.target, value)
        if opened.header.address in self.met_maps:
            return
        found = self._keep(opened, path, source)
        yield found
        if follow:
            self._follow_elems(found, Path(path, arrow=self._arrow))
            yield from self._run(source)

    # ---- generations

    def _run(self, source: str) -> Iterator[Found]:
        for _ in range(self.limits.generations):
            batches = [
                _Batch(
                    one.plan,
                    np.concatenate(one.addrs),
                    one.origins[0]
                    if len(one.origins) == 1
                    else Joined(one.origins, [len(part) for part in one.addrs]),
                )
                for one in self._next.values()
            ]
            self._next = {}
            if not batches:
                return
            for batch in batches:
                if self.is_spent():
                    self._next = {}
                    return
                yield from self._expand(batch, source)
                if self.has_stopped:
                    return  # in the middle of it
                self.followed += len(batch.addrs)
        if self._next:
            self._cut(f"pointers were followed only {self.limits.generations:,} deep")
            self._next = {}

    def is_spent(self) -> bool:
        """Whether a limit has been reached."""
        self.watch()
        if self.has_stopped:
            return True
        if self.places > self.limits.places:
            self._stop(f"ended after {self.limits.places:,} places", ": '--places N' allows more")
        elif self._clock.is_over:
            self._stop(f"ended after {self.limits.seconds:g} s", ": '--seconds N' allows more")
        return self.has_stopped

    def _cut(self, text: str) -> None:
        self._cuts[text] = None

    def _add(self, found: Type, addrs: Words, origin: Origin) -> None:
        """Places of a type, for the next generation; those visited already are left out."""
        self.watch()
        plan = self.plans.of(found)
        if plan is None or len(addrs) == 0:
            return
        met = self._met.setdefault(plan.key, AddressSet())
        is_fresh = met.add(addrs, np.zeros(len(addrs), np.int64)) < 0
        if self.limits.all_paths and not is_fresh.all():
            self._note_others(plan, addrs, origin, np.flatnonzero(~is_fresh))
        fresh = np.flatnonzero(is_fresh)
        if len(fresh) == 0:
            return
        self.places += len(fresh)
        if len(fresh) < len(addrs):
            origin = Derived(origin, fresh, lambda path, _: path)
        waiting = self._next.setdefault(plan.key, _Next(plan))
        waiting.addrs.append(addrs[fresh])
        waiting.origins.append(origin)

    def _note_others(self, plan: Plan, addrs: Words, origin: Origin, again: Ints) -> None:
        """Other paths to maps in places that were met before."""
        for leaf in plan.all_leaves:
            if leaf.way is not Way.MAP:
                continue
            for row in again[:MAX_OTHERS].tolist():
                path = leaf.step(origin.path(row), 0).text
                others = self.others.setdefault(int(addrs[row]) + leaf.offset, [])
                if path and len(others) < OTHERS_OF_ONE:
                    others.append(path)

    def _expand(self, batch: _Batch, source: str) -> Iterator[Found]:
        """The maps in places of one type; where they lead goes to the next generation."""
        leaves = batch.plan.leaves or ()
        span = batch.plan.span
        step = max(CHUNK_BYTES // max(span, 1), 1) if span <= SPARSE else CHUNK_BYTES
        for begin in range(0, len(batch.addrs), step):
            addrs = batch.addrs[begin : begin + step]
            rows = np.arange(begin, begin + len(addrs))
            parts: list[tuple[Words, Ints, Raw | None]] = [(addrs, rows, None)]
            if 0 < span <= SPARSE:
                raw, ok = self.target.gather(addrs, span)
                if not self._is_doubtful:
                    self.misses.add_unread(addrs[~ok])
                # The readable parts of a place lead on even if others cannot be read.
                parts = [(addrs[ok], rows[ok], raw[ok]), (addrs[~ok], rows[~ok], None)]
            for some, numbers, data in parts:
                if batch.plan.object is not None and data is not None and len(some):
                    self._add_held(
                        batch.origin, batch.plan.object, lambda path, _: path, some, numbers, data
                    )
                for leaf in leaves if len(some) else ():
                    if leaf.way is Way.MAP:
                        yield from self._open_all(batch, leaf, some, numbers, source)
                        continue
                    try:
                        self._lead_on(batch.origin, leaf, some, numbers, data)
                    except Exception as error:  # pylint: disable=broad-except
                        self.misses.add_failure(f"values of type '{batch.plan.type.name}'", error)

    def _bytes(
        self, addrs: Words, raw: Raw | None, offset: int, size: int
    ) -> tuple[NDArray[np.bool_], Raw]:
        """`size` bytes of each place from an offset on, and which could be read."""
        if raw is not None:
            return np.ones(len(addrs), np.bool_), raw[:, offset : offset + size]
        data, ok = self.target.gather(addrs + np.uint64(offset), size)
        return ok, data

    def _lead_on(
        self, origin: Origin, leaf: Leaf, addrs: Words, rows: Ints, raw: Raw | None
    ) -> None:
        if leaf.way is Way.ARRAY:
            count = min(leaf.count, MAX_ARRAY)
            if count < leaf.count:
                self._cut(f"only {MAX_ARRAY:,} elements per array were followed")
            counts = np.full(len(addrs), count)
            places = spread(addrs + np.uint64(leaf.offset), counts, leaf.type.size)
            self._add_elements(origin, leaf, "large array or slice", places, rows)
            return
        ok, data = self._bytes(addrs, raw, leaf.offset, leaf.size)
        addrs, rows, data = addrs[ok] + np.uint64(leaf.offset), rows[ok], data[ok]
        if leaf.way is Way.POINTER:
            pointers = self.target.pointer_column(data)
            self._add_pointees(origin, leaf.type, leaf.step, pointers, rows)
        elif leaf.elements is not None:
            places = leaf.elements.find(self.target, addrs, data)
            self._add_elements(origin, leaf, leaf.elements.noun, places, rows)
        elif leaf.holder is not None:
            self._add_held(origin, leaf.holder, leaf.step, addrs, rows, data)

    def _add_held(
        self, origin: Origin, holder: Holder, before: Step, addrs: Words, rows: Ints, data: Raw
    ) -> None:
        """What holders at `addrs` hold, of which `data` are the bytes."""
        contents = holder.open(self.target, data[:, : holder.size], addrs)
        for held in contents.iter_followed():
            there = held.addrs != 0 if held.data is None else held.data.any(axis=1)
            step = access_step(holder.access, before, held.name)
            way = Derived(origin, rows[held.rows[there]], step)
            self._add(held.type, held.addrs[there], way)
        if isinstance(contents, TellsUnknown):
            self.misses.unknown[contents.unknown.noun] += int(contents.unknown.rows.sum())

    def _add_pointees(
        self, origin: Origin, found: Type, step: Step, pointers: Words, rows: Ints
    ) -> None:
        there = np.flatnonzero(pointers)
        self._add(found, pointers[there], Derived(origin, rows[there], step))

    def _add_elements(
        self, origin: Origin, leaf: Leaf, noun: str, places: Places, rows: Ints
    ) -> None:
        """Elements of what is in the places `rows` of a batch; `noun`: its kind."""
        if places.cut:
            self._cut(f"not all elements of a {noun} were followed")
        way = Derived(origin, rows[places.rows], leaf.step, places.numbers)
        self._add(leaf.type, places.addrs, way)

    # ---- maps

    def _open_all(
        self, batch: _Batch, leaf: Leaf, addrs: Words, rows: Ints, source: str
    ) -> Iterator[Found]:
        for addr, row in zip((addrs + np.uint64(leaf.offset)).tolist(), rows.tolist()):
            if addr in self.met_maps or addr == 0:
                continue
            if self.is_spent():
                return
            path = leaf.step(batch.origin.path(row), 0)
            if not path.text:
                path = Path(f"--type '{self._type_name(leaf.type)}' 0x{addr:x}", arrow=self._arrow)
            pointer = pointer_to(leaf.type, self.target.pointer_size)
            data = addr.to_bytes(self.target.pointer_size, self.target.byte_order)
            try:
                opened = open_map(self.target, Value(path.text, pointer, data))
            except (TargetError, MemoryFault) as error:
                self._miss(leaf, [error.address if isinstance(error, Unreadable) else addr])
                continue
            except Exception as error:  # pylint: disable=broad-except
                self.misses.add_failure(path.text, error)
                continue
            if opened.header.address in self.met_maps:
                continue  # maps that share their table until one is changed
            if not _is_plausible(self.target, opened.header):
                self._miss(leaf, [array.address for array in opened.header.arrays])
                continue
            if self._is_doubtful and opened.header.count and not _is_sound(opened):
                continue
            if leaf.in_union and not _is_sound(opened):
                self.misses.remnants += 1
                continue
            found = self._keep(opened, path.text, source)
            yield found
            try:
                # Of other pointers, an index is that of an array.
                self._follow_elems(found, path if is_handle(leaf.type) else path.value())
            except Exception as error:  # pylint: disable=broad-except
                self.misses.add_failure(path.text, error)

    def _miss(self, leaf: Leaf, addrs: Sequence[int]) -> None:
        """Counts a place that should hold a map and holds none: its memory is at `addrs`."""
        if self._is_doubtful:
            return
        if leaf.in_union:
            self.misses.remnants += 1
        else:
            self.misses.add_map(addrs)

    def _type_name(self, found: Type) -> str:
        """A map's type as --type takes it: gdb knows the types of Go's runtime as structs."""
        name = found.name
        return name if self.target.lookup_type(name) is not None else f"struct {name}"

    def _keep(self, opened: Map, path: str, source: str) -> Found:
        found = Found(opened, path, source)
        self.met_maps[opened.header.address] = found
        return found

    def _follow_elems(self, found: Found, path: Path) -> None:
        """The keys and elems of a map, if they lead on."""
        header = found.header
        ways = [
            (which, part)
            for which, part in ((0, header.key_type), (1, header.elem_type))
            if part.size and self.plans.of(_followed(part)) is not None
        ]
        if not ways or not header.count:
            return
        steps = key_step if not hides_key(header.elem_type) else self._hidden_key, elem_step
        keys = self._keys.of(found.map)
        for block in found.map.walk(cells=True):
            if not isinstance(block, Block) or block.cells is None or not len(block.cells):
                continue
            places = found.map.slot_addresses(block.cells)
            origin = Elems(keys, block.cells, path)
            for which, part in ways:
                whole = np.arange(len(places[which]))
                there = places[which] != 0
                way = Derived(origin, whole[there], steps[which])
                self._add(_followed(part), places[which][there], way)
                if part.kind is Kind.POINTER and not there.all():
                    columns = block.cells.keys, block.cells.elems
                    self._add_stored(origin, part, steps[which], columns[which], whole[~there])
            if self.is_spent():
                return

    def _add_stored(
        self, origin: Origin, pointer: Type, step: Step, column: Column, rows: Ints
    ) -> None:
        """Where pointers lead that are stored in less than a pointer, and so have no address."""
        known = rows[column.known[rows]]
        pointers = self.target.pointer_column(column.data[known])
        self._add_pointees(origin, pointer.target, pointee_step(step), pointers, known)

    def _hidden_key(self, path: Path, number: int) -> Path:
        """To a key that no path leads to."""
        self.misses.keys[HIDDEN] += bool(path.text)
        return no_step(path, number)


def _is_plausible(target: Target, header: Header) -> bool:
    """Whether what a pointer leads to is a map, and not what an uninitialised variable happens to
    point to: its arrays can be read, and have room for its entries."""
    if not header.arrays:
        return header.count == 0 or header.box_size > 0 or not header.geometry.bucket_size
    room = header.geometry.room(header.arrays)
    if room is not None and header.count > 64 * max(room, 1):
        return False
    size = header.geometry.bucket_size
    for array in header.arrays[:2]:
        whole = array.buckets * size
        if whole <= SPARSE:  # very many maps are small: one look at each
            if not target.is_readable(array.address, whole):
                return False
            continue
        if not target.is_readable(array.address, size):
            return False
        if not target.is_readable(array.address + whole - size, size):
            return False
    return True


def _is_sound(opened: Map) -> bool:
    """Whether a map has entries, and no Problem at all. Where only a part of the memory of a map
    may be one, anything less is a remnant."""
    header = opened.header
    if header.certain_if_empty and not header.problems and not header.arrays:
        return not header.count
    if header.problems or not header.count:
        return False
    return live_entries(opened.audit()) == header.count


def _followed(part: Type) -> Type:
    """A type of keys or elems as it is in debug info; one with members left out as it is shown."""
    origin = part.origin
    return part if origin is None or len(origin.fields) != len(part.fields) else origin
