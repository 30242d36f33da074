"""How far a search for maps goes."""

from __future__ import annotations

import time
from dataclasses import dataclass

MAX_PLACES = 5_000_000  # followed
MAX_GENERATIONS = 10_000  # pointers in a row


@dataclass(frozen=True)
class Limits:
    """How far a search goes."""

    places: int = MAX_PLACES
    generations: int = MAX_GENERATIONS
    seconds: float = 20.0
    all_paths: bool = False  # whether other paths to a map are kept, too


class Clock:
    """A time limit: in processor time, so that a busy machine gives the same result; and ten times
    that in wall-clock time, for a slow target."""

    def __init__(self, seconds: float) -> None:
        self._processor = time.process_time() + seconds
        self._wall = time.monotonic() + 10 * seconds

    @property
    def is_over(self) -> bool:
        """Whether the time is spent."""
        return time.process_time() > self._processor or time.monotonic() > self._wall
