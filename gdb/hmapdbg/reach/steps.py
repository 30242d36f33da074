"""Paths: how a value is reached, as the user would type it, in the language of the program.

A path is made from its end, and only for what is shown: places carry where they came from (an
Origin, a whole batch of places at once), not text.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..compat import dataclass

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Path:
    """An expression for a value, or for the pointer to it; empty where there is none.

    >>> Path("server").field("cache").pointee().field("sessions").text
    'server.cache->sessions'
    """

    text: str
    is_pointer: bool = False  # the value is what `text` points to
    go: bool = False  # Go writes no "->"

    def field(self, name: str) -> Path:
        """A member of the struct that this is."""
        if not self.text:
            return self
        arrow = "->" if self.is_pointer and not self.go else "."
        return Path(f"{_bracketed(self.text)}{arrow}{name}", False, self.go)

    def pointee(self) -> Path:
        """What the pointer that this is points to."""
        if not self.text:
            return self
        return Path(self._value, True, self.go)

    def index(self, text: str) -> Path:
        """An element of the array or container that this is."""
        if not self.text:
            return self
        return Path(f"{_bracketed(self._value)}[{text}]", False, self.go)

    def elem(self, key: str) -> Path:
        """The elem of a key in the map that this is; a pointer to a map will do for the map. An
        empty key is one that cannot be typed: neither can what lies behind it."""
        if not key or not self.text:
            return Path("", False, self.go)
        return Path(f"{_bracketed(self.text)}[{key}]", False, self.go)

    def assertion(self, name: str) -> Path:
        """What the interface that this is holds."""
        if not self.text:
            return self
        return Path(f"{_bracketed(self._value)}.({name})", False, self.go)

    @property
    def _value(self) -> str:
        """The value itself."""
        if not self.is_pointer:
            return self.text
        frame = FRAME.match(self.text)
        at = frame.end() if frame else 0
        return f"{self.text[:at]}*{self.text[at:]}"


def _bracketed(text: str) -> str:
    """An expression that something may stand behind."""
    frame = FRAME.match(text)
    at = frame.end() if frame else 0
    return f"{text[:at]}({text[at:]})" if text.startswith("*", at) else text


_OPENING, _CLOSING = "([{", ")]}"
# What stands before a path that begins in a frame.
FRAME = re.compile(r"(?:thread (?P<thread>\d+) )?frame (?P<level>\d+): ")


def step_starts(text: str) -> list[int]:
    """Where steps begin: each ".name", "->name", "[...]" and ".(...)" outside of brackets."""
    starts = []
    at = 0
    while at < len(text):
        letter = text[at]
        if letter in "\"'":
            at = _quote_end(text, at)
            continue
        if letter in _OPENING:
            if letter == "[" and at:
                starts.append(at)
            end = closing_at(text, at)
            if end < 0:
                return []
            at = end + 1
            continue
        if text.startswith("->", at):
            starts.append(at)
            at += 2
            continue
        if letter == "." and at:
            starts.append(at)
        at += 1
    return starts


def _quote_end(text: str, at: int) -> int:
    quote, end = text[at], at + 1
    while end < len(text) and text[end] != quote:
        end += 2 if text[end] == "\\" else 1
    return end + 1


def closing_at(text: str, at: int) -> int:
    """Where the bracket that opens at `at` is closed; -1: nowhere."""
    depth = 0
    while at < len(text):
        letter = text[at]
        if letter in "\"'":
            at = _quote_end(text, at)
            continue
        depth += (letter in _OPENING) - (letter in _CLOSING)
        if depth == 0:
            return at
        at += 1
    return -1


Step = Callable[[Path, int], Path]  # from the path of a parent to that of its child, by its number


class Origin(Protocol):
    """Where a batch of places came from."""

    def path(self, number: int) -> Path:
        """The path of one of them."""


@dataclass(frozen=True, slots=True)
class Roots:
    """Variables."""

    paths: Sequence[Path]

    def path(self, number: int) -> Path:
        """See Origin."""
        return self.paths[number]


@dataclass(frozen=True, slots=True)
class Derived:
    """Places found in those of another batch."""

    parent: Origin
    rows: Ints  # of the parent, for each
    step: Step
    numbers: Ints | None = None  # of each in its parent; None: 0

    def path(self, number: int) -> Path:
        """See Origin."""
        own = 0 if self.numbers is None else int(self.numbers[number])
        return self.step(self.parent.path(int(self.rows[number])), own)


class Joined:
    """Batches one after the other."""

    def __init__(self, origins: Sequence[Origin], lengths: Sequence[int]) -> None:
        self._origins = origins
        self._starts = np.concatenate([[0], np.cumsum(lengths)]).tolist()

    def path(self, number: int) -> Path:
        """See Origin."""
        which = bisect.bisect_right(self._starts, number) - 1
        return self._origins[which].path(number - self._starts[which])


def fields_step(names: Sequence[str]) -> Step:
    """Down through members of members."""

    def step(path: Path, _: int) -> Path:
        for name in names:
            path = path.field(name)
        return path

    return step


def pointee_step(before: Step) -> Step:
    """What the pointer at the end of `before` points to."""
    return lambda path, number: before(path, number).pointee()


def index_step(before: Step) -> Step:
    """An element, by its number, of what is at the end of `before`."""
    return lambda path, number: before(path, 0).index(str(number))
