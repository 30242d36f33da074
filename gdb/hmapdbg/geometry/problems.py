"""Problems of one kind are told one by one up to a limit, and counted from there on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..block import Problem

MOST = 100  # of one kind told one by one


class Told:
    """What has been told of one map.

    >>> told = Told()
    >>> [str(one) for one in told.problem("chain", "a cycle", 16, "I11")]
    ['I11 0x10: a cycle']
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def problem(self, kind: str, text: str, address: int, invariant: str) -> list[Problem]:
        """The Problem, unless MOST of its kind have been told already."""
        return [Problem(text, address, invariant)] if self.room_for(kind, 1) else []

    def room_for(self, kind: str, number: int) -> int:
        """How many of so many more Problems of a kind may be told; all of them are counted."""
        before = self._counts[kind]
        self._counts[kind] += number
        return max(0, min(number, MOST - before))

    def iter_cut(self) -> Iterator[Problem]:
        """How many Problems of each kind were not told."""
        for kind, count in self._counts.items():
            if count > MOST:
                yield Problem(f"{count - MOST:,} more like this: {kind}")
