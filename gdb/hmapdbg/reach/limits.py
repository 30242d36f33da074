"""How far a search for maps goes."""

from __future__ import annotations

import time
from dataclasses import dataclass

MAX_PLACES = 5_000_000  # followed
MAX_GENERATIONS = MAX_PLACES  # pointers in a row


@dataclass(frozen=True)
class Limits:
    """How far a search goes."""

    places: int = MAX_PLACES
    generations: int = MAX_GENERATIONS
    seconds: float = 20.0
    all_paths: bool = False  # whether other paths to a map are kept, too


class Clock:
    """A time limit: in processor time, so that a busy machine gives the same result; and ten times
    that in wall-clock time, for a slow target. It starts when it is first looked at: what debuggers
    take to read the debug info of a large program before is not the search's."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends: tuple[float, float] | None = None

    @property
    def is_over(self) -> bool:
        """Whether the time is spent."""
        processor, wall = time.process_time(), time.monotonic()
        if self._ends is None:
            self._ends = processor + self._seconds, wall + 10 * self._seconds
        return processor > self._ends[0] or wall > self._ends[1]
