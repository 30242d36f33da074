"""One pass over a map that feeds all of the caller's sinks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, Union

from .block import Block, Problem
from .header import Header
from .check import iter_count_problems
from .stats import Stats


class Sink(Protocol):
    """Takes the Blocks of a walk: a CSV file, a plot."""

    def add(self, block: Block) -> None:
        ...


def survey(
    header: Header,
    walk: Iterable[Union[Block, Problem]],
    sinks: Iterable[Sink] = (),
    progress: Callable[[int, int], None] | None = None,
    placement: Callable[[], Iterable[Problem] | None] | None = None,
) -> tuple[Stats, list[Problem]]:
    """Runs a walk or an audit of a whole map: its Stats, and the Problems found, the header's
    first. Each Block goes to each sink; `progress` gets the buckets done and their total.

    placement: Map.check_placement of the same map, called only if the numbers suggest a bad hash.
    """
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
    if placement is not None and any(one.name == "skewed" for one in stats.verdicts()):
        misplaced = placement()
        if misplaced is not None:
            told = list(misplaced)
            stats.misplaced = len(told)
            problems += [one for one in told if one not in problems]
    return stats, problems
