"""What a walk of a map yields: Blocks and Problems.

A walk is a stream of Blocks (columns of numpy arrays) and Problems. A Block is bounded in bytes. It
holds rows for some main buckets, in order, and on request a cell for each live entry. A chain that
is larger than a Block is split: its cells come in several Blocks, its row in the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .compat import dataclass

Ints = NDArray[np.int64]
Addresses = NDArray[np.uint64]


@dataclass(slots=True)
class Column:
    """`n` raw values of one type: `data` (n, size), in bytes. `failed` (n,) marks those that could
    not be read, `faults` (n,) has their addresses, 0 for a NULL pointer. Both are None if all were
    read."""

    data: NDArray[np.uint8]
    faults: Addresses | None = None
    failed: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if self.faults is not None and self.failed is None:
            self.failed = self.faults != 0

    @staticmethod
    def read(data: NDArray[np.uint8], ok: NDArray[np.bool_], addrs: Addresses) -> Column:
        """Values read from `addrs` (n,); `ok` (n,): which were read."""
        return Column(data) if ok.all() else Column(data, np.where(ok, 0, addrs), ~ok)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which of the values were read."""
        return np.ones(len(self), np.bool_) if self.failed is None else ~self.failed

    def __len__(self) -> int:
        return len(self.data)

    def take(self, index: Ints | NDArray[np.bool_]) -> Column:
        """The values at those indices, in that order."""
        if self.faults is None or self.failed is None:
            return Column(self.data[index])
        return Column(self.data[index], self.faults[index], self.failed[index])

    @staticmethod
    def join(parts: Sequence[Column]) -> Column:
        """The values of all parts, concatenated."""
        data = np.concatenate([part.data for part in parts])
        if all(part.faults is None for part in parts):
            return Column(data)
        none = [np.zeros(len(part), np.uint64) for part in parts]
        faults = [zeros if part.faults is None else part.faults for part, zeros in zip(parts, none)]
        failed = [~part.known for part in parts]
        return Column(data, np.concatenate(faults), np.concatenate(failed))


@dataclass(slots=True)
class Buckets:
    """Rows of the occupancy CSV, one per main bucket; all arrays are equally long."""

    bucket: Ints  # index in its array
    address: Addresses  # of the main bucket
    chain: Ints  # buckets of the chain, including the main one
    slots: Ints
    live: Ints
    deleted: Ints  # tombstones
    empty: Ints
    evacuated: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.bucket)

    def part(self, low: int, high: int) -> Buckets:
        """The rows [low, high), as views."""
        return self.take(slice(low, high))

    def take(self, rows: slice | NDArray[np.bool_]) -> Buckets:
        """Those rows, in order; for a slice, as views."""
        return Buckets(
            self.bucket[rows],
            self.address[rows],
            self.chain[rows],
            self.slots[rows],
            self.live[rows],
            self.deleted[rows],
            self.empty[rows],
            self.evacuated[rows],
        )


@dataclass(slots=True)
class Cells:
    """Live entries, in columns of equal length."""

    bucket: Ints
    chain_index: Ints  # index of the cell's bucket in the chain
    slot: Ints
    tophash: Ints  # -1 if the family has none
    address: Addresses  # of the bucket, group or node of the cell
    keys: Column
    elems: Column
    # Names of the cells' arrays, if a Block has cells of many small arrays; None: all are in the
    # Block's array.
    arrays: NDArray[np.object_] | None = None

    def __len__(self) -> int:
        return len(self.bucket)

    def take(self, index: Ints | NDArray[np.bool_]) -> Cells:
        """The cells at those indices, in that order."""
        return Cells(
            self.bucket[index],
            self.chain_index[index],
            self.slot[index],
            self.tophash[index],
            self.address[index],
            self.keys.take(index),
            self.elems.take(index),
            None if self.arrays is None else self.arrays[index],
        )

    @staticmethod
    def join(parts: Sequence[Cells]) -> Cells:
        """The cells of all parts, concatenated."""
        if len(parts) == 1:
            return parts[0]
        return Cells(
            np.concatenate([part.bucket for part in parts]),
            np.concatenate([part.chain_index for part in parts]),
            np.concatenate([part.slot for part in parts]),
            np.concatenate([part.tophash for part in parts]),
            np.concatenate([part.address for part in parts]),
            Column.join([part.keys for part in parts]),
            Column.join([part.elems for part in parts]),
            _join_names([part.arrays for part in parts]),
        )


def _join_names(parts: Sequence[NDArray[np.object_] | None]) -> NDArray[np.object_] | None:
    there = [part for part in parts if part is not None]
    return np.concatenate(there) if len(there) == len(parts) else None


@dataclass(slots=True)
class Block:
    """Part of one array of the map."""

    array: str  # "buckets", "oldbuckets", ...
    buckets: Buckets | None = None
    cells: Cells | None = None
    overflow: int = 0  # overflow buckets found in this part
    spare_used: int = 0  # of those, preallocated in the array
    loose: int = 0  # live entries of a map without buckets
    # Of the slots of `buckets`, which end a lookup, where lookups begin at any slot; None: at
    # buckets, or not all slots were read.
    probe_ends: NDArray[np.bool_] | None = None
    # Where the lookups of live entries begin, and their slots, by number in the array; None: that
    # is unknown, or entries are in the bucket where they begin.
    lookups: tuple[Ints, Ints] | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """One bucket of a chain, with the contents of its slots. If it cannot be shown, only `note` is
    set, and says why."""

    address: int
    tophash: tuple[int, ...] = ()  # of each slot
    marks: tuple[str, ...] = ()  # what each byte means: "live", "emptyOne", ...
    live: tuple[bool, ...] = ()
    keys: Column | None = None  # of every slot, also stale ones
    elems: Column | None = None
    overflow: int | None = None  # the pointer to the next bucket; None: the family has none
    spare: int | None = None  # its index among the array's spare buckets; None: not one
    note: str = ""


@dataclass(frozen=True, slots=True)
class Chain:
    """One main bucket with its overflow."""

    array: str
    bucket: int
    address: int  # of the main bucket
    links: Iterator[Link]


@dataclass(frozen=True)
class Place:
    """The main bucket where a key would be."""

    array: str
    bucket: int


@dataclass(frozen=True, slots=True)
class Problem:
    """An invariant that a map breaks, or unreadable memory."""

    text: str
    address: int | None = None
    invariant: str = ""  # "I4"; empty: memory that cannot be read

    def __str__(self) -> str:
        where = "" if self.address is None else f" 0x{self.address:x}"
        return f"{self.invariant or 'fault'}{where}: {self.text}"


def live_entries(walk: Iterable[object]) -> int | None:
    """The live entries that a walk finds; None if it meets a Problem."""
    live = 0
    for item in walk:
        if isinstance(item, Problem):
            return None
        if isinstance(item, Block) and item.buckets is not None:
            live += int(item.buckets.live.sum())
    return live


def found_entries(walk: Iterable[object]) -> int:
    """The live entries that a walk finds, also if it meets a Problem."""
    blocks = (one.buckets for one in walk if isinstance(one, Block))
    return sum(int(one.live.sum()) for one in blocks if one is not None)
