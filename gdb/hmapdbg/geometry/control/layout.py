"""Tables of slots with their control bytes apart: where slots lie, and their entries."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Buckets, Ints
from ...compat import dataclass
from ...header import Array
from ...target import Memory
from ..columns import Mask, Raw
from ..control_bytes import Control

RUN = 16  # slots of a row of the occupancy, which is no probe window: those begin anywhere


class Reach(Protocol):
    """Where the entries are that slots only lead to."""

    def find(self, memory: Memory, slots: Raw) -> tuple[Addresses, Mask]:
        """The addresses of the entries of n slots (n, size), and which slots lead to one."""


@dataclass(frozen=True)
class Boxes:
    """A slot holds the pointer to its entry."""

    def find(self, memory: Memory, slots: Raw) -> tuple[Addresses, Mask]:
        """See Reach."""
        addrs = memory.pointer_column(slots)
        return addrs, addrs != 0


@dataclass(frozen=True)
class Dense:
    """A slot holds the number of its entry in an array of `count` entries of `size` bytes each."""

    address: int
    count: int
    size: int

    def find(self, memory: Memory, slots: Raw) -> tuple[Addresses, Mask]:
        """See Reach."""
        numbers = memory.pointer_column(slots)
        there = numbers < np.uint64(self.count)
        known = np.where(there, numbers, np.uint64(0))
        return np.uint64(self.address) + known * np.uint64(self.size), there


@dataclass(frozen=True)
class SlotLayout:
    """Offsets and sizes in bytes; those of key and elem are in an entry, which is the slot itself
    where `reach` is None. A set has elems of 0 bytes. `window`: the control bytes that a lookup
    compares at a time, of which as many again stand behind those of the slots."""

    size: int  # of a slot
    key: int
    key_size: int
    elem: int
    elem_size: int
    control: Control
    window: int
    is_downward: bool = False  # slots lie before the base, the first one nearest to it
    reach: Reach | None = None

    def slot_addresses(self, base: int, slots: Ints) -> Addresses:
        """Where slots lie, by their numbers."""
        steps = slots.astype(np.uint64)
        if self.is_downward:
            return np.uint64(base) - (steps + np.uint64(1)) * np.uint64(self.size)
        return np.uint64(base) + steps * np.uint64(self.size)


@dataclass(frozen=True)
class Table:
    """One table: its number of slots, a power of two, and where they are. Its control bytes are the
    Array of the same index in the Header."""

    slots: int
    base: int  # see SlotLayout.is_downward
    growth_left: int
    limit: int  # entries and tombstones that it takes before it grows
    items: int  # as the table counts them
    items_at: int  # where it counts them
    growth_left_at: int


@dataclass(frozen=True)
class Seen:
    """Adjacent slots of a table, as they were read; they begin and end with a row."""

    number: int  # index of the array in the header
    array: Array
    first: int  # number of the first slot
    rows: Buckets
    ctrl: NDArray[np.uint8]  # (n,) control bytes; `empty` where unreadable
    ok: Mask  # (n,) which were read


def rows_of(slots: int) -> int:
    """The rows of a table of so many slots."""
    return -(-slots // RUN)
