"""From a target's variables to a listing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace

from ..compat import dataclass
from ..families import open_map
from ..languages.go import has_runtime, iter_goroutine_variables
from ..languages.libhmap.registry import HEAD, read_registry
from ..reach import go_heap
from ..reach.limits import Clock, Limits
from ..reach.misses import Misses
from ..reach.walk import Found, Search
from ..survey import survey
from ..text import count_of, size_text
from ..target import Gap, MemoryFault, Target, TargetError, Value
from . import sample as samples
from .rows import (
    GLOBAL,
    GOROUTINE,
    LOCAL,
    REGISTRY,
    Listing,
    Row,
    chosen_path,
    row_of_header,
    row_of_stats,
)
from .typed import certain_path

Progress = Callable[[int, int], None]

# Of the maps that hold less than this (bytes), so many are walked, the largest first: a program may
# have a million of them. A note says so.
SMALL = 64 << 10
SMALL_WALKED = 2000
MAX_GAPS = 8  # segments told one by one


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


def find_maps(target: Target, search: Search, left: Left) -> Iterator[Found]:
    """All maps of the process, each by the best path there is to it: globals first, then locals,
    also of goroutines that no thread runs, the maps' own registry, and last what nothing leads
    to."""
    variables = list(target.iter_globals())
    if not variables and not target.has_debug_info():
        left.notes.append(
            "no variables are known: the program has no debug info (build with -g), or gdb has not "
            "loaded it yet"
        )
    yield from search.follow(variables, GLOBAL)
    yield from search.follow(target.iter_locals(), LOCAL)
    left.notes.extend(target.left_out())
    if has_runtime(target):
        yield from search.follow(iter_goroutine_variables(target), GOROUTINE)
    yield from go_heap.search_heap(target, search, left.notes)
    if has_registry(target):
        yield from _registered(target, search, left)


def _registered(target: Target, search: Search, left: Left) -> Iterator[Found]:
    """Maps of libhmap's registry: by their own names, where one name is one map's."""
    try:
        registry = read_registry(target)
    except TargetError as error:
        left.troubles.append(str(error))
        return
    if registry.trouble:
        left.troubles.append(registry.trouble)
    opened: list[tuple[Value, str]] = []
    count: Counter[str] = Counter()
    for value in registry.maps:
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
        return not str(error).startswith("no symbol") and "no symbol table" not in str(error)
    return True


def collect(target: Target, wanted: Wanted, progress: Progress | None = None) -> Listing:
    """The maps of a target. Nothing is raised for what its memory holds."""
    limits = replace(wanted.limits, all_paths=wanted.match is not None)
    search, left = Search(target, limits), Left()
    found = [
        replace(one, path=certain_path(target, search, path))
        for one in list(find_maps(target, search, left))
        for path in [
            chosen_path(
                one.header,
                [one.path, *search.others.get(one.header.address, ())],
                wanted.match,
                wanted.family,
            )
        ]
        if path is not None
    ]
    return listing_of(target, search, left, found, wanted, progress)


def listing_of(
    target: Target,
    search: Search,
    left: Left,
    found: Sequence[Found],
    wanted: Wanted,
    progress: Progress | None = None,
) -> Listing:
    """The rows of maps that a search has found."""
    notes = [*search.cuts, *left.notes, *(f"the registry: {one}" for one in left.troubles)]
    notes += [f"left out: {why}" for _, why in left.unreadable]
    rows = list(_iter_rows(target, search, found, wanted, progress))
    misses = search.misses
    notes += [f"left out: {one}" for one in misses.failures]
    if misses.more_failures:
        notes.append(f"left out: {misses.more_failures:,} more, for reasons like these")
    notes += [_gap_note(gap, count) for gap, count in misses.gaps.most_common(MAX_GAPS)]
    if len(misses.gaps) > MAX_GAPS:
        notes.append(f"{len(misses.gaps) - MAX_GAPS:,} more segments that the core lacks")
    if misses.gaps and misses.unexplained:
        notes.append(f"{count_of(misses.unexplained, 'more place')} that could not be read")
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
    notes += _iter_unfollowed(misses)
    small = [row for row in rows if not row.is_exact and row.held < SMALL]
    late = sum(not row.is_exact for row in rows) - len(small)
    by_header = "their numbers are from their headers and marked '~'"
    if late:
        notes.append(
            f"{late:,} maps were not walked because of the time limit: {by_header}; use "
            "'--seconds N' for more"
        )
    if small:
        notes.append(
            f"{len(small):,} maps of less than {size_text(SMALL)} were not walked, only the "
            f"{SMALL_WALKED:,} largest of those: {by_header}, and they have no verdicts; "
            "hmap-dump walks one"
        )
    return Listing(
        [row for row in rows if row.held >= wanted.min_bytes],
        process=target.process_identity(),
        taken_at=target.taken_at(),
        program=target.program(),
        notes=notes,
    )


def _iter_unfollowed(misses: Misses) -> Iterator[str]:
    """What a search could not follow, for people."""
    unknown = {noun: count for noun, count in misses.unknown.items() if count}
    if unknown:
        parts = ", ".join(f"{count:,} of {noun}" for noun, count in sorted(unknown.items()))
        yield (
            f"not followed, because debug info does not have the type of what is there: {parts}; "
            "build all parts of the program with -g"
        )
    if misses.remnants:
        unions = count_of(misses.remnants, "union")
        yield (
            f"the map that is a member of {unions} was left out: it is empty or not valid, so "
            "another member may be in use"
        )


def _gap_note(gap: Gap, count: int) -> str:
    """What is missing from a listing because the core lacks memory."""
    places = "1 place leads" if count == 1 else f"{count:,} places lead"
    return (
        f"{places} into memory that the core lacks, 0x{gap.low:x}-0x{gap.high:x} "
        f"({size_text(gap.high - gap.low)}): {gap.why}; maps there are missing from this list; "
        f"{gap.remedy}"
    )


def _iter_rows(
    target: Target,
    search: Search,
    found: Sequence[Found],
    wanted: Wanted,
    progress: Progress | None,
) -> Iterator[Row]:
    """A row for each map, the largest walked first, as long as there is time."""
    estimates = [(row_of_header(one.header, one.path, one.source), one) for one in found]
    estimates.sort(key=lambda pair: -pair[0].held)
    clock = Clock(wanted.limits.seconds)
    sampler = samples.Sampler(target) if wanted.samples else None
    small_left = SMALL_WALKED
    for number, (estimate, one) in enumerate(estimates):
        if progress is not None and number % 64 == 0:
            progress(number, len(estimates))
        header = one.header
        is_empty = not header.arrays and not header.count
        if estimate.held < SMALL and not is_empty:
            small_left -= 1
        if estimate.held < wanted.min_bytes // 2 or is_empty or small_left < 0 or clock.is_over:
            yield estimate
            continue
        try:
            yield _walked_row(one, sampler)
        except Exception as error:  # pylint: disable=broad-except
            search.misses.add_failure(one.path, error)
            yield estimate


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
