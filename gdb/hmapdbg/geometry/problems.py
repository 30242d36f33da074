"""Problems of one kind are reported up to a limit, and only counted beyond it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..block import Problem

MOST = 100  # of one kind that are reported


class Told:
    """What was reported about one map.

    >>> told = Told()
    >>> [str(one) for one in told.problem("chain", "a cycle", 16, "I11")]
    ['I11 0x10: a cycle']
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def problem(self, kind: str, text: str, address: int, invariant: str) -> list[Problem]:
        """The Problem, unless MOST of its kind were reported already."""
        return [Problem(text, address, invariant)] if self.room_for(kind, 1) else []

    def room_for(self, kind: str, number: int) -> int:
        """How many of `number` more Problems of a kind to report; all are counted."""
        before = self._counts[kind]
        self._counts[kind] += number
        return max(0, min(number, MOST - before))

    def iter_cut(self) -> Iterator[Problem]:
        """How many Problems of each kind were not reported."""
        for kind, count in self._counts.items():
            if count > MOST:
                yield Problem(f"{count - MOST:,} more like this: {kind}")
