"""The Geometry of flat slots with a stored state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ...block import Ints
from ...compat import dataclass
from ...header import Array, Aspect, Geometry, Numbers, Panel, Rule, Verdict, in_array
from .. import verdicts
from .layout import RUN
from .probes import Probing, hit_lengths, miss_lengths

LONG = 2.0  # times what a uniform hash gives


def skewed(numbers: Numbers) -> Verdict | None:
    """Probes much longer than a uniform hash gives at this load."""
    geometry = numbers.header.geometry
    if not isinstance(geometry, FlatTable) or geometry.probing is None or numbers.misplaced:
        return None
    used = (numbers.live + numbers.deleted) / numbers.slots if numbers.slots else 0.0
    probing = geometry.probing
    for what, found, expected in (
        ("miss", numbers.mean_probe, probing.expected(used)),
        ("hit", numbers.mean_hit, probing.expected_hit(used)),
    ):
        if found > max(verdicts.LONG_PROBE, LONG * expected):
            break
    else:
        return None
    evidence = (
        f"a {what} looks at {found:,.1f} slots on average, where a uniform hash makes it "
        f"{expected:,.1f}"
    )
    return verdicts.skewed(numbers, evidence)


def oversized(numbers: Numbers) -> Verdict | None:
    """Much more memory than the entries need, in a map that may shrink by itself."""
    found = verdicts.oversized(numbers)
    geometry = numbers.header.geometry
    if found is None or not isinstance(geometry, FlatTable) or not geometry.shrinks_at:
        return found
    text = found.text.partition(";")[0]
    return Verdict(found.name, f"{text}; {geometry.shrinks_at}")


@dataclass(frozen=True)
class FlatTable(Geometry):
    """A table of slots with a stored state each. A row of the occupancy is a run of 16 slots, which
    is no unit of the lookups, so the runs have no null model; the exact probe lengths of misses
    take its place. `load_factor`: entries and tombstones per run at which the table grows."""

    name = "flat"
    bucket = "run"
    array = "table"
    byte = "hash"
    nothing_yet = "no slots yet"
    probe_start = "slot"
    probe_unit = "slot"
    aspects = (Aspect.SLOTS, Aspect.PROBES)
    panels = (Panel.OCCUPANCY, Panel.HISTOGRAM, Panel.LENGTHS)
    rules: ClassVar[tuple[Rule, ...]] = (verdicts.emptied, oversized, skewed)

    width: int = 0  # bytes of the state of a slot; 0: several are in one
    stored: str = "hash"  # what the state is
    probing: Probing | None = None  # None: the family's probe sequence is unknown
    # Bytes of the arrays of a map made for that many entries.
    made_for: Callable[[int], int] = lambda live: 0
    shrinks_at: str = ""  # what makes it shrink by itself; empty: nothing does

    def rebuilt(self, live: int, arrays: Sequence[Array]) -> int:
        """See Geometry."""
        return self.made_for(live) if arrays else 0

    def probes(self, ends: NDArray[np.bool_]) -> Ints | None:
        """See Geometry; of the slots that lookups begin at."""
        return None if self.probing is None or not len(ends) else miss_lengths(ends, self.probing)

    def hits(self, ends: NDArray[np.bool_], homes: Ints, slots: Ints) -> Ints | None:
        """See Geometry."""
        return None if self.probing is None else hit_lengths(ends, self.probing, homes, slots)

    def place(self, array: Array | None, bucket: int, link: int, slot: int, address: int) -> str:
        """See Geometry."""
        number = bucket * RUN + slot
        at = address + slot * self.width
        return f"slot {number:,}{in_array(array)}, {self.stored} at 0x{at:x}"
