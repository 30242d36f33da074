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
    compares at a time; `clones`: how many of the first ones stand again behind those of the slots,
    of a table smaller than that directly (`clones_first`) or behind the rest of a window."""

    size: int  # of a slot
    key: int
    key_size: int
    elem: int
    elem_size: int
    control: Control
    window: int
    clones: int
    clones_first: bool = False
    is_downward: bool = False  # slots lie before the base, the first one nearest to it
    reach: Reach | None = None

    def slot_addresses(self, base: int, slots: Ints) -> Addresses:
        """Where slots lie, by their numbers."""
        steps = slots.astype(np.uint64)
        if self.is_downward:
            return np.uint64(base) - (steps + np.uint64(1)) * np.uint64(self.size)
        return np.uint64(base) + steps * np.uint64(self.size)

    def behind(self, ctrl: NDArray[np.uint8], sentinels: int) -> NDArray[np.uint8]:
        """The control bytes behind those of all slots of a table (n,), as they must be."""
        empty = np.uint8(self.control.empty)
        if not self.clones_first:
            rest = np.full(max(self.clones - len(ctrl), 0), empty)
            return np.concatenate([rest, ctrl[: self.clones]])
        ends = np.full(sentinels, self.control.sentinel & 0xFF, np.uint8)
        repeated = np.concatenate([ctrl, ends[1:]])[: self.clones]
        rest = np.full(self.clones - len(repeated), empty)
        return np.concatenate([ends, repeated, rest])

    def original(self, at: int, slots: int, sentinels: int) -> int:
        """The slot whose control byte the one at `at` behind those of the slots repeats; -1: it
        repeats none."""
        skipped = sentinels if self.clones_first else max(self.clones - slots, 0)
        number = at - skipped
        return number if 0 <= number < min(slots, self.clones) else -1


@dataclass(frozen=True)
class Table:
    """One table: its number of slots, with the sentinels behind them a power of two, and where they
    are. Its control bytes are the Array of the same index in the Header; one that has none is one
    slot, which the Array is."""

    slots: int
    base: int  # see SlotLayout.is_downward
    growth_left: int
    limit: int  # entries and tombstones that it takes before it grows; -1: unknown
    items: int  # as the table counts them
    items_at: int  # where it counts them
    growth_left_at: int
    sentinels: int = 0  # control bytes of no slot that end the table, and windows pass over
    has_control: bool = True

    @property
    def positions(self) -> int:
        """The number of control bytes at which a lookup may begin: a power of two."""
        return self.slots + self.sentinels


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
