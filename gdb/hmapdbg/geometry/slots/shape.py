"""The Geometry of flat slots."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...block import Ints
from ...compat import dataclass
from ...header import Array, Aspect, Geometry, Panel, in_array
from .. import verdicts
from ..probing import Probe


@dataclass(frozen=True)
class FlatSlots(Geometry):
    """Arrays of slots; a row of the occupancy is one slot. `load_factor`: the share of used slots
    at which the map grows."""

    name = "slots"
    bucket = "slot"
    array = "table"
    nothing_yet = "no slots yet"
    aspects = (Aspect.SLOTS, Aspect.PROBES)
    panels = (Panel.OCCUPANCY, Panel.HISTOGRAM, Panel.LENGTHS)
    rules = (
        verdicts.emptied,
        verdicts.oversized,
        verdicts.skewed_probes,
        verdicts.growing,
        verdicts.pinned,
    )

    probe: Probe | None = None  # None: the family's probe sequence is unknown

    def rebuilt(self, live: int, arrays: Sequence[Array]) -> int:
        """See Geometry: the least power of two that holds the entries without growing."""
        slots = 1 if arrays else 0
        while slots and live > self.load_factor * slots:
            slots *= 2
        return slots * self.bucket_size

    def probes(self, ends: NDArray[np.bool_]) -> Ints | None:
        """See Geometry."""
        return None if self.probe is None else self.probe(ends)

    def place(self, array: Array | None, bucket: int, link: int, slot: int, address: int) -> str:
        """See Geometry."""
        return f"slot {bucket:,}{in_array(array)}, at 0x{address:x}"
