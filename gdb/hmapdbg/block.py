"""The data model between families and everything that shows a map: Header, Block, Problem.

A walk is a stream of Blocks (columns of numpy arrays) and Problems. A Block is bounded in bytes; it
holds rows for some main buckets in order, and, if asked for, a cell for each of their live entries.
The chain of one bucket that is larger than a Block is split: its cells come in several Blocks, its
row with the last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field

import numpy as np
from numpy.typing import NDArray

from .compat import dataclass
from .target import Type

OLD_ARRAY = "oldbuckets"  # what the CSV calls the array that growth is emptying

Ints = NDArray[np.int64]
Addresses = NDArray[np.uint64]


@dataclass(slots=True)
class Column:
    """`n` raw values of one type: data (n, size) of bytes; of those that could not be had, `failed`
    (n,) says which, and `faults` (n,) at which address, which is 0 for a NULL pointer. Both are
    None where nothing failed."""

    data: NDArray[np.uint8]
    faults: Addresses | None = None
    failed: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if self.faults is not None and self.failed is None:
            self.failed = self.faults != 0

    @staticmethod
    def read(data: NDArray[np.uint8], ok: NDArray[np.bool_], addrs: Addresses) -> Column:
        """Values read from `addrs` (n,), those where `ok` (n,) holds."""
        return Column(data) if ok.all() else Column(data, np.where(ok, 0, addrs), ~ok)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which of the values are there."""
        return np.ones(len(self), np.bool_) if self.failed is None else ~self.failed

    def __len__(self) -> int:
        return len(self.data)

    def take(self, index: Ints | NDArray[np.bool_]) -> Column:
        """The values at those places, in that order."""
        if self.faults is None or self.failed is None:
            return Column(self.data[index])
        return Column(self.data[index], self.faults[index], self.failed[index])

    @staticmethod
    def join(parts: Sequence[Column]) -> Column:
        """The values of all parts, one part after the other."""
        data = np.concatenate([part.data for part in parts])
        if all(part.faults is None for part in parts):
            return Column(data)
        none = [np.zeros(len(part), np.uint64) for part in parts]
        faults = [zeros if part.faults is None else part.faults for part, zeros in zip(parts, none)]
        failed = [~part.known for part in parts]
        return Column(data, np.concatenate(faults), np.concatenate(failed))


@dataclass(slots=True)
class Buckets:
    """Rows of the occupancy CSV, one a main bucket; all arrays have one length."""

    bucket: Ints  # index in its array
    address: Addresses  # of the main bucket
    chain: Ints  # buckets of the chain, the main one included
    slots: Ints
    live: Ints
    deleted: Ints  # tombstones
    empty: Ints
    evacuated: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.bucket)

    def part(self, low: int, high: int) -> Buckets:
        """The rows [low, high), as views."""
        rows = slice(low, high)
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
    """Live entries; all columns have one length."""

    bucket: Ints
    chain_index: Ints  # place of the cell's bucket in the chain
    slot: Ints
    tophash: Ints  # -1 where the family has none
    address: Addresses  # of the bucket, group or node that the cell lies in
    keys: Column
    elems: Column
    # Names of the arrays that the cells are in, where a Block has cells of many small ones; None:
    # all are in the Block's own.
    arrays: NDArray[np.object_] | None = None

    def __len__(self) -> int:
        return len(self.bucket)

    def take(self, index: Ints | NDArray[np.bool_]) -> Cells:
        """The cells at those places, in that order."""
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
        """The cells of all parts, one part after the other."""
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
    overflow: int = 0  # overflow buckets met in this part
    spare_used: int = 0  # of them, those that lie in the array (preallocated)
    loose: int = 0  # live entries of a map without buckets


@dataclass(frozen=True, slots=True)
class Link:
    """One bucket of a chain, with everything that lies in its slots. `note` alone is set where the
    bucket cannot be shown, and says why."""

    address: int
    tophash: tuple[int, ...] = ()  # of each slot
    marks: tuple[str, ...] = ()  # what each byte means: "live", "emptyOne", ...
    live: tuple[bool, ...] = ()
    keys: Column | None = None  # of every slot, stale ones too
    elems: Column | None = None
    overflow: int | None = None  # the pointer to the next bucket; None: the family has none
    spare: int | None = None  # its number among the array's spare buckets; None: it is not one
    note: str = ""


@dataclass(frozen=True, slots=True)
class Chain:
    """One main bucket and what hangs on it."""

    array: str
    bucket: int
    links: Iterator[Link]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that cannot be so in a sound map."""

    text: str
    address: int | None = None
    invariant: str = ""  # "I4"; empty: a fault of memory rather than of the map

    def __str__(self) -> str:
        where = "" if self.address is None else f" 0x{self.address:x}"
        return f"{self.invariant or 'fault'}{where}: {self.text}"


@dataclass(frozen=True, slots=True)
class Array:
    """A bucket array."""

    name: str  # as in the CSV
    address: int  # of its first bucket
    buckets: int  # main buckets
    size: int  # bytes held by it, without overflow buckets from elsewhere
    spare: int = 0  # preallocated overflow buckets behind the main ones, used or not
    pins: int = 0  # open iterators that walk it, where the family counts them


@dataclass(frozen=True, slots=True)
class Table:
    """What a table of an open-addressing map says of itself. Its groups are the Array of the same
    place in the Header."""

    index: int
    address: int
    used: int
    capacity: int  # slots
    growth_left: int  # slots that may be filled before it grows
    local_depth: int
    tombstones: int  # by its own arithmetic


@dataclass(frozen=True, slots=True)
class Header:
    """A map as a whole, before its buckets are read. Sizes are bytes."""

    family: str  # "libhmap"
    expression: str  # as the user typed it
    type_name: str  # "struct hmap *"
    address: int  # of the map's header
    count_at: int  # where `count` lies
    key_type: Type
    elem_type: Type
    count: int  # entries, as the map says
    arrays: tuple[Array, ...]  # those that are walked, new before old; empty: nothing allocated
    bucket_size: int
    slots_per_bucket: int
    header_size: int  # of everything held once a map
    box_size: int = 0  # held for each entry outside the buckets
    load_factor: float = 0.0  # entries a bucket, at which the map grows
    bucket_noun: str = "bucket"  # what the family calls what is walked: "group"
    # Whether arrays are tables of groups with open addressing: an entry may lie in any group of its
    # table, and the search for an absent one ends at the first group with an empty slot.
    probing: bool = False
    tables: tuple[Table, ...] = ()
    table_size: int = 0  # held by a table apart from its groups
    directory_size: int = 0
    facts: tuple[tuple[str, int], ...] = ()  # what else the family counts, by name
    details: tuple[tuple[str, str], ...] = ()  # lines of the summary about that, label and text
    name: str = ""  # the map's own, if it keeps one
    created_at: str = ""  # where in the program it was made, if known
    B: int | None = None
    same_size_grow: bool = False
    nevacuate: int = 0
    overflow_estimate: int | None = None  # the map's own count of overflow buckets
    overflow_exact: bool = True
    spare_left: int = 0  # preallocated overflow buckets not yet used
    writing: bool = False
    iterators: int | None = None  # open ones, where the family counts them
    # Whether iterators are told by what looks like them, rather than by the map.
    probable_iterators: bool = False
    retired: tuple[Array, ...] = ()  # superseded arrays that open iterators keep
    chained: bool = False  # a bucket is a list of nodes, each with one entry, and no slots
    unique_keys: bool = True
    next_resize: int | None = None  # entries above which the map grows, where it keeps that
    inner: Header | None = None  # of a map that keeps its entries in another one: that one's
    inner_size: int = 0  # held by such maps and their deleted entries, or by the nodes of a trie
    dead: int = 0  # deleted entries that are still held
    count_rule: str = "I1"  # the invariant that `count` is the number of entries
    notes: tuple[str, ...] = ()  # what the reader should know about how this was read
    problems: tuple[Problem, ...] = field(default=())

    @property
    def old(self) -> Array | None:
        """The array that growth is emptying."""
        return next((array for array in self.arrays if array.name == OLD_ARRAY), None)

    @property
    def types(self) -> str:
        """What is in the map, for people; a set has keys alone."""
        key, elem = self.key_type.name, self.elem_type.name
        return f"{key} -> {elem}" if elem else key

    @property
    def growing(self) -> bool:
        return self.old is not None
