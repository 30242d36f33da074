"""Folds Blocks into numbers, and numbers into verdicts. Reads no memory, prints nothing.

Positions and chi-square in mid-growth: the entries lie in new buckets, each 1/N of the hash space,
and in old ones that have not been evacuated, each 1/M of it. Those bins cover the hash space once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .block import Array, Block, Buckets, Header
from .distribution import chi_square_p, poisson_bound

STRIP_MARKS = 24  # of the strip of occupancy
LONGEST = 5  # of the list of longest chains
OVERSIZED_MIN = 64 << 10  # bytes below which a map is never called oversized
MAX_TABLE = 1024  # slots (internal/runtime/maps/table.go maxTableCapacity)
LONG_PROBE = 4.0  # groups; a uniform hash makes under 2 on average, even at full load

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Verdict:
    """A judgement with its evidence: `name` for machines, `text` for people."""

    name: str
    text: str


@dataclass
class _ArraySums:
    """What is added up over the buckets of one array, evacuated ones left out."""

    buckets: int = 0
    occupied: int = 0  # buckets that hold an entry
    live: int = 0
    squares: int = 0  # of the entries of each bucket
    position: float = 0.0  # sum over entries of their place in the new array, from its middle
    position2: float = 0.0  # sum of the squares of those


@dataclass
class Stats:
    """The numbers of one map; `add` each Block of a walk, then read the properties."""

    header: Header
    sums: dict[str, _ArraySums] = field(default_factory=dict)
    live: int = 0
    deleted: int = 0
    empty: int = 0
    slots: int = 0  # in use: those of evacuated buckets left out
    evacuated: int = 0  # old buckets
    overflow: int = 0  # overflow buckets in chains
    spare_used: int = 0  # of them, preallocated ones
    occupancy: Ints = field(default_factory=lambda: np.zeros(1, np.int64))  # buckets by entries
    chains: Ints = field(default_factory=lambda: np.zeros(1, np.int64))  # buckets by chain length
    longest: list[tuple[int, str, int]] = field(default_factory=list)  # length, array, bucket
    strip: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    # Groups to start from, by how many are looked at in vain for an absent key.
    probes: Ints = field(default_factory=lambda: np.zeros(1, np.int64))
    longest_probe: tuple[int, str, int] = (0, "", 0)  # length, array, first group

    def __post_init__(self) -> None:
        arrays = self.header.arrays
        self.sums = {array.name: _ArraySums() for array in arrays}
        self._arrays = {array.name: array for array in arrays}
        self._main_buckets = arrays[0].buckets if arrays else 0
        self._offsets: dict[str, int] = {}  # of a table's groups among all
        if self.header.probing:
            ends = np.cumsum([array.buckets for array in arrays]).tolist()
            self._offsets = dict(zip(self.sums, [0, *ends]))
            self._main_buckets = ends[-1] if ends else 0
        self.strip = np.zeros(min(STRIP_MARKS, self._main_buckets))

    # ---- folding

    def add(self, block: Block) -> None:
        """Counts a Block."""
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
        if self.header.probing:
            self._add_probes(array, rows)
        self._add_sums(array, rows.bucket[staying], live)
        self._add_strip(array, rows.bucket[staying], live)
        self._add_longest(block.array, rows)

    def _add_sums(self, array: Array, buckets: Ints, live: Ints) -> None:
        sums = self.sums[array.name]
        sums.buckets += len(live)
        sums.occupied += int((live > 0).sum())
        sums.live += int(live.sum())
        wide = live.astype(np.float64)
        # Exact as long as no chain holds 2^26 entries; more is a float's rounding away. Not np.dot:
        # BLAS has idle threads of its own spin for each of these, which costs more.
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
        old bucket in equal shares in the new ones with the same low bits. Tables lie side by side.
        """
        if self.header.probing:
            return [(buckets + self._offsets[array.name], 1.0)]
        copies = max(1, self.main_buckets // array.buckets)
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

    def _add_probes(self, array: Array, rows: Buckets) -> None:
        """How many groups the search for an absent key looks at, from each group of a table: those
        at start + (i² + i)/2, i = 0, 1 … (internal/runtime/maps/table.go probeSeq), up to the first
        with an empty slot. A table comes whole; one of which a group was not read is left out."""
        count = len(rows)
        if count != array.buckets or count & (count - 1):
            return
        ends = rows.empty > 0
        lengths = np.full(count, count, np.int64)
        starts = np.arange(count)
        for probe in range(count):
            found = ends[(starts + (probe * probe + probe) // 2) & (count - 1)]
            lengths[starts[found]] = probe + 1
            starts = starts[~found]
            if len(starts) == 0:
                break
        self.probes = _add_counts(self.probes, lengths)
        first = int(np.argmax(lengths))
        if lengths[first] > self.longest_probe[0]:
            self.longest_probe = int(lengths[first]), array.name, int(rows.bucket[first])

    @property
    def mean_probe(self) -> float:
        """Groups that the search for an absent key looks at on average."""
        starts = int(self.probes.sum())
        return float((np.arange(len(self.probes)) * self.probes).sum()) / starts if starts else 0.0

    @property
    def unread(self) -> int:
        """Buckets that no Block had a row of, after the last one: they could not be read."""
        total = sum(array.buckets for array in self.header.arrays)
        return total - self.evacuated - sum(sums.buckets for sums in self.sums.values())

    # ---- spread

    @property
    def main_buckets(self) -> int:
        """Main buckets of the new array, or groups of all tables."""
        return self._main_buckets

    @property
    def pending(self) -> int:
        """New buckets that wait for an old one: empty, and no bin of their own."""
        old = self.header.old
        if old is None:
            return 0
        return self.sums[old.name].buckets * (self.main_buckets // old.buckets)

    @property
    def bins(self) -> int:
        """The bins that the hash space is divided into at the moment."""
        return sum(sums.buckets for sums in self.sums.values()) - self.pending

    def _bins_by_array(self) -> list[tuple[Array, int]]:
        """How many bins each array has, the new one without those that wait."""
        arrays = self.header.arrays
        return [
            (array, self.sums[array.name].buckets - (self.pending if array is arrays[0] else 0))
            for array in arrays
        ]

    @property
    def counts(self) -> Ints:
        """Bins by number of entries."""
        out = self.occupancy.copy()
        out[0] -= min(self.pending, int(out[0]))
        return out

    @property
    def mean(self) -> float:
        """Entries a bucket."""
        return self.live / self.bins if self.bins > 0 else 0.0

    @property
    def mean_occupied(self) -> float:
        """Entries a bucket, over the buckets that hold any."""
        occupied = sum(sums.occupied for sums in self.sums.values())
        return self.live / occupied if occupied else 0.0

    @property
    def maximum(self) -> int:
        """The most entries of a bucket."""
        return len(self.occupancy) - 1

    @property
    def sd(self) -> float:
        """Standard deviation of the entries per bucket."""
        squares = sum(sums.squares for sums in self.sums.values())
        return _root(squares / self.bins - self.mean**2) if self.bins > 0 else 0.0

    @property
    def expected_sd(self) -> float:
        """What `sd` is expected to be with a uniform hash: Poisson, and in mid-growth with bins of
        two widths."""
        if self.bins <= 0:
            return 0.0
        # Mean over the bins of (expected entries) squared.
        second = sum(
            count * (self.live / array.buckets) ** 2 for array, count in self._bins_by_array()
        )
        return _root(self.mean + second / self.bins - self.mean**2)

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
        """The probability that a uniform hash spreads the entries at least this unevenly; None
        where there is nothing to judge.

        Chi-square is made for many entries a bin. With few, two in one bucket are no wonder but a
        huge chi-square; then the number of pairs of entries in one bin is nearly Poisson. The
        better of the two tells the larger probability."""
        if self.live < 2 or self.bins < 2 or self.unread or self.header.probing:
            return None
        pairs = (sum(sums.squares for sums in self.sums.values()) - self.live) // 2
        share = sum(count / array.buckets**2 for array, count in self._bins_by_array())
        expected = self.live * (self.live - 1) / 2 * share
        at_least = 1.0 - chi_square_p(2 * expected, 2 * pairs) if pairs else 1.0
        return max(chi_square_p(self.chi_square, self.bins - 1), at_least)

    @property
    def longest_chain(self) -> int:
        return len(self.chains) - 1

    @property
    def chain_bound(self) -> int:
        """The longest chain that a uniform hash is expected to make with this many entries."""
        widest = max((self.live / array.buckets for array in self.header.arrays), default=0.0)
        entries = poisson_bound(widest, max(self.bins, 1))
        return max(1, -(-entries // max(self.header.slots_per_bucket, 1)))

    # ---- memory, in bytes

    @property
    def arrays_size(self) -> int:
        return sum(array.size for array in self.header.arrays)

    @property
    def bucket_bytes(self) -> int:
        """Main buckets of all arrays, and what stands in front of them."""
        return self.arrays_size - self.spare_bytes - self.spare_used * self.header.bucket_size

    @property
    def overflow_bytes(self) -> int:
        """Overflow buckets in chains, preallocated ones too."""
        return self.overflow * self.header.bucket_size

    @property
    def spare_bytes(self) -> int:
        """Preallocated overflow buckets that are not in a chain."""
        spare = sum(array.spare for array in self.header.arrays)
        return (spare - self.spare_used) * self.header.bucket_size

    @property
    def box_bytes(self) -> int:
        return self.header.box_size * self.live

    @property
    def pinned_bytes(self) -> int:
        """Superseded arrays that open iterators keep."""
        return sum(array.size for array in self.header.retired)

    @property
    def held(self) -> int:
        """All that the map itself holds; not what its keys and elems point to."""
        heap_overflow = (self.overflow - self.spare_used) * self.header.bucket_size
        return (
            self.header.header_size
            + self.header.directory_size
            + self.header.inner_size
            + self.arrays_size
            + heap_overflow
            + self.box_bytes
            + self.pinned_bytes
        )

    @property
    def rebuilt(self) -> int:
        """What a map made anew for this many entries would hold."""
        header = self.header
        size = header.header_size + self.box_bytes
        if header.inner is not None:
            return size + Stats(header.inner, live=self.live).rebuilt
        size += header.inner_size
        if not header.arrays or not self.live or not header.load_factor:
            return size
        if header.probing:
            return size + self._rebuilt_tables()
        if header.chained:
            # The bucket counts that a reservation takes are primes, at most a few percent more.
            return size + math.ceil(self.live / header.load_factor) * header.bucket_size
        buckets = 1
        while self.live > header.slots_per_bucket and self.live > header.load_factor * buckets:
            buckets *= 2
        first = header.arrays[0]
        overhead = first.size - (first.buckets + first.spare) * header.bucket_size
        spare = buckets // 16 if buckets >= 16 else 0
        return size + max(overhead, 0) + (buckets + spare) * header.bucket_size

    def _rebuilt_tables(self) -> int:
        """Tables of a map made for this many entries (internal/runtime/maps/map.go NewMap())."""
        header = self.header
        if self.live <= header.slots_per_bucket:
            return header.bucket_size
        capacity = int(self.live * header.slots_per_bucket / header.load_factor)
        tables = _power_of_two(-(-capacity // MAX_TABLE))
        slots = _power_of_two(max(capacity // tables, header.slots_per_bucket))
        return tables * (header.table_size + slots // header.slots_per_bucket * header.bucket_size)

    @property
    def nodes_of_hit(self) -> float:
        """Of chained maps: the nodes that the search for a present key looks at, on average over
        the entries."""
        squares = sum(sums.squares for sums in self.sums.values())
        return (squares / self.live + 1) / 2 if self.live else 0.0

    @property
    def nodes_of_miss(self) -> float:
        """Of chained maps: the nodes that the search for an absent key looks at, on average over
        the buckets: all of its bucket, and the next one of the list, which is of another bucket."""
        occupied = sum(sums.occupied for sums in self.sums.values())
        return (self.live + max(occupied - 1, 0)) / self.bins if self.bins > 0 else 0.0

    @property
    def wasted(self) -> int:
        """What is held beyond what a rebuilt map would hold."""
        return max(0, self.held - self.rebuilt)

    # ---- verdicts

    @property
    def load(self) -> float:
        """Entries a main bucket of the new array."""
        return self.live / self.main_buckets if self.main_buckets else 0.0

    def verdicts(self) -> Sequence[Verdict]:
        """What the numbers say, several may hold; empty for a map of which there is nothing to
        say."""
        out: list[Verdict] = []
        header = self.header
        tombstones = self.deleted / self.slots if self.slots else 0.0
        if self.load > 4 and tombstones < 0.10 and not header.chained:
            out.append(
                Verdict(
                    "full",
                    "full of live entries; if it should be small, this is a leak: "
                    "compare two cores",
                )
            )
        if tombstones > 0.25:
            out.append(
                Verdict(
                    "emptied",
                    f"emptied: {tombstones:.0%} of the slots in use are tombstones of a mass "
                    "deletion",
                )
            )
        if header.dead > (self.live + header.dead) / 4:
            share = header.dead / (self.live + header.dead)
            out.append(
                Verdict("emptied", f"emptied: {share:.0%} of the keys held are of deleted entries")
            )
        if header.chained:
            needed = self.rebuilt - header.header_size - self.box_bytes
            if self.arrays_size > max(4 * needed, OVERSIZED_MIN) and not self.unread:
                out.append(
                    Verdict(
                        "oversized",
                        f"oversized: a bucket array of {self.arrays_size:,} bytes, where its "
                        f"{self.live:,} entries need {needed:,}; it never shrinks by itself, "
                        "rehash(0) makes it fit",
                    )
                )
        elif self.held >= 4 * self.rebuilt and self.held > OVERSIZED_MIN and not self.unread:
            out.append(
                Verdict(
                    "oversized",
                    f"oversized: holds {self.held / self.rebuilt:,.0f} times what its "
                    f"{self.live:,} entries need; maps never shrink, rebuild it",
                )
            )
        p = self.p_value
        if p is not None and p < 1e-6 and self.longest_chain > self.chain_bound:
            links = "nodes" if header.chained else "buckets"
            equal = "" if header.unique_keys else ", or many keys are equal"
            out.append(
                Verdict(
                    "skewed",
                    f"skewed: the hash is bad for these keys{equal}; a chain of "
                    f"{self.longest_chain:,} {links} where a uniform hash makes at most "
                    f"{self.chain_bound}",
                )
            )
        if self.mean_probe > LONG_PROBE:
            out.append(
                Verdict(
                    "skewed",
                    "skewed: the hash is bad for these keys; the search for an absent one looks at "
                    f"{self.mean_probe:,.1f} groups on average",
                )
            )
        if header.old is not None:
            old = header.old.buckets
            kind = "same-size growth" if header.same_size_grow else "growth"
            state = "growing" if self.evacuated else "stalled"
            out.append(
                Verdict(
                    state,
                    f"{state}: {self.evacuated:,} of {old:,} old buckets evacuated in a {kind}; "
                    "only writes move it on, until then both arrays are held",
                )
            )
        current = header.arrays[0] if header.arrays else None
        pinned = [
            array
            for array in (*header.retired, *header.arrays)
            if array.pins and array is not current
        ]
        if pinned:
            size = sum(array.size for array in pinned)
            count = sum(array.pins for array in pinned)
            what = "table" if header.probing else "array"
            kind = "probable" if header.probable_iterators else "open"
            out.append(
                Verdict(
                    "pinned",
                    f"pinned: {len(pinned)} superseded {what if len(pinned) == 1 else what + 's'} "
                    f"of {size:,} bytes kept by {count} {kind} "
                    f"{'iterator' if count == 1 else 'iterators'}",
                )
            )
        if self.unread or self.live < header.count and not header.writing:
            out.insert(
                0,
                Verdict(
                    "incomplete",
                    f"incomplete: {self.live:,} of {header.count:,} entries were found, see the "
                    "Problems; what else is said here is about those",
                ),
            )
        if header.writing:
            out.append(
                Verdict(
                    "writer inside",
                    "writer inside: a write is under way, the numbers are those of a map in motion",
                )
            )
        return out


def _add_counts(histogram: Ints, values: Ints) -> Ints:
    if len(values) == 0:
        return histogram
    more = np.bincount(values, minlength=len(histogram)).astype(np.int64)
    more[: len(histogram)] += histogram
    return more


def _power_of_two(least: int) -> int:
    return 1 << max(least - 1, 0).bit_length()


def _root(square: float) -> float:
    return math.sqrt(max(square, 0.0))
