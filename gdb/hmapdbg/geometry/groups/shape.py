"""The Geometry of groups with control bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ...block import Ints
from ...compat import dataclass
from ...header import Array, Aspect, Geometry, Panel
from .. import verdicts
from ..probing import Probe


@dataclass(frozen=True)
class ControlGroups(Geometry):
    """Tables of groups of `slots` entries each. An entry may be in any group of its table, so
    groups have no null model: an exact number takes its place, the probe length of a miss, which
    ends at the first group with an empty slot."""

    name = "groups"
    bucket = "group"
    array = "table"
    byte = "control byte"
    nothing_yet = "no group yet"
    aspects = (Aspect.SLOTS, Aspect.TABLES, Aspect.PROBES)
    panels = (Panel.OCCUPANCY, Panel.SPREAD, Panel.HISTOGRAM, Panel.LENGTHS)
    rules = (
        verdicts.full,
        verdicts.emptied,
        verdicts.oversized,
        verdicts.skewed_probes,
        verdicts.growing,
        verdicts.pinned,
    )

    probe: Probe | None = None  # None: the family's probe sequence is unknown
    # Bytes of tables, including groups, of a map made for that many entries.
    made_for: Callable[[int], int] = lambda live: 0

    def rebuilt(self, live: int, arrays: Sequence[Array]) -> int:
        """See Geometry."""
        return self.made_for(live) if arrays else 0

    def probes(self, ends: NDArray[np.bool_]) -> Ints | None:
        """See Geometry."""
        count = len(ends)
        if self.probe is None or count & (count - 1):
            return None
        return self.probe(ends)
