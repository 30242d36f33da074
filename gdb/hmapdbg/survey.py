"""One pass over a map that feeds every sink the caller asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, Union

from .block import Block, Problem
from .header import Header
from .check import iter_count_problems
from .stats import Stats


class Sink(Protocol):
    """What takes the Blocks of a walk: a CSV file, a plot."""

    def add(self, block: Block) -> None:
        ...


def survey(
    header: Header,
    walk: Iterable[Union[Block, Problem]],
    sinks: Iterable[Sink] = (),
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Stats, list[Problem]]:
    """Folds a walk or an audit of a whole map: its numbers, and the Problems met, the header's own
    first. Each Block goes to each sink; `progress` is told the buckets done, and their number."""
    stats = Stats(header)
    takers: list[Sink] = [stats, *sinks]
    problems = list(header.problems)
    total = sum(array.buckets for array in header.arrays)
    done = 0
    for item in walk:
        if isinstance(item, Problem):
            problems.append(item)
            continue
        for taker in takers:
            taker.add(item)
        done += 0 if item.buckets is None else len(item.buckets)
        if progress is not None:
            progress(done, total)
    problems += iter_count_problems(header, stats.live)
    return stats, problems
