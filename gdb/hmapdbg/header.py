"""A map as a whole: its Header, and the Geometry that the Header refers to.

The Header says what every map has; what only some have (growth, overflow buckets, tables, pins) are
optional parts. The Geometry is the shape that the map's memory has. Whoever shows a map asks it for
the nouns, for what a uniform hash would do, and for what is worth showing: no test for a family, or
for one shape, stands outside of geometry/ and families/.
"""

from __future__ import annotations

import abc
import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from typing import ClassVar, Optional, Protocol

import numpy as np
from numpy.typing import NDArray

from .block import Ints, Problem
from .compat import dataclass
from .target import Type


class Role(enum.Enum):
    """What an array is for."""

    MAIN = "main"
    OLD = "old"  # growth is emptying it
    TABLE = "table"  # one of several that divide the hash space among them
    RETIRED = "retired"  # superseded; an iterator keeps it


@dataclass(frozen=True, slots=True)
class Array:
    """A bucket array."""

    name: str  # as in the CSV
    address: int  # of its first bucket
    buckets: int  # main buckets
    size: int  # bytes held by it, without overflow buckets from elsewhere
    spare: int = 0  # preallocated overflow buckets behind the main ones, used or not
    pins: int = 0  # open iterators that walk it, where the family counts them
    role: Role = Role.MAIN

    @property
    def prefix(self) -> str:
        """What stands in front of a bucket's number, for people: "old ", "table 3 "."""
        if self.role is Role.OLD:
            return "old "
        return f"table {self.name} " if self.role is Role.TABLE else ""


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
class Growth:
    """How a map grows, where that is to be seen."""

    B: int | None = None  # log2 of the main buckets
    same_size: bool = False  # the array is rebuilt, not doubled
    nevacuate: int = 0  # old buckets below this one are evacuated
    # Entries above which the map grows; 0: the next insertion decides; None: the load factor does.
    above: int | None = None


@dataclass(frozen=True, slots=True)
class Overflow:
    """Overflow buckets, as the map counts them."""

    estimate: int
    is_exact: bool = True
    spare_left: int = 0  # preallocated ones not yet used


@dataclass(frozen=True, slots=True)
class Pins:
    """Open iterators, and what they keep."""

    iterators: int | None = None  # None: not counted by the family, and none was found
    # Whether iterators are told by what looks like them, rather than by the map.
    is_probable: bool = False
    retired: tuple[Array, ...] = ()  # superseded arrays that open iterators keep


@dataclass(frozen=True, slots=True)
class Header:
    """A map as a whole, before its buckets are read. Sizes are bytes."""

    family: str  # "libhmap"
    expression: str  # as the user typed it
    type_name: str  # "struct hmap *"
    address: int  # of the map's header
    count_at: int  # where `count` is
    key_type: Type
    elem_type: Type
    count: int  # entries, as the map says
    arrays: tuple[Array, ...]  # those that are walked, new before old; empty: nothing allocated
    geometry: Geometry
    header_size: int  # of everything held once a map
    box_size: int = 0  # held for each entry outside the buckets
    held: tuple[tuple[str, int], ...] = ()  # what else is held, by noun: ("directory", 4096)
    dead: int = 0  # deleted entries that are still held
    unique_keys: bool = True
    count_rule: str = "I1"  # the invariant that `count` is the number of entries
    writing: bool = False
    name: str = ""  # the map's own, if it keeps one
    created_at: str = ""  # where in the program it was made, if known
    growth: Growth | None = None
    overflow: Overflow | None = None
    tables: tuple[Table, ...] = ()
    pins: Pins = Pins()
    facts: tuple[tuple[str, int], ...] = ()  # what else the family counts, by name
    details: tuple[tuple[str, str], ...] = ()  # lines of the summary about that, label and text
    notes: tuple[str, ...] = ()  # what the reader should know about how this was read
    problems: tuple[Problem, ...] = field(default=())

    @property
    def old(self) -> Array | None:
        """The array that growth is emptying."""
        return next((array for array in self.arrays if array.role is Role.OLD), None)

    @property
    def growing(self) -> bool:
        return self.old is not None

    @property
    def same_size_grow(self) -> bool:
        """Whether the growth under way makes an array of the same size."""
        return self.growth is not None and self.growth.same_size

    @property
    def types(self) -> str:
        """What is in the map, for people; a set has keys alone."""
        key, elem = self.key_type.name, self.elem_type.name
        return f"{key} -> {elem}" if elem else key

    def array(self, name: str) -> Array:
        """The array of that name. KeyError."""
        for one in self.arrays:
            if one.name == name:
                return one
        raise KeyError(name)

    def held_as(self, noun: str) -> int:
        """What is held under that noun besides arrays and boxes."""
        return sum(size for name, size in self.held if name == noun)


@dataclass(frozen=True)
class Verdict:
    """A judgement with its evidence: `name` for machines, `text` for people."""

    name: str
    text: str


class Numbers(Protocol):
    """What a walk of a map has counted (stats.Stats), as far as it is judged."""

    header: Header
    live: int
    deleted: int
    slots: int
    evacuated: int

    @property
    def load(self) -> float:
        """Entries a main bucket of the new array."""

    @property
    def unread(self) -> int:
        """Buckets that could not be read."""

    @property
    def held(self) -> int:
        """Bytes that the map holds."""

    @property
    def rebuilt(self) -> int:
        """Bytes that a map made anew would hold."""

    @property
    def arrays_size(self) -> int:
        """Bytes of all arrays."""

    @property
    def box_bytes(self) -> int:
        """Bytes held for entries outside the buckets."""

    @property
    def p_value(self) -> float | None:
        """The probability that a uniform hash spreads entries as unevenly; None: not to be told."""

    @property
    def longest_chain(self) -> int:
        """In links."""

    @property
    def chain_bound(self) -> int:
        """The longest chain that a uniform hash is expected to make."""

    @property
    def mean_probe(self) -> float:
        """Buckets looked at for an absent key, on average."""


# Judges the numbers; None: there is nothing to say.
Rule = Callable[[Numbers], Optional[Verdict]]

# The bins that a growing map's hash space is divided into: (buckets of that array, bins in it).
Bins = Sequence[tuple[int, int]]


class NullModel(abc.ABC):
    """What a hash that spreads keys uniformly makes of `live` entries."""

    @abc.abstractmethod
    def sd(self, live: int, bins: Bins) -> float:
        """The expected standard deviation of the entries per bin."""

    @abc.abstractmethod
    def p_value(self, live: int, bins: Bins, chi_square: float, pairs: int) -> float:
        """The probability of a spread at least as uneven. `pairs`: of entries in one bin."""

    @abc.abstractmethod
    def most_entries(self, live: int, bins: Bins) -> int:
        """What the fullest bin is expected to hold at most."""

    @abc.abstractmethod
    def iter_counts(self, live: int, bins: Bins) -> Iterator[tuple[Ints, Ints]]:
        """For each array: numbers of entries, and how many bins are expected to hold each (float
        numbers)."""


class Aspect(enum.Enum):
    """What can be said of a map, beyond the numbers that all have: each a line of the summary."""

    SLOTS = "slots"
    TABLES = "tables"
    PROBES = "probes"
    CHAINS = "chains"
    LOOKUPS = "lookups"
    SPREAD = "spread"


class Panel(enum.Enum):
    """A part of a map's picture."""

    OCCUPANCY = "occupancy"
    SPREAD = "spread"
    HISTOGRAM = "histogram"
    LENGTHS = "lengths"  # of chains, or of probes


class Geometry(abc.ABC):
    """The shape that a map's memory has: nouns, null model, sizes, verdicts, aspects, panels.

    What stands here are the commonest answers."""

    # What the CSV and the JSON call it.
    name: ClassVar[str]

    # ---- nouns; empty where there is no such thing
    bucket: ClassVar[str] = "bucket"  # what a row of the occupancy CSV is
    array: ClassVar[str] = "array"
    cell: ClassVar[str] = "live cell"  # what an entry takes
    byte: ClassVar[str] = ""  # the part of the hash that is kept with an entry
    link: ClassVar[str] = ""  # what a chain is made of
    chain_length: ClassVar[str] = ""  # what the length of a chain counts, for the axis of a picture
    box: ClassVar[str] = "boxes"  # what is held for each entry outside the buckets
    nothing_yet: ClassVar[str] = "no bucket array yet"

    # ---- what there is to be said
    aspects: ClassVar[tuple[Aspect, ...]] = ()
    panels: ClassVar[tuple[Panel, ...]] = ()
    rules: ClassVar[tuple[Rule, ...]] = ()
    null_model: ClassVar[NullModel | None] = None
    least_chain: ClassVar[int] = 1  # of an empty bucket: 0 where a bucket is a list

    # ---- parameters of the family
    slots: int  # of a bucket
    bucket_size: int  # bytes
    load_factor: float  # entries a bucket, at which the map grows; 0: not known

    @property
    def is_list(self) -> bool:
        """Whether a bucket is a list of nodes, and has no slots."""
        return self.least_chain == 0

    def rebuilt(self, live: int, arrays: Sequence[Array]) -> int:
        """The bytes that arrays and tables of a map made anew for this many entries take."""
        return 0

    def capacity(self, buckets: int, slots: int) -> int:
        """The entries that so many main buckets, with so many slots in their chains, have room
        for."""
        return slots

    def room(self, arrays: Sequence[Array]) -> int | None:
        """Slots of main and spare buckets; None where a bucket takes any number of entries."""
        return sum(array.buckets + array.spare for array in arrays) * self.slots

    def probes(self, ends: NDArray[np.bool_]) -> Ints | None:
        """How many buckets the search for an absent key looks at, from each bucket of an array;
        `ends` tells of all of them whether they have an empty slot. None where that cannot be told
        from occupancy alone."""
        return None

    def place(self, array: Array | None, bucket: int, link: int, slot: int, address: int) -> str:
        """Where an entry is, for people; `array`: None where the map has none."""
        return f"{self.bucket} {bucket:,}{in_array(array)}, at 0x{address:x}, slot {slot}"


def in_array(array: Array | None) -> str:
    """Which of a map's arrays a bucket is of: " of table 3"; empty for the only one."""
    if array is None:
        return ""
    if array.role is Role.OLD:
        return " of the old array"
    return f" of table {array.name}" if array.role is Role.TABLE else ""
