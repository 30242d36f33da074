"""A map as a whole: its Header, and the Geometry that the Header refers to.

The Header has what every map has; what only some have (growth, overflow buckets, tables, pins) is
in optional parts. The Geometry is the shape of the map in memory. It provides the nouns, what a
uniform hash would do, and what to show: no code outside of geometry/ and families/ tests for a
family or a shape.
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
    OLD = "old"  # being emptied by growth
    TABLE = "table"  # one of several that share the hash space
    RETIRED = "retired"  # superseded, but pinned


@dataclass(frozen=True, slots=True)
class Array:
    """A bucket array."""

    name: str  # as in the CSV
    address: int  # of its first bucket
    buckets: int  # main buckets
    size: int  # bytes, without overflow buckets allocated one by one
    spare: int = 0  # preallocated overflow buckets after the main ones, used or not
    pins: int = 0  # open iterators that walk it, if the family counts them
    role: Role = Role.MAIN

    @property
    def prefix(self) -> str:
        """What is shown before a bucket's number: "old ", "table 3 "."""
        if self.role is Role.OLD:
            return "old "
        return f"table {self.name} " if self.role is Role.TABLE else ""


@dataclass(frozen=True, slots=True)
class Table:
    """The fields of a table of an open-addressing map. Its groups are the Array with the same index
    in the Header."""

    index: int
    address: int
    used: int
    capacity: int  # slots
    growth_left: int  # slots that may be filled before it grows
    local_depth: int
    tombstones: int  # from the fields above


@dataclass(frozen=True, slots=True)
class Growth:
    """How a map grows, if that is known."""

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
    spare_left: int = 0  # preallocated, not yet used


@dataclass(frozen=True, slots=True)
class Pins:
    """Open iterators, and what they pin."""

    iterators: int | None = None  # None: not counted by the family, and none was found
    # Whether iterators were recognised in memory, not counted by the map.
    is_probable: bool = False
    retired: tuple[Array, ...] = ()  # superseded arrays, kept by open iterators


@dataclass(frozen=True, slots=True)
class Header:
    """A map as a whole, before its buckets are read. Sizes are in bytes."""

    family: str  # "libhmap"
    expression: str  # as the user typed it
    type_name: str  # "struct hmap *"
    address: int  # of the map's header
    count_at: int  # where `count` is
    key_type: Type
    elem_type: Type
    count: int  # entries, by the map's count
    arrays: tuple[Array, ...]  # arrays to walk, new before old; empty: nothing allocated
    geometry: Geometry
    header_size: int  # of everything held once per map
    box_size: int = 0  # held per entry outside the buckets
    # Whether sizes are those of the blocks that the allocator has given; None: there are none.
    is_rounded: bool | None = None
    held: tuple[tuple[str, int], ...] = ()  # other memory held, by noun: ("directory", 4096)
    dead: int = 0  # deleted entries that are still held
    unique_keys: bool = True
    count_rule: str = "I1"  # the invariant that `count` is the number of entries
    writing: bool = False
    name: str = ""  # the map's own, if it has one
    created_at: str = ""  # where the program created it, if known
    growth: Growth | None = None
    overflow: Overflow | None = None
    tables: tuple[Table, ...] = ()
    pins: Pins = Pins()
    facts: tuple[tuple[str, int], ...] = ()  # other counts of the family, by name
    details: tuple[tuple[str, str], ...] = ()  # lines about them in the summary: label, text
    notes: tuple[str, ...] = ()  # for the user, about how the map was read
    layout_note: str = ""  # one of them, if it is of all such maps of the process
    problems: tuple[Problem, ...] = field(default=())
    # Whether memory without a map would not be taken for an empty one: its header proves it.
    certain_if_empty: bool = False

    @property
    def old(self) -> Array | None:
        """The array that growth is emptying."""
        return next((array for array in self.arrays if array.role is Role.OLD), None)

    @property
    def growing(self) -> bool:
        return self.old is not None

    @property
    def same_size_grow(self) -> bool:
        """Whether the current growth keeps the size of the array."""
        return self.growth is not None and self.growth.same_size

    @property
    def shrinking(self) -> bool:
        """Whether the array that growth is emptying is larger than the new one."""
        return self.old is not None and self.old.buckets > self.arrays[0].buckets

    @property
    def null_model(self) -> NullModel | None:
        """How a uniform hash spreads the entries; None if no model has that: while the array
        shrinks, a new bucket takes from several old ones."""
        return None if self.shrinking else self.geometry.null_model

    @property
    def growth_kind(self) -> str:
        """What is under way while there is an old array."""
        if self.same_size_grow:
            return "same-size growth"
        return "shrinking" if self.shrinking else "growing"

    @property
    def types(self) -> str:
        """Key and value types, for people; a set has only keys."""
        key, elem = self.key_type.name, self.elem_type.name
        return f"{key} -> {elem}" if elem else key

    def array(self, name: str) -> Array:
        """The array called `name`. KeyError."""
        for one in self.arrays:
            if one.name == name:
                return one
        raise KeyError(name)

    def held_as(self, noun: str) -> int:
        """The bytes in `held` under that noun."""
        return sum(size for name, size in self.held if name == noun)


@dataclass(frozen=True)
class Verdict:
    """A judgement with its evidence: `name` for machines, `text` for people."""

    name: str
    text: str


class Numbers(Protocol):
    """The numbers of a walk (stats.Stats) that verdicts use."""

    header: Header
    live: int
    deleted: int
    slots: int
    evacuated: int

    @property
    def misplaced(self) -> int | None:
        """Entries in a bucket that their hash does not select; None if that was not verified."""

    @property
    def load(self) -> float:
        """Entries per main bucket of the new array."""

    @property
    def unread(self) -> int:
        """Buckets that could not be read."""

    @property
    def held(self) -> int:
        """Bytes that the map holds."""

    @property
    def rebuilt(self) -> int:
        """Bytes that a rebuilt map would hold."""

    @property
    def arrays_size(self) -> int:
        """Bytes of all arrays."""

    @property
    def box_bytes(self) -> int:
        """Bytes held for entries outside the buckets."""

    @property
    def p_value(self) -> float | None:
        """The probability that a uniform hash spreads entries as unevenly; None: unknown."""

    @property
    def longest_chain(self) -> int:
        """In links."""

    @property
    def chain_bound(self) -> int:
        """The longest chain that a uniform hash is expected to make."""

    @property
    def mean_probe(self) -> float:
        """Buckets that a miss visits, on average."""

    @property
    def mean_hit(self) -> float:
        """Slots that the lookup of an entry looks at, on average; 0: unknown."""


# Judges the numbers; None: no verdict.
Rule = Callable[[Numbers], Optional[Verdict]]

# The bins of a growing map's hash space, for each array: (its buckets, its bins).
Bins = Sequence[tuple[int, int]]


class NullModel(abc.ABC):
    """How a uniform hash spreads `live` entries."""

    @abc.abstractmethod
    def sd(self, live: int, bins: Bins) -> float:
        """The expected standard deviation of the entries per bin."""

    @abc.abstractmethod
    def p_value(self, live: int, bins: Bins, chi_square: float, pairs: int) -> float:
        """The probability of a spread at least as uneven. `pairs`: of entries in the same bin."""

    @abc.abstractmethod
    def most_entries(self, live: int, bins: Bins) -> int:
        """The most entries that the fullest bin should hold."""

    @abc.abstractmethod
    def iter_counts(self, live: int, bins: Bins) -> Iterator[tuple[Ints, Ints]]:
        """For each array: numbers of entries, and the expected number of bins with each
        (floats)."""


class Aspect(enum.Enum):
    """A line of the summary that only some maps have."""

    SLOTS = "slots"
    TABLES = "tables"
    PROBES = "probes"
    CHAINS = "chains"
    LOOKUPS = "lookups"
    SPREAD = "spread"


class Panel(enum.Enum):
    """A panel of a map's picture."""

    OCCUPANCY = "occupancy"
    SPREAD = "spread"
    HISTOGRAM = "histogram"
    LENGTHS = "lengths"  # of chains, or of probes


@dataclass(frozen=True)
class Geometry(abc.ABC):
    """The shape of a map in memory: nouns, null model, sizes, verdicts, aspects, panels.

    The defaults are the most common answers."""

    # Its name in the CSV and the JSON.
    name: ClassVar[str]

    # ---- nouns; empty if there is no such thing
    bucket: ClassVar[str] = "bucket"  # what a row of the occupancy CSV is
    array: ClassVar[str] = "array"
    cell: ClassVar[str] = "live cell"  # what holds an entry
    byte: ClassVar[str] = ""  # the part of the hash stored with an entry
    link: ClassVar[str] = ""  # what a chain consists of
    chain_length: ClassVar[str] = ""  # what a chain's length counts, for the axis of a picture
    box: ClassVar[str] = "boxes"  # what is held per entry outside the buckets
    nothing_yet: ClassVar[str] = "no bucket array yet"
    probe_start: ClassVar[str] = ""  # where the lookup of a key begins; empty: at a bucket
    probe_unit: ClassVar[str] = ""  # what it looks at in one step; empty: a bucket

    # ---- what to show
    aspects: ClassVar[tuple[Aspect, ...]] = ()
    panels: ClassVar[tuple[Panel, ...]] = ()
    rules: ClassVar[tuple[Rule, ...]] = ()
    null_model: ClassVar[NullModel | None] = None
    least_chain: ClassVar[int] = 1  # of an empty bucket: 0 if a bucket is a list
    # Whether `rebuilt` cannot be told without a load factor; then no array is counted.
    needs_load_factor: ClassVar[bool] = True
    # Whether the list of a bucket has an end of its own, and is no part of a list of all.
    own_lists: ClassVar[bool] = False

    # ---- parameters of the family
    slots: int  # per bucket
    bucket_size: int  # bytes
    load_factor: float  # entries per bucket at which the map grows; 0: unknown

    @property
    def limit(self) -> str:
        """The load factor for people, as the load is shown; empty if it is unknown."""
        if not self.load_factor:
            return ""
        is_small = self.load_factor < 1
        return f"{self.load_factor if is_small else round(self.load_factor, 2):g}"

    @property
    def is_list(self) -> bool:
        """Whether a bucket is a list of nodes, and has no slots."""
        return self.least_chain == 0

    @property
    def overflow_size(self) -> int:
        """Bytes that an overflow bucket takes that is allocated by itself."""
        return self.bucket_size

    def rebuilt(self, live: int, arrays: Sequence[Array]) -> int:
        """Bytes of the arrays and tables of a map rebuilt with this many entries."""
        return 0

    def capacity(self, buckets: int, slots: int) -> int:
        """The entries that fit into main buckets with that many slots in their chains."""
        return slots

    def room(self, arrays: Sequence[Array]) -> int | None:
        """Slots of main and spare buckets; None if a bucket takes any number of entries."""
        return sum(array.buckets + array.spare for array in arrays) * self.slots

    def probes(self, ends: NDArray[np.bool_]) -> Ints | None:
        """The probe length of a miss from each bucket of an array (n,), or from each `probe_start`;
        `ends` (n,): which of them have, or are, an empty slot. None if occupancy alone does not
        tell."""
        return None

    def start(self, number: int) -> str:
        """A place that `probes` begins at, by its number there, for people."""
        return f"{self.probe_start or self.bucket} {number:,}"

    def hits(self, ends: NDArray[np.bool_], homes: Ints, slots: Ints) -> Ints | None:
        """How many slots the lookups of entries look at, by where they begin and where the entries
        are (n,); less than 0: more than so many; 0: an entry is not found. `ends`: see probes. None
        if that cannot be told."""
        return None

    def place(self, array: Array | None, bucket: int, link: int, slot: int, address: int) -> str:
        """Where an entry is, for people; `array`: None if the map has none."""
        return f"{self.bucket} {bucket:,}{in_array(array)}, at 0x{address:x}, slot {slot}"


def in_array(array: Array | None) -> str:
    """Which of a map's arrays a bucket is in: " of table 3"; empty for the only one."""
    if array is None:
        return ""
    if array.role is Role.OLD:
        return " of the old array"
    return f" of table {array.name}" if array.role is Role.TABLE else ""
