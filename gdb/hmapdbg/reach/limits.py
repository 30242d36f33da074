"""How far a search for maps goes."""

from __future__ import annotations

import time
from dataclasses import dataclass

MAX_PLACES = 20_000_000  # followed; of each, some 50 bytes are kept
MAX_GENERATIONS = MAX_PLACES  # pointers in a row


@dataclass(frozen=True)
class Limits:
    """How far a search goes. None for a time: as long as it takes."""

    places: int = MAX_PLACES
    generations: int = MAX_GENERATIONS
    seconds: float | None = None  # of this process
    wall_seconds: float | None = None  # passed, also while others run; None: ten times `seconds`
    all_paths: bool = False  # whether other paths to a map are kept, too


class Clock:
    """A time limit, if any: in processor time, so that a busy machine gives the same result; and
    in wall-clock time, by default ten times that, for a slow target. It starts when it is first
    looked at: what debuggers take to read the debug info of a large program before is not the
    search's."""

    def __init__(self, seconds: float | None, wall_seconds: float | None = None) -> None:
        self._seconds = seconds
        self._wall = wall_seconds
        self._ends: tuple[float, float] | None = None

    @property
    def is_over(self) -> bool:
        """Whether the time is spent."""
        if self._seconds is None:
            return False
        processor, wall = time.process_time(), time.monotonic()
        if self._ends is None:
            passing = 10 * self._seconds if self._wall is None else self._wall
            self._ends = processor + self._seconds, wall + passing
        return processor > self._ends[0] or wall > self._ends[1]
