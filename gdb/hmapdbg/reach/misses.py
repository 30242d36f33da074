"""What a search could not follow, counted: a list must report it, since maps may be missing."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..target import Gap, Target
from ..target.interrupt import is_interrupt

MAX_COUNTED = 10_000  # unreadable places of a batch that are explained
MAX_FAILURES = 100  # that are listed
MAX_TRACES = 5


class Misses:
    """The counts of one search."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.gaps: Counter[Gap] = Counter()  # places in memory that the core lacks
        self.invalid = 0  # pointers to what should be a map, but is not
        self.unreadable = 0  # of them, those to memory that cannot be read
        self.remnants = 0  # members of unions that are not a valid map: another one is in use
        self.keys: Counter[str] = Counter()  # without a spelling in paths, by the reason
        self.unknown: Counter[str] = Counter()  # not followed, because the type is not known
        self.more_failures = 0  # beyond those that are listed
        self.unexplained = 0  # unreadable places beyond those that are explained
        self.failures: list[str] = []  # what could not be read, for an unexpected reason
        self.traces: list[str] = []  # where some of these errors arose

    def add_unread(self, addrs: NDArray[np.uint64]) -> None:
        """Places that cannot be read: counted if the core lacks them."""
        for addr in addrs[:MAX_COUNTED].tolist():
            gap = self._target.gap_at(addr)
            if gap is not None:
                self.gaps[gap] += 1
        self.unexplained += max(len(addrs) - MAX_COUNTED, 0)

    def add_map(self, addrs: Sequence[int]) -> None:
        """A place that should hold a map, but has none that can be read; `addrs`: of its memory."""
        gap = next((one for one in map(self._target.gap_at, addrs) if one is not None), None)
        if gap is not None:
            self.gaps[gap] += 1
        else:
            self.invalid += 1
            self.unreadable += not all(self._target.is_readable(addr, 1) for addr in addrs)

    def add_failure(self, what: str, error: Exception) -> None:
        """What could not be read: whatever a map's memory holds, the others are listed. Ctrl-C is
        none of that."""
        if is_interrupt(error):
            raise KeyboardInterrupt from error
        if len(self.traces) < MAX_TRACES:
            self.traces.append(trace_of(error))
        if len(self.failures) < MAX_FAILURES:
            self.failures.append(f"{what}: {type(error).__name__}: {error}")
        else:
            self.more_failures += 1


def trace_of(error: BaseException) -> str:
    """Where an error arose, as Python tells it."""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))
