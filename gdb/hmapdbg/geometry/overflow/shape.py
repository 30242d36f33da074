"""The Geometry of groups that remember overflow."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Arrays

import numpy as np
from numpy.typing import NDArray

from ...block import Ints
from ...compat import dataclass
from ...header import Array, Aspect, Geometry, Numbers, Panel, Verdict
from .. import verdicts
from .probes import Sequence, miss_lengths, triangular

WORN = 1.2  # groups that a miss visits, of a table that is at most half full
HALF = 0.5


def worn(numbers: Numbers) -> Verdict | None:
    """Marks of overflow that erased entries have left."""
    geometry = numbers.header.geometry
    if not isinstance(geometry, OverflowGroups) or not geometry.erased or not numbers.slots:
        return None
    if numbers.mean_probe <= WORN or numbers.live > HALF * numbers.slots:
        return None
    return Verdict(
        "emptied",
        f"emptied: a miss visits {numbers.mean_probe:,.1f} groups on average, by marks of overflow "
        f"that erased entries have left; {numbers.live:,} entries need 1.0, rehash(0) clears them",
    )


def skewed(numbers: Numbers) -> Verdict | None:
    """Long probes, unless erased entries have left them."""
    return None if worn(numbers) else verdicts.skewed_probes(numbers)


@dataclass(frozen=True)
class OverflowGroups(Geometry):
    """Tables of groups of slots; a row of the occupancy is a group. An entry may be in any group of
    its table, so groups have no null model: an exact number takes its place, the probe length of a
    miss, from each group for each class of keys. `load_factor`: entries per group at which a table
    grows."""

    name = "overflow"
    bucket = "group"
    array = "table"
    byte = "hash byte"
    nothing_yet = "no groups yet"
    probe_start = "group-class pair"
    aspects = (Aspect.SLOTS, Aspect.TABLES, Aspect.PROBES)
    panels = (Panel.OCCUPANCY, Panel.SPREAD, Panel.HISTOGRAM, Panel.LENGTHS)
    rules = (worn, verdicts.oversized, skewed)

    classes: int = 1  # see layout.Metadata
    erased: int = 0  # entries that are known to be erased from groups that had overflowed
    sequence: Sequence = triangular
    # Bytes of the tables of a map made for that many entries.
    made_for: Callable[[int], int] = lambda live: 0

    def rebuilt(self, live: int, arrays: Arrays[Array]) -> int:
        """See Geometry."""
        return self.made_for(live) if arrays else 0

    def probes(self, ends: NDArray[np.bool_]) -> Ints | None:
        """See Geometry; of groups, for each class in turn."""
        if not len(ends) or len(ends) % self.classes:
            return None
        return miss_lengths(ends.reshape(-1, self.classes), self.sequence).ravel()

    def start(self, number: int) -> str:
        """See Geometry."""
        return f"group {number // self.classes:,}"
