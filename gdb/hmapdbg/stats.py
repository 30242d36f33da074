"""The statistics of a map, from its Blocks. Reads no memory, prints nothing.

Positions and chi-square during growth: entries are in new buckets, each 1/N of the hash space, and
in old ones not yet evacuated, each 1/M of it. These bins cover the hash space once, unless the new
array is the smaller one: then nothing is said of a uniform hash.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .block import Block, Buckets, Ints
from .geometry.verdicts import incomplete, writer_inside
from .header import Array, Aspect, Header, Role, Verdict

STRIP_MARKS = 24  # in the occupancy line
LONGEST = 5  # chains listed
MAX_COPIES = 64  # of an old bucket; a sound map has two at most


@dataclass
class _ArraySums:
    """Sums over the buckets of one array, without evacuated ones."""

    buckets: int = 0
    occupied: int = 0  # buckets that hold an entry
    live: int = 0
    squares: int = 0  # of the entries per bucket
    position: float = 0.0  # sum of the entries' positions in the new array, from its middle
    position2: float = 0.0  # sum of their squares


@dataclass
class Stats:
    """The numbers of one map: `add` each Block of a walk, then read the properties.

    It is long because each number is a property with its definition; all are short.
    """

    header: Header
    sums: dict[str, _ArraySums] = field(default_factory=dict)
    live: int = 0
    deleted: int = 0
    empty: int = 0
    slots: int = 0  # in use: without those of evacuated buckets
    evacuated: int = 0  # old buckets
    overflow: int = 0  # overflow buckets in chains
    spare_used: int = 0  # of those, preallocated
    occupancy: Ints = field(default_factory=lambda: np.zeros(1, np.int64))  # buckets by entries
    chains: Ints = field(default_factory=lambda: np.zeros(1, np.int64))  # buckets by chain length
    longest: list[tuple[int, str, int]] = field(default_factory=list)  # length, array, bucket
    strip: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    # Buckets, or slots, to start from, by the probe length of a miss.
    probes: Ints = field(default_factory=lambda: np.zeros(1, np.int64))
    longest_probe: tuple[int, str, int] = (0, "", 0)  # length, array, first bucket or slot
    # Entries in a bucket that their hash does not select; None: not verified.
    misplaced: int | None = None

    def __post_init__(self) -> None:
        arrays = self.header.arrays
        self.sums = {array.name: _ArraySums() for array in arrays}
        self._arrays = {array.name: array for array in arrays}
        # Position of each array's first bucket in the hash space.
        self._offsets: dict[str, int] = {}
        self._main_buckets = 0
        for array in arrays:
            if array.role is not Role.OLD:
                self._offsets[array.name] = self._main_buckets
                self._main_buckets += array.buckets
        self.strip = np.zeros(min(STRIP_MARKS, self._main_buckets))
        # Which buckets of the current array, or which slots, can end a lookup.
        self._ends: list[NDArray[np.bool_]] = []
        self._rows_with_ends = 0
        self._lookups: list[tuple[Ints, Ints]] = []  # of its entries
        self._hits, self._hit_slots = 0, 0

    # ---- adding

    def add(self, block: Block) -> None:
        """Adds a Block."""
        self.live += block.loose
        self.overflow += block.overflow
        self.spare_used += block.spare_used
        if block.buckets is None or len(block.buckets) == 0:
            return
        rows = block.buckets
        array = self._arrays[block.array]
        staying = ~rows.evacuated
        live = rows.live[staying]
        self.live += int(live.sum())
        self.deleted += int(rows.deleted.sum())
        self.empty += int(rows.empty.sum())
        self.slots += int(rows.slots[staying].sum())
        self.evacuated += int(rows.evacuated.sum())
        self.occupancy = _add_counts(self.occupancy, live)
        self.chains = _add_counts(self.chains, rows.chain[staying])
        if Aspect.PROBES in self.header.geometry.aspects:
            self._add_probes(array, block, rows)
        self._add_sums(array, rows.bucket[staying], live)
        self._add_strip(array, rows.bucket[staying], live)
        self._add_longest(block.array, rows)

    def _add_sums(self, array: Array, buckets: Ints, live: Ints) -> None:
        sums = self.sums[array.name]
        sums.buckets += len(live)
        sums.occupied += int((live > 0).sum())
        sums.live += int(live.sum())
        wide = live.astype(np.float64)
        # Exact up to 2^26 entries per chain, and within float rounding above. Not np.dot: BLAS
        # makes idle threads spin for each call, which costs more.
        sums.squares += int((wide * wide).sum())
        for place, share in self._places(array, buckets):
            centred = place - (self.main_buckets - 1) / 2
            sums.position += float((centred * wide).sum()) * share
            sums.position2 += float((centred * centred * wide).sum()) * share

    def _add_strip(self, array: Array, buckets: Ints, live: Ints) -> None:
        for place, share in self._places(array, buckets):
            marks = place * len(self.strip) // self.main_buckets
            self.strip += share * np.bincount(marks, weights=live, minlength=len(self.strip))

    def _places(self, array: Array, buckets: Ints) -> list[tuple[Ints, float]]:
        """Where the entries of an array's buckets are, or will be, in the new array: those of an
        old bucket in equal shares in the new ones with the same low bits, or, where the new array
        is the smaller one, in the one with those. Tables are side by side."""
        if array.role is not Role.OLD:
            return [(buckets + self._offsets[array.name], 1.0)]
        if array.buckets > self.main_buckets:
            return [(buckets % self.main_buckets, 1.0)] if self.main_buckets else []
        copies = max(1, self.main_buckets // array.buckets)
        if copies > MAX_COPIES:
            return []
        return [(buckets + copy * array.buckets, 1 / copies) for copy in range(copies)]

    def _add_longest(self, array: str, rows: Buckets) -> None:
        least = self.longest[-1][0] if len(self.longest) == LONGEST else 1
        where = np.flatnonzero((rows.chain > least) & ~rows.evacuated)
        if len(where) == 0:
            return
        best = where[np.argsort(-rows.chain[where], kind="stable")[:LONGEST]]
        found = zip(rows.chain[best].tolist(), rows.bucket[best].tolist())
        self.longest += [(chain, array, bucket) for chain, bucket in found]
        self.longest.sort(key=lambda one: -one[0])
        del self.longest[LONGEST:]

    def _add_probes(self, array: Array, block: Block, rows: Buckets) -> None:
        """Adds the probe lengths of an array once it is complete; one with unread buckets is left
        out."""
        begin, ends = int(rows.bucket[0]), rows.empty > 0
        if begin == 0:
            self._ends.clear()
            self._lookups.clear()
            self._rows_with_ends = 0
        if self.header.geometry.probe_start:
            if block.probe_ends is None:
                return
            ends = block.probe_ends
        if begin != self._rows_with_ends:
            return
        self._ends.append(ends)
        if block.lookups is not None:
            self._lookups.append(block.lookups)
        self._rows_with_ends += len(rows)
        if begin + len(rows) < array.buckets:
            return
        whole = np.concatenate(self._ends)
        lengths = self.header.geometry.probes(whole)
        self._ends.clear()
        self._add_hits(whole)
        if lengths is None:
            return
        self.probes = _add_counts(self.probes, lengths)
        first = int(np.argmax(lengths))
        if lengths[first] > self.longest_probe[0]:
            self.longest_probe = int(lengths[first]), array.name, first

    def _add_hits(self, ends: NDArray[np.bool_]) -> None:
        """Adds how far the lookups of an array's entries go, once it is complete."""
        if not self._lookups:
            return
        homes, slots = (np.concatenate(part) for part in zip(*self._lookups))
        self._lookups.clear()
        lengths = self.header.geometry.hits(ends, homes, slots)
        if lengths is not None:
            self._hits += int((lengths != 0).sum())
            self._hit_slots += int(np.abs(lengths).sum())

    @property
    def mean_hit(self) -> float:
        """Slots that the lookup of an entry looks at, on average; 0: unknown."""
        return self._hit_slots / self._hits if self._hits else 0.0

    @property
    def mean_probe(self) -> float:
        """Buckets, or windows, that a miss visits on average."""
        starts = int(self.probes.sum())
        return float((np.arange(len(self.probes)) * self.probes).sum()) / starts if starts else 0.0

    @property
    def unread(self) -> int:
        """After the last Block: buckets without a row, which could not be read."""
        total = sum(array.buckets for array in self.header.arrays)
        return total - self.evacuated - sum(sums.buckets for sums in self.sums.values())

    # ---- spread

    @property
    def main_buckets(self) -> int:
        """Main buckets of the new array, or of all tables."""
        return self._main_buckets

    @property
    def pending(self) -> int:
        """New buckets whose old one is not evacuated: empty, and not bins."""
        old = self.header.old
        if old is None:
            return 0
        return self.sums[old.name].buckets * (self.main_buckets // old.buckets)

    @property
    def bins(self) -> int:
        """The current number of bins of the hash space."""
        return sum(sums.buckets for sums in self.sums.values()) - self.pending

    @property
    def bins_by_array(self) -> list[tuple[int, int]]:
        """For each array, its buckets and its bins: the new one's without pending buckets."""
        arrays = self.header.arrays
        return [
            (array.buckets, self.sums[array.name].buckets - (0 if number else self.pending))
            for number, array in enumerate(arrays)
        ]

    @property
    def counts(self) -> Ints:
        """Bins by number of entries."""
        out = self.occupancy.copy()
        out[0] -= min(self.pending, int(out[0]))
        return out

    @property
    def squares(self) -> int:
        """The sum over the buckets of their entries squared."""
        return sum(sums.squares for sums in self.sums.values())

    @property
    def mean(self) -> float:
        """Entries per bucket."""
        return self.live / self.bins if self.bins > 0 else 0.0

    @property
    def mean_occupied(self) -> float:
        """Entries per bucket, over non-empty buckets."""
        occupied = sum(sums.occupied for sums in self.sums.values())
        return self.live / occupied if occupied else 0.0

    @property
    def maximum(self) -> int:
        """The most entries in a bucket."""
        return len(self.occupancy) - 1

    @property
    def sd(self) -> float:
        """Standard deviation of the entries per bucket."""
        return _root(self.squares / self.bins - self.mean**2) if self.bins > 0 else 0.0

    @property
    def expected_sd(self) -> float:
        """What `sd` is expected to be with a uniform hash; 0 without a null model."""
        model = self.header.null_model
        return 0.0 if model is None else model.sd(self.live, self.bins_by_array)

    @property
    def position_sd(self) -> float:
        """Standard deviation of the entries' bucket position, in buckets of the new array."""
        if not self.live:
            return 0.0
        first = sum(sums.position for sums in self.sums.values())
        second = sum(sums.position2 for sums in self.sums.values())
        return _root(second / self.live - (first / self.live) ** 2)

    @property
    def uniform_position_sd(self) -> float:
        """What `position_sd` is for a uniform hash: bucket count over the root of 12."""
        return self.main_buckets / math.sqrt(12)

    @property
    def chi_square(self) -> float:
        """Σ (found - expected)² / expected over the bins."""
        if not self.live:
            return 0.0
        total = sum(
            self.sums[array.name].squares * array.buckets / self.live
            for array in self.header.arrays
        )
        return total - self.live

    @property
    def p_value(self) -> float | None:
        """The probability that a uniform hash spreads the entries at least this unevenly; None if
        there is nothing to judge."""
        model = self.header.null_model
        if model is None or self.live < 2 or self.bins < 2 or self.unread:
            return None
        pairs = (self.squares - self.live) // 2
        return model.p_value(self.live, self.bins_by_array, self.chi_square, pairs)

    @property
    def longest_chain(self) -> int:
        return len(self.chains) - 1

    @property
    def chain_bound(self) -> int:
        """The longest chain that a uniform hash should give with this many entries; 0 without a
        null model."""
        geometry, model = self.header.geometry, self.header.null_model
        if model is None:
            return 0
        entries = model.most_entries(self.live, self.bins_by_array)
        return max(1, -(-entries // max(geometry.slots, 1)))

    @property
    def nodes_of_hit(self) -> float:
        """If a bucket is a list: the nodes that a hit visits, on average over the entries."""
        return (self.squares / self.live + 1) / 2 if self.live else 0.0

    @property
    def nodes_of_miss(self) -> float:
        """If a bucket is a list: the nodes that a miss visits, on average over the buckets: all of
        its bucket, and, of one list of all, the next one, which belongs to another bucket."""
        if self.header.geometry.own_lists:
            return self.mean
        occupied = sum(sums.occupied for sums in self.sums.values())
        return (self.live + max(occupied - 1, 0)) / self.bins if self.bins > 0 else 0.0

    # ---- memory, in bytes

    @property
    def arrays_size(self) -> int:
        return sum(array.size for array in self.header.arrays)

    @property
    def bucket_bytes(self) -> int:
        """Main buckets of all arrays, and their headers."""
        used = self.spare_used * self.header.geometry.bucket_size
        return self.arrays_size - self.spare_bytes - used

    @property
    def overflow_bytes(self) -> int:
        """Overflow buckets in chains, also preallocated ones."""
        return self.spare_used * self.header.geometry.bucket_size + self._heap_overflow

    @property
    def _heap_overflow(self) -> int:
        """Overflow buckets that were allocated one by one."""
        return (self.overflow - self.spare_used) * self.header.geometry.overflow_size

    @property
    def spare_bytes(self) -> int:
        """Preallocated overflow buckets that are not in a chain."""
        spare = sum(array.spare for array in self.header.arrays)
        return (spare - self.spare_used) * self.header.geometry.bucket_size

    @property
    def box_bytes(self) -> int:
        return self.header.box_size * self.live

    @property
    def pinned_bytes(self) -> int:
        """Superseded arrays, kept by open iterators."""
        return sum(array.size for array in self.header.pins.retired)

    @property
    def held(self) -> int:
        """All that the map itself holds, not what keys and elems point to."""
        return (
            self.header.header_size
            + sum(size for _, size in self.header.held)
            + self.arrays_size
            + self._heap_overflow
            + self.box_bytes
            + self.pinned_bytes
        )

    @property
    def rebuilt(self) -> int:
        """What a rebuilt map with this many entries would hold."""
        header, geometry = self.header, self.header.geometry
        size = header.header_size + self.box_bytes
        # Without entries, or without a load factor that is needed, no array is counted.
        is_known = geometry.load_factor or not geometry.needs_load_factor
        if header.arrays and not (self.live and is_known):
            return size
        return size + geometry.rebuilt(self.live, header.arrays)

    @property
    def wasted(self) -> int:
        """Held bytes beyond those of a rebuilt map."""
        return max(0, self.held - self.rebuilt)

    # ---- verdicts

    @property
    def load(self) -> float:
        """Entries per main bucket of the new array."""
        return self.live / self.main_buckets if self.main_buckets else 0.0

    def verdicts(self) -> Sequence[Verdict]:
        """The verdicts that hold: none, one or several."""
        rules = (incomplete, *self.header.geometry.rules, writer_inside)
        found = (rule(self) for rule in rules)
        return [one for one in found if one is not None]


def _add_counts(histogram: Ints, values: Ints) -> Ints:
    if len(values) == 0:
        return histogram
    more = np.bincount(values, minlength=len(histogram)).astype(np.int64)
    more[: len(histogram)] += histogram
    return more


def _root(square: float) -> float:
    return math.sqrt(max(square, 0.0))
