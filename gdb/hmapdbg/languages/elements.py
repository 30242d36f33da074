"""Types that lead to values elsewhere: containers, slices, smart pointers."""

from __future__ import annotations

import enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..compat import dataclass
from ..target import Field, Memory, Type

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

MAX_ELEMENTS = 1_000_000  # of all containers of a batch
GARBAGE = 1 << 32  # elements, more than a container has


class Access(enum.Enum):
    """How a path goes from a value to its elements."""

    POINTEE = "*x"
    INDEX = "x[N]"
    NUMBER = "x[#N]"  # in the order in which elements are found, if they have no other
    ASSERTION = "x.(T)"  # by its type


@dataclass(frozen=True)
class Places:
    """Elements found: their addresses, their containers, and their numbers there. `cut`: not
    all."""

    addrs: Words
    rows: Ints
    numbers: Ints
    cut: bool = False


class Elements(Protocol):
    """A type whose values lead to elements of another type."""

    @property
    def noun(self) -> str:
        """The kind of such a value, for people: "vector"."""

    @property
    def element(self) -> Type:
        """The type of an element."""

    @property
    def size(self) -> int:
        """How many bytes of a value to read, from its start."""

    @property
    def access(self) -> Access:
        """How a path leads to an element."""

    def find(self, memory: Memory, addrs: Words, raw: Bytes) -> Places:
        """The elements of n values at `addrs` (n,), whose first bytes are `raw` (n, size)."""

    def locate(self, memory: Memory, addr: int, raw: Bytes, number: int) -> int | None:
        """The address of one element of one value, by its number; None: no such element."""


class CountedElements:
    """What a value with a pointer to its elements, and their number, has of Elements."""

    __slots__ = ()
    element: Type
    pointer: Field
    length: Field

    def locate(self, memory: Memory, addr: int, raw: Bytes, number: int) -> int | None:
        """See Elements."""
        starts, lengths = self._words(memory, raw)
        if number >= int(lengths[0]):
            return None
        return int(starts[0]) + number * self.element.size

    def _words(self, memory: Memory, raw: Bytes) -> tuple[Words, Words]:
        """The pointers and the numbers of n values (n, size)."""
        return (
            memory.pointer_column(raw, self.pointer.offset),
            memory.pointer_column(raw, self.length.offset),
        )


def spread(starts: Words, counts: Ints, size: int) -> Places:
    """Adjacent elements of `size` bytes: `counts` (n,) of them from each of `starts` (n,), the
    first MAX_ELEMENTS of all."""
    wanted = np.where(counts < GARBAGE, np.minimum(counts, MAX_ELEMENTS), 0)
    before = np.cumsum(wanted) - wanted
    followed = np.minimum(wanted, np.maximum(MAX_ELEMENTS - before, 0))
    cut = bool((followed < counts).any())
    counts = followed
    rows = np.repeat(np.arange(len(starts)), counts)
    begins = np.cumsum(counts) - counts
    numbers = np.arange(len(rows)) - begins[rows]
    return Places(starts[rows] + (numbers * size).astype(np.uint64), rows, numbers, cut)
