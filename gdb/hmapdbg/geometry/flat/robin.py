"""Tables by Robin Hood hashing: a slot stores how far its entry is from its home, and entries stand
in the order of their homes. What the walk takes for stored, as `tophash` too, is the home itself.

    F10  an entry is at its home, or right behind one that is at most one slot nearer to its own:
         else no lookup finds it
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Column, Ints, Problem
from ...compat import dataclass
from ...header import Numbers, Rule, Verdict
from ...target import Kind, Memory, Type
from .. import verdicts
from ..columns import Mask, identities_by_bytes
from ..problems import Told
from .layout import EMPTY, LIVE, RUN, Adjacent, Codes, States
from .map import FlatMap, Hashed
from .probes import Probing, hit_lengths, linear_from
from .shape import LONG, FlatTable, oversized

NO_HOME = -1  # of a slot without an entry


@dataclass(frozen=True)
class Homes(Adjacent):
    """The homes of the entries of slots, from the distances that these store; see StateColumn.
    `distances`: from what is stored (n,), less than 0 where there is no entry; `blocks`: where
    blocks of `per_block` slots begin, a number of whole runs, if they are not all side by side."""

    base: int  # address of the first slot's
    width: int  # bytes from one to the next
    size: int  # bytes of a number
    signed: bool
    slots: int
    distances: Callable[[NDArray[Any]], Ints]
    blocks: Addresses | None = None
    per_block: int = 1

    @property
    def run_size(self) -> int:
        """See StateColumn."""
        return RUN * self.width

    @property
    def pitch(self) -> tuple[int, int]:
        """See StateColumn."""
        return (1, self.run_size) if self.blocks is None else (1, 0)

    def address(self, slot: int) -> int:
        """See StateColumn."""
        return int(self.places(np.array([slot]))[0])

    def runs(self, rows: Ints) -> Addresses:
        """See StateColumn."""
        return self.places(rows * RUN)

    def read(self, memory: Memory, first: int, end: int) -> tuple[NDArray[Any], Mask]:
        """See StateColumn."""
        if self.blocks is None:
            raw, ok = memory.read_rows(self.address(first), end - first, self.width)
        else:
            raw, ok = memory.gather(self.places(np.arange(first, end)), self.size)
        numbers = memory.integer_column(raw, 0, self.size, self.signed)
        distances = self.distances(numbers)
        homes = (np.arange(first, end) - distances) % self.slots
        return np.where(ok & (distances >= 0), homes, NO_HOME), ok

    def places(self, slots: Ints) -> Addresses:
        """Where the numbers of slots are (n,)."""
        start, slot = np.uint64(self.base), slots
        if self.blocks is not None:
            number = np.minimum(slots // self.per_block, len(self.blocks) - 1)
            start, slot = self.blocks[number], slots % self.per_block
        found: Addresses = start + slot.astype(np.uint64) * np.uint64(self.width)
        return found

    def states(self, stored: NDArray[Any]) -> States:
        """See StateColumn."""
        return np.where(stored == NO_HOME, EMPTY, LIVE).astype(np.uint8)


@dataclass(frozen=True)
class RobinPlaces:
    """See geometry.flat.map.Placement. `hashed`: the homes of keys, by their bytes (n, size); None:
    the hash is unknown."""

    slots: int
    key: Type
    hashed: Callable[[NDArray[np.uint8]], Codes] | None

    @property
    def probing(self) -> Probing:
        """See Placement."""
        return linear_from(self.slots)

    def homes(self, codes: Codes) -> Ints:
        """See Placement."""
        return codes.astype(np.int64)

    def codes(self, keys: Column) -> Hashed | None:
        """See Placement."""
        if self.hashed is None:
            return None
        return Hashed(self.hashed(keys.data), keys.known, np.zeros(len(keys), np.uint64))

    def code_of(self, key: bytes) -> int | None:
        """See Placement."""
        if self.hashed is None or len(key) != self.key.size:
            return None
        return int(self.hashed(np.frombuffer(key, np.uint8).reshape(1, -1))[0])

    def identities(self, keys: Column) -> tuple[NDArray[np.int64], Mask] | None:
        """See Placement."""
        if self.key.kind not in (Kind.INTEGER, Kind.ENUM, Kind.BOOLEAN, Kind.POINTER):
            return None
        return identities_by_bytes(keys)


class RobinMap(FlatMap):
    """See FlatMap."""

    def iter_disordered(
        self, told: Told, number: int, states: States, stored: NDArray[Any]
    ) -> Iterator[Problem]:
        """F10."""
        table, array = self.tables[number], self.header.arrays[number]
        count = len(states)
        distances = np.where(states == LIVE, (np.arange(count) - stored) % count, -1)
        before = np.roll(distances, 1)
        wrong = (distances > 0) & (before < distances - 1)
        for at in np.flatnonzero(wrong).tolist():
            what = f"of one {int(before[at]):,} slots from it" if before[at] >= 0 else "of no entry"
            text = (
                f"{array.prefix}slot {at:,}: its entry is {int(distances[at]):,} slots from its "
                f"home, behind that {what}"
            )
            yield from told.problem("F10", text, table.state.address(at), "F10")


def skewed(numbers: Numbers) -> Verdict | None:
    """Lookups of entries that are much longer than a uniform hash makes them."""
    geometry = numbers.header.geometry
    if not isinstance(geometry, RobinTable) or numbers.misplaced or not numbers.slots:
        return None
    expected = linear_from(1).expected_hit(numbers.live / numbers.slots)
    if numbers.mean_hit <= max(verdicts.LONG_PROBE, LONG * expected):
        return None
    evidence = (
        f"a hit looks at {numbers.mean_hit:,.1f} slots on average, where a uniform hash makes it "
        f"{expected:,.1f}"
    )
    return verdicts.skewed(numbers, evidence)


@dataclass(frozen=True)
class RobinTable(FlatTable):
    """A lookup ends where an entry is nearer to its home, which occupancy does not tell, so that
    only those of entries have a length that is known."""

    byte = "home"
    rules: ClassVar[tuple[Rule, ...]] = (verdicts.emptied, oversized, skewed)

    def hits(self, ends: NDArray[np.bool_], homes: Ints, slots: Ints) -> Ints | None:
        """See Geometry."""
        return hit_lengths(ends, linear_from(len(ends)), homes, slots) if len(ends) else None
