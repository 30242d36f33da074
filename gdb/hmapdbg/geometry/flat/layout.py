"""Where the states, keys and elems of a table's slots are."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Column, Ints
from ...compat import dataclass
from ...target import Memory
from ..columns import Mask, Raw

RUN = 16  # slots of a row of the occupancy, which is no unit of the lookups
EMPTY, DELETED, LIVE = 0, 1, 2  # states of a slot
STATE_NAMES = {EMPTY: "empty", DELETED: "deleted", LIVE: "live"}

States = NDArray[np.uint8]
Codes = NDArray[np.uint64]


class StateColumn(Protocol):
    """What is stored of each slot's state."""

    @property
    def run_size(self) -> int:
        """Bytes of the states of a run."""

    @property
    def pitch(self) -> tuple[int, int]:
        """How many runs lie side by side, and the bytes from their first to the next one's; 0: the
        runs are anywhere."""

    def address(self, slot: int) -> int:
        """Where that of a slot is; others may be in the same byte."""

    def runs(self, rows: Ints) -> Addresses:
        """Where those of runs begin (n,)."""

    def read(self, memory: Memory, first: int, end: int) -> tuple[NDArray[Any], Mask]:
        """What is stored of slots [first, end), and which could be read; 0 for others."""

    def states(self, stored: NDArray[Any]) -> States:
        """The states of slots, from what is stored of them (n,)."""


class Adjacent(abc.ABC):
    """What a StateColumn has whose runs all lie side by side from `base` on."""

    base: int

    @property
    @abc.abstractmethod
    def run_size(self) -> int:
        """See StateColumn."""

    @property
    def pitch(self) -> tuple[int, int]:
        """See StateColumn."""
        return 1, self.run_size

    def runs(self, rows: Ints) -> Addresses:
        """See StateColumn."""
        return np.uint64(self.base) + rows.astype(np.uint64) * np.uint64(self.run_size)


@dataclass(frozen=True)
class Integers(Adjacent):
    """A column of integers, and what they mean; see StateColumn.

    >>> column = Integers(0x1000, 4, 4, lambda stored: np.minimum(stored, LIVE).astype(np.uint8))
    """

    base: int  # address of the first slot's
    width: int
    size: int  # bytes of a number
    meaning: Callable[[NDArray[Any]], States]
    signed: bool = False

    @property
    def run_size(self) -> int:
        """See StateColumn."""
        return RUN * self.width

    def address(self, slot: int) -> int:
        """See StateColumn."""
        return self.base + slot * self.width

    def read(self, memory: Memory, first: int, end: int) -> tuple[NDArray[Any], Mask]:
        """See StateColumn."""
        raw, ok = memory.read_rows(self.address(first), end - first, self.width)
        numbers = memory.integer_column(raw, 0, self.size, self.signed)
        return np.where(ok, numbers, numbers.dtype.type(0)), ok

    def states(self, stored: NDArray[Any]) -> States:
        """See StateColumn."""
        return self.meaning(stored)


@dataclass(frozen=True)
class Flags(Adjacent):
    """2 bits for each slot, in words of 32 bits, the lowest first: bit 1 of empty slots,
    bit 0 of deleted ones; see StateColumn."""

    base: int

    @property
    def run_size(self) -> int:
        """See StateColumn."""
        return RUN * 2 // 8  # of a word

    def address(self, slot: int) -> int:
        """See StateColumn."""
        return self.base + slot // RUN * self.run_size

    def read(self, memory: Memory, first: int, end: int) -> tuple[NDArray[Any], Mask]:
        """See StateColumn."""
        low = first // RUN
        raw, ok = memory.read_rows(self.address(first), rows_of(end) - low, self.run_size)
        words = memory.integer_column(raw, 0, self.run_size)
        slots = np.arange(first, end)
        flags = words[slots // RUN - low] >> (2 * (slots % RUN)).astype(words.dtype) & 3
        return flags.astype(np.uint8), ok[slots // RUN - low]

    def states(self, stored: NDArray[Any]) -> States:
        """See StateColumn."""
        found: States = np.array([LIVE, DELETED, EMPTY, EMPTY], np.uint8)[stored]
        return found


class SlotPart(Protocol):
    """The keys, or the elems, of a table's slots."""

    @property
    def size(self) -> int:
        """Bytes of a value."""

    def places(self, slots: Ints) -> Addresses:
        """Where those of slots are stored."""

    def values(self, memory: Memory, slots: Ints) -> Column:
        """Those of slots, by their numbers."""

    def addresses(self, slots: Ints) -> Addresses:
        """Where the values of slots are in memory; 0: nowhere as a whole."""


@dataclass(frozen=True)
class Part:
    """The keys, or the elems, of a table's slots: `stored` bytes in each, of values of `size`
    bytes. An integer or a pointer of which less is stored has zeros above that."""

    base: int  # address of the first slot's
    stride: int  # bytes from one slot to the next
    stored: int
    size: int

    def places(self, slots: Ints) -> Addresses:
        """See SlotPart."""
        return np.uint64(self.base) + slots.astype(np.uint64) * np.uint64(self.stride)

    def values(self, memory: Memory, slots: Ints) -> Column:
        """See SlotPart."""
        places = self.places(slots)
        if not self.stored:
            return Column(np.zeros((len(slots), self.size), np.uint8))
        data, ok = memory.gather(places, self.stored)
        return Column.read(self._widened(data, memory.byte_order == "big"), ok, places)

    def addresses(self, slots: Ints) -> Addresses:
        """See SlotPart."""
        whole = self.stored == self.size
        return self.places(slots) if whole else np.zeros(len(slots), np.uint64)

    def _widened(self, data: Raw, is_big: bool) -> Raw:
        if self.stored == self.size:
            return data
        out = np.zeros((len(data), self.size), np.uint8)
        out[:, self.size - self.stored :] = data if is_big else 0
        if not is_big:
            out[:, : self.stored] = data
        return out


@dataclass(frozen=True)
class Table:
    """A table of `slots` slots. `items` and `deleted`: how many are live and deleted by its own
    counts, -1 if it has none; `items_at`, `deleted_at`: where it counts them."""

    slots: int
    state: StateColumn
    key: SlotPart
    elem: SlotPart
    items: int
    items_at: int
    deleted: int = -1
    deleted_at: int = 0


def rows_of(slots: int) -> int:
    """The rows of a table of so many slots."""
    return -(-slots // RUN)
