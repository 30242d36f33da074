"""Paths: how a value is reached, as the user would type it, in the program's language.

A path is built from its end, and only for what is shown: places have their Origin (one for a whole
batch of places), not text.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..compat import dataclass
from ..languages import Access
from ..target.spelling import OPENING, QUOTES, SCOPE, closing_at, quote_end

Ints = NDArray[np.int64]

# A path of more steps is none that anyone types, and in a long list the paths of all nodes would
# take the square of its length.
MAX_STEPS = 100
MAX_GENERATIONS = 2 * MAX_STEPS  # from a place back to where its path begins


@dataclass(frozen=True, slots=True)
class Path:
    """An expression for a value, or for the pointer to it; empty if there is none.

    >>> Path("server").field("cache").pointee().field("sessions").text
    'server.cache->sessions'
    """

    text: str
    is_pointer: bool = False  # the value is what `text` points to
    arrow: str = "->"  # between a pointer to a struct and a member, in the language

    def field(self, name: str) -> Path:
        """A member of this struct; an empty name: one that cannot be named."""
        if not self.text or not name:
            return Path("", False, self.arrow)
        arrow = self.arrow if self.is_pointer else "."
        return Path(f"{_bracketed(self.text)}{arrow}{name}", False, self.arrow)

    def pointee(self) -> Path:
        """What this pointer points to."""
        if not self.text:
            return self
        return Path(self._value, True, self.arrow)

    def index(self, text: str) -> Path:
        """An element of this array or container."""
        if not self.text:
            return self
        return Path(f"{_bracketed(self._value)}[{text}]", False, self.arrow)

    def value(self) -> Path:
        """The value itself, where this is the pointer to it."""
        return Path(self._value, False, self.arrow)

    def elem(self, key: str) -> Path:
        """The elem of a key in this map, or in the map that this points to. An empty key is one
        that cannot be typed, nor can what it leads to."""
        if not key or not self.text:
            return Path("", False, self.arrow)
        return Path(f"{_bracketed(self.text)}[{key}]", False, self.arrow)

    def assertion(self, name: str) -> Path:
        """What this interface holds, a value of the type `name`."""
        if not self.text:
            return self
        return Path(f"{_bracketed(self._value)}.({name})", False, self.arrow)

    @property
    def _value(self) -> str:
        """The value itself."""
        if not self.is_pointer:
            return self.text
        scope = SCOPE.match(self.text)
        at = scope.end() if scope else 0
        return f"{self.text[:at]}*{self.text[at:]}"


def _bracketed(text: str) -> str:
    """An expression that can be followed by something."""
    scope = SCOPE.match(text)
    at = scope.end() if scope else 0
    return f"{text[:at]}({text[at:]})" if text.startswith("*", at) else text


def step_starts(text: str) -> list[int]:
    """Where steps begin: each ".name", "->name", "[...]" and ".(...)" outside of brackets."""
    starts = []
    at = 0
    while at < len(text):
        letter = text[at]
        if letter in QUOTES:
            at = quote_end(text, at)
            continue
        if letter in OPENING:
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


def has_base_step(text: str) -> bool:
    """Whether a path has a step into a base class: .'Base::member', which is none of gdb's."""
    return any(text[at:].lstrip(".->")[:1] == "'" for at in step_starts(text))


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
class ByAddress:
    """Values of a type of Go's by their addresses, each between the same texts."""

    before: str
    addrs: NDArray[np.uint64]
    after: str
    is_pointer: bool

    def path(self, number: int) -> Path:
        """See Origin."""
        text = f"{self.before}0x{int(self.addrs[number]):x}{self.after}"
        return Path(text, self.is_pointer, ".")


def cast_to(name: str, addrs: NDArray[np.uint64]) -> ByAddress:
    """Values of a type: (*main.server)(0xc000012000)."""
    return ByAddress(f"(*{name})(", addrs, ")", True)


# The beginning of a path by type and address; where the name has quotes, it stands in others.
TYPED = re.compile(r"--type '(?P<name>.*?)' (?P<address>0x[0-9a-f]+)")


def typed_map(name: str, addrs: NDArray[np.uint64]) -> ByAddress:
    """Maps of a type, as --type takes them."""
    return ByAddress(f"--type '{name}' ", addrs, "", False)


@dataclass(frozen=True, slots=True)
class Derived:
    """Places found in those of another batch."""

    parent: Origin
    rows: Ints  # of the parent, for each
    step: Step
    numbers: Ints | None = None  # of each in its parent; None: 0

    def path(self, number: int) -> Path:
        """See Origin."""
        return _path(self, number)


class Joined:
    """Batches, concatenated."""

    def __init__(self, origins: Sequence[Origin], lengths: Sequence[int]) -> None:
        self._origins = origins
        self._starts = np.concatenate([[0], np.cumsum(lengths)]).tolist()

    def path(self, number: int) -> Path:
        """See Origin."""
        return _path(self, number)

    def part(self, number: int) -> tuple[Origin, int]:
        """The batch that one of the places is in, and its number there."""
        which = bisect.bisect_right(self._starts, number) - 1
        return self._origins[which], number - self._starts[which]


def _path(origin: Origin, number: int) -> Path:
    """The path of a place, from where it begins; empty if it is too long to be typed."""
    steps: list[tuple[Step, int]] = []
    while len(steps) <= MAX_GENERATIONS:
        if isinstance(origin, Joined):
            origin, number = origin.part(number)
        elif isinstance(origin, Derived):
            own = 0 if origin.numbers is None else int(origin.numbers[number])
            steps.append((origin.step, own))
            number = int(origin.rows[number])
            origin = origin.parent
        else:
            break
    else:
        return Path("")
    path = origin.path(number)
    for step, own in reversed(steps):
        path = step(path, own)
    return Path("", False, path.arrow) if is_too_long(path.text) else path


_TEXT, _KEY = re.compile(r'"(?:[^"\\]|\\.)*"'), re.compile(r"\[[^][]*\]")
_MARKS = (".", "->", "[", "*")  # of a step each


def is_too_long(text: str) -> bool:
    """Whether a path is too long to be typed: by its steps, not by its names and keys."""
    if sum(map(text.count, _MARKS)) <= MAX_STEPS:
        return False
    bare = _KEY.sub("[", _TEXT.sub("", text))
    return sum(map(bare.count, _MARKS)) > MAX_STEPS


def fields_step(names: Sequence[str]) -> Step:
    """Down through nested members."""

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
    return access_step(Access.INDEX, before)


def access_step(access: Access, before: Step, name: str = "") -> Step:
    """What the value at the end of `before` leads to; `name`: the type of that, if a path has to
    name it."""
    if access is Access.POINTEE:
        return pointee_step(before)
    if access is Access.ASSERTION:
        return lambda path, number: before(path, number).assertion(name)
    mark = "#" if access is Access.NUMBER else ""
    return lambda path, number: before(path, 0).index(f"{mark}{number}")
