"""From a target's variables to a listing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field, replace
from typing import Protocol, TypeVar

from ..compat import dataclass
from ..families import open_map
from ..languages.go import has_runtime, iter_goroutine_variables
from ..languages.libhmap.registry import HEAD, OVER, read_registry
from ..reach import go_heap
from ..reach.limits import Clock, Limits
from ..reach.misses import Misses
from ..reach.walk import GLOBAL, GOROUTINE, LOCAL, REGISTRY, Found, Search
from ..survey import survey
from ..text import count_of, size_text
from ..target import (
    WITHOUT_DEBUG_INFO,
    Gap,
    MemoryFault,
    Target,
    TargetError,
    Value,
    Variable,
)
from ..target.interrupt import is_interrupt
from ..target.types import is_untyped
from . import sample as samples
from .rows import Listing, Row, chosen_path, row_of_header, row_of_stats
from .typed import certain_path

_One = TypeVar("_One")
_Out = TypeVar("_Out")

# Of the maps that hold less than this (bytes), so many are walked, the largest first: a program may
# have a million of them. A note says so.
SMALL = 64 << 10
SMALL_WALKED = 2000
MAX_GAPS = 8  # segments told one by one
REGISTRY_SHARE, LEAST_SECONDS = 0.2, 1.0  # of the time limit, for the registry
SECONDS_AFTER_INTERRUPT = 2.0  # of walking maps, once Ctrl-C has ended the search


class Progress(Protocol):
    """Tells people how far a long search is."""

    def say(self, text: Callable[[], str], at_once: bool = False) -> None:
        """What is being done now. `at_once`: what may take long before it is heard of again."""


@dataclass(frozen=True)
class Wanted:
    """Which maps are asked for, and what of them."""

    match: re.Pattern[str] | None = None
    family: str = ""
    min_bytes: int = 0
    samples: bool = False  # keys to remember
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Left:
    """What a search has left out."""

    notes: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)  # what broke off the walk of the registry
    unreadable: list[tuple[str, str]] = field(default_factory=list)  # maps, and why
    cuts: list[str] = field(default_factory=list)  # what limits, or want of debug info, left out
    begun: list[str] = field(
        default_factory=list
    )  # parts of the search, if it ended early the last
    unsearched: list[str] = field(default_factory=list)  # parts that were not begun


@dataclass(frozen=True)
class _Stage:
    """A part of the search."""

    noun: str
    find: Callable[[], Iterator[Found]]
    is_quick: bool = False  # and not left out for want of time


class _Teller:
    """What a search tells of its progress."""

    def __init__(self, search: Search, progress: Progress | None) -> None:
        self._search = search
        self._progress = progress
        self._noun = ""
        self._variables = 0
        search.watch = self.tell

    def begin(self, noun: str) -> None:
        """Takes up the next part."""
        self._noun, self._variables = noun, 0
        self.tell(at_once=True)

    def tell(self, at_once: bool = False) -> None:
        """Says how far the search is."""
        if self._progress is not None and self._noun:
            self._progress.say(self._text, at_once)

    def each(self, variables: Iterable[Variable]) -> Iterator[Variable]:
        """Variables, told of as they are read."""
        for one in variables:
            self._variables += 1
            self.tell()
            yield one

    def _text(self) -> str:
        search = self._search
        read = f"{self._noun}: {count_of(self._variables, 'variable')} read"
        if not search.places:
            return read
        done = f"{search.followed:,} of {search.places:,} places known so far followed"
        return f"{read}, {done}, {count_of(len(search.met_maps), 'map')}"


def search_maps(
    target: Target, search: Search, left: Left, progress: Progress | None = None
) -> list[Found]:
    """All maps of the process, or those that were found until Ctrl-C, each by the best path there
    is to it."""
    found = []
    try:
        for one in _iter_maps(target, search, left, _Teller(search, progress)):
            found.append(one)
    except BaseException as error:  # pylint: disable=broad-except
        if not is_interrupt(error):
            raise
        search.interrupt()
    return found


def _iter_maps(target: Target, search: Search, left: Left, teller: _Teller) -> Iterator[Found]:
    """Globals first, then locals, also of goroutines that no thread runs, last what nothing leads
    to, and the maps' own registry."""
    stages = [
        _Stage("globals", lambda: _of_globals(target, search, left, teller)),
        _Stage("locals", lambda: search.follow(teller.each(target.iter_locals()), LOCAL)),
    ]
    if has_runtime(target):
        stages += [
            _Stage("goroutines", lambda: _of_goroutines(target, search, teller)),
            _Stage("the heap", lambda: go_heap.search_heap(target, search, left.cuts)),
        ]
    if has_registry(target):
        stages.append(_Stage("the registry", lambda: _registered(target, search, left), True))
    left.unsearched.extend(stage.noun for stage in stages)
    for stage in stages:
        if search.is_spent() and not stage.is_quick:
            continue
        left.unsearched.remove(stage.noun)
        if not search.is_spent():
            left.begun.append(stage.noun)
        teller.begin(stage.noun)
        yield from stage.find()
    left.notes.extend(target.left_out())
    left.cuts.extend(target.cuts())


def _of_globals(target: Target, search: Search, left: Left, teller: _Teller) -> Iterator[Found]:
    variables = list(teller.each(target.iter_globals()))
    if not variables and not target.has_debug_info():
        left.cuts.append(
            f"no variables are known: {target.why_no_types()} (build it {target.how_to_build()}, "
            "or 'hmap-layout load FILE' if it was stripped later), or gdb has not loaded it yet"
        )
    if target.has_tables_only:
        left.notes.append(
            "no debug info: read by Go's own runtime tables; variables go by their section"
        )
        left.notes.extend(target.table_doubts())
    yield from search.follow(variables, GLOBAL)


def _of_goroutines(target: Target, search: Search, teller: _Teller) -> Iterator[Found]:
    return search.follow(teller.each(iter_goroutine_variables(target)), GOROUTINE)


def _registered(target: Target, search: Search, left: Left) -> Iterator[Found]:
    """Maps of libhmap's registry: by their own names, where one name is one map's."""
    seconds = search.limits.seconds
    # It is also looked at where the search has spent its time: nothing else finds so much so soon.
    clock = Clock(None if seconds is None else max(REGISTRY_SHARE * seconds, LEAST_SECONDS))
    try:
        registry = read_registry(target, lambda: clock.is_over)
    except TargetError as error:
        left.troubles.append(str(error))
        return
    if registry.trouble:
        left.troubles.append(registry.trouble)
    opened: list[tuple[Value, str]] = []
    count: Counter[str] = Counter()
    for number, value in enumerate(registry.maps):
        if clock.is_over:
            more = "'--seconds N' allows more"
            left.troubles.append(f"{OVER}, {number:,} of {len(registry.maps):,} maps read: {more}")
            break
        met = search.met_maps.get(int.from_bytes(value.data, target.byte_order))
        try:
            name = (open_map(target, value).header if met is None else met.header).name
        except (TargetError, MemoryFault) as error:
            left.unreadable.append((value.expression, str(error)))
            continue
        count[name] += 1
        if met is None:
            opened.append((value, name))
    for value, name in opened:
        path = value.expression
        if name and count[name] == 1 and '"' not in name and name.isprintable():
            path = f'registry "{name}"'
        yield from search.take(value, path, REGISTRY)


def has_registry(target: Target) -> bool:
    """Whether the program has libhmap's registry, readable or not."""
    try:
        target.evaluate(HEAD)
    except TargetError as error:
        missing = ("no symbol table", f": {WITHOUT_DEBUG_INFO}: ")
        text = str(error)
        return not text.startswith("no symbol") and not any(one in text for one in missing)
    return True


def collect(target: Target, wanted: Wanted, progress: Progress | None = None) -> Listing:
    """The maps of a target. Nothing is raised for what its memory holds, and Ctrl-C ends it with
    what is known until then."""
    limits = replace(wanted.limits, all_paths=wanted.match is not None)
    search, left = Search(target, limits), Left()

    def chosen(one: Found) -> Found | None:
        paths = [one.path, *search.others.get(one.header.address, ())]
        path = chosen_path(one.header, paths, wanted.match, wanted.family)
        return None if path is None else replace(one, path=path)

    def certain(one: Found) -> Found:
        return replace(one, path=certain_path(target, search, one.path))

    everything = search_maps(target, search, left, progress)
    wished = [one for one in _each(everything, chosen, chosen) if one is not None]
    found = list(_each(wished, certain, lambda one: one))
    listing = listing_of(target, search, left, found, wanted, progress)
    return replace(listing, met=len(everything))


def _each(
    given: Sequence[_One], work: Callable[[_One], _Out], plain: Callable[[_One], _Out]
) -> list[_Out]:
    """What `work` makes of each; after Ctrl-C, what `plain` does, which is quick."""
    out: list[_Out] = []
    while True:
        try:
            for one in given[len(out) :]:
                out.append(work(one))
            return out
        except BaseException as error:  # pylint: disable=broad-except
            if not is_interrupt(error):
                raise
            work = plain


def listing_of(
    target: Target,
    search: Search,
    left: Left,
    found: Sequence[Found],
    wanted: Wanted,
    progress: Progress | None = None,
) -> Listing:
    """The rows of maps that a search has found."""
    walker = _Walker(target, search, wanted)
    rows = [
        replace(row, held_by=search.held_by.get(row.address, ""))
        for row in _rows(walker, found, progress)
    ]
    misses = search.misses
    cuts = list(_iter_cuts(search, left))
    notes = list(left.notes)
    mismatch = target.mismatch()
    if mismatch:
        notes.insert(0, mismatch)
    unset = misses.invalid - (misses.unreadable if target.is_core else 0)
    if unset:
        notes.append(
            f"{count_of(unset, 'place')} that should hold a map, but without a valid one: "
            "variables not set yet"
        )
    if target.is_core and misses.unreadable:
        notes.append(
            f"{count_of(misses.unreadable, 'place')} with pointers to memory that is not in the "
            "core: variables not set yet, or maps that are missing from this list; gdb's "
            "'set dump-excluded-mappings on' dumps all"
        )
    notes += _iter_unfollowed(misses, target.how_to_build())
    notes += dict.fromkeys(one.header.layout_note for one in found if one.header.layout_note)
    notes += _iter_untyped(found)
    notes += _iter_unrounded(found)
    notes += _iter_unwalked(walker, len(rows))
    return Listing(
        [row for row in rows if row.held >= wanted.min_bytes],
        process=target.process_identity(),
        taken_at=target.taken_at(),
        program=target.program(),
        notes=notes,
        cuts=cuts,
        traces=misses.traces,
    )


def _iter_cuts(search: Search, left: Left) -> Iterator[str]:
    """What a search may have missed."""
    misses = search.misses
    yield from search.cuts
    if search.has_stopped and left.begun:
        rest = f", {', '.join(left.unsearched)} not at all" if left.unsearched else ""
        yield f"{left.begun[-1]} searched only in part{rest}"
    yield from left.cuts
    yield from (f"the registry: {one}" for one in left.troubles)
    yield from (f"left out: {why}" for _, why in left.unreadable)
    yield from (f"left out: {one}" for one in misses.failures)
    if misses.more_failures:
        yield f"left out: {misses.more_failures:,} more, for reasons like these"
    yield from (_gap_note(gap, count) for gap, count in misses.gaps.most_common(MAX_GAPS))
    if len(misses.gaps) > MAX_GAPS:
        yield f"{len(misses.gaps) - MAX_GAPS:,} more segments that the core lacks"
    if misses.gaps and misses.unexplained:
        yield f"{count_of(misses.unexplained, 'more place')} that could not be read"


def _iter_unfollowed(misses: Misses, how_to_build: str) -> Iterator[str]:
    """What a search could not follow, for people."""
    unknown = {noun: count for noun, count in misses.unknown.items() if count}
    if unknown:
        parts = ", ".join(f"{count:,} of {noun}" for noun, count in sorted(unknown.items()))
        yield (
            f"not followed, because debug info does not have the type of what is there: {parts}; "
            f"build all parts of the program {how_to_build}"
        )
    keys = {why: count for why, count in misses.keys.items() if count}
    if keys:
        parts = ", ".join(f"{count:,} {why}" for why, count in sorted(keys.items()))
        yield (
            f"maps behind {count_of(sum(keys.values()), 'key')} that no path can name go by "
            f"address: {parts}"
        )
    if misses.remnants:
        unions = count_of(misses.remnants, "union")
        yield (
            f"the map that is a member of {unions} was left out: it is empty or not valid, so "
            "another member may be in use"
        )


def _iter_unrounded(found: Sequence[Found]) -> Iterator[str]:
    """Of which maps it is not known what the allocator has added, for people."""
    count = sum(one.header.is_rounded is False for one in found)
    if count:
        yield (
            f"held without the allocator's rounding: {count_of(count, 'map')}, whose memory is not "
            "from glibc's malloc, but from another allocator or a pool"
        )


def _iter_untyped(found: Sequence[Found]) -> Iterator[str]:
    """How maps are read of which the program tells no types, for people."""
    untyped = [
        one for one in found if any(map(is_untyped, (one.header.key_type, one.header.elem_type)))
    ]
    if not untyped:
        return
    largest = max(untyped, key=lambda one: one.header.count)
    parts = ("key", largest.header.key_type), ("elem", largest.header.elem_type)
    options = " ".join(f"--{what}-type TYPE" for what, part in parts if is_untyped(part))
    yield (
        f"{count_of(len(untyped), 'map')} of void *: for what is in one, give the type, as in "
        f"hmap-dump {largest.path} {options}"
    )


def _gap_note(gap: Gap, count: int) -> str:
    """What is missing from a listing because the core lacks memory."""
    places = "1 place leads" if count == 1 else f"{count:,} places lead"
    return (
        f"{places} into memory that the core lacks, 0x{gap.low:x}-0x{gap.high:x} "
        f"({size_text(gap.high - gap.low)}): {gap.why}; maps there are missing from this list; "
        f"{gap.remedy}"
    )


def _rows(walker: _Walker, found: Sequence[Found], progress: Progress | None) -> list[Row]:
    """A row for each map, the largest walked first, as long as there is time."""

    def estimated(one: Found) -> tuple[Row, Found]:
        return row_of_header(one.header, one.path, one.source), one

    estimates = sorted(_each(found, estimated, estimated), key=lambda pair: -pair[0].held)

    def walked(pair: tuple[Row, Found]) -> Row:
        if progress is not None:
            progress.say(lambda: f"{walker.done:,} of {len(estimates):,} maps walked")
        return walker.row(*pair)

    return _each(estimates, walked, lambda pair: pair[0])


class _Walker:
    """Walks maps for their rows: those that are large, or among the largest of the small ones."""

    def __init__(self, target: Target, search: Search, wanted: Wanted) -> None:
        self.done = 0
        self.late = 0  # of them, those for which there was no time
        self.small = 0  # those that are too small
        self._search = search
        self._least = wanted.min_bytes // 2
        seconds = wanted.limits.seconds
        if search.is_interrupted:
            seconds = min(seconds or SECONDS_AFTER_INTERRUPT, SECONDS_AFTER_INTERRUPT)
        self._clock = Clock(seconds, wanted.limits.wall_seconds)
        self.is_timed = seconds is not None and not search.is_interrupted
        self._sampler = samples.Sampler(target) if wanted.samples else None
        self._small_left = SMALL_WALKED

    def row(self, estimate: Row, one: Found) -> Row:
        """The row of a map."""
        if self._is_walked(estimate, one):
            try:
                estimate = _walked_row(one, self._sampler)
            except Exception as error:  # pylint: disable=broad-except
                self._search.misses.add_failure(one.path, error)
        self.done += 1
        return estimate

    def _is_walked(self, estimate: Row, one: Found) -> bool:
        if estimate.held < self._least or not one.header.arrays and not one.header.count:
            return False
        if estimate.held < SMALL:
            self._small_left -= 1
            if self._small_left < 0:
                self.small += not estimate.is_exact
                return False
        if self._clock.is_over:
            self.late += not estimate.is_exact
            return False
        return True


def _iter_unwalked(walker: _Walker, count: int) -> Iterator[str]:
    """Which of `count` maps were not walked, for people."""
    by_header = "their numbers are from their headers and marked '~'"
    late = walker.late + count - walker.done
    if late and walker.is_timed:
        yield (
            f"{late:,} maps were not walked because of the time limit: {by_header}; use "
            "'--seconds N' for more"
        )
    elif late:
        yield f"{late:,} maps were not walked because of Ctrl-C: {by_header}"
    if walker.small:
        yield (
            f"{walker.small:,} maps of less than {size_text(SMALL)} were not walked, only the "
            f"{SMALL_WALKED:,} largest of those: {by_header}, and they have no verdicts; "
            "hmap-dump walks one"
        )


def _walked_row(one: Found, sampler: samples.Sampler | None) -> Row:
    keys = None if sampler is None else sampler.of(one.header)
    sinks = [] if keys is None else [keys]
    stats, problems = survey(
        one.header,
        one.map.walk(cells=keys is not None),
        sinks,
        placement=one.map.check_placement,
    )
    chosen = None if keys is None else keys.sample()
    return row_of_stats(stats, one.path, one.source, len(problems), chosen)
