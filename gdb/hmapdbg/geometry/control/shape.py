"""The Geometry of slots with their control bytes apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ...block import Ints
from ...compat import dataclass
from ...header import Array, Aspect, Geometry, Numbers, Panel, Verdict, in_array
from .. import verdicts
from .layout import RUN
from .probes import miss_lengths


def rehashing(numbers: Numbers) -> Verdict | None:
    """Entries marked as deleted, as they are while a table is rehashed where it is: all that have
    not been placed anew yet."""
    missing = numbers.header.count - numbers.live
    if missing <= 0 or numbers.unread or numbers.deleted < missing:
        return None
    return Verdict(
        "writer inside",
        f"writer inside: {missing:,} entries are marked as deleted, as they are while a table is "
        "rehashed in place; they are missing from all numbers",
    )


@dataclass(frozen=True)
class ControlSlots(Geometry):
    """Tables of slots with a control byte each. A row of the occupancy is a run of 16 slots, which
    is no unit of the lookups: their windows begin at any slot. So the runs have no null model; the
    exact probe lengths of misses, from each slot, take its place. `load_factor`: entries and
    tombstones per run at which a table grows."""

    name = "control"
    bucket = "run"
    array = "table"
    byte = "control byte"
    nothing_yet = "no slots yet"
    probe_start = "slot"
    probe_unit = "window"
    aspects = (Aspect.SLOTS, Aspect.TABLES, Aspect.PROBES)
    panels = (Panel.OCCUPANCY, Panel.SPREAD, Panel.HISTOGRAM, Panel.LENGTHS)
    rules = (
        verdicts.emptied,
        verdicts.oversized,
        verdicts.skewed_probes,
        rehashing,
    )

    window: int = RUN
    sentinels: int = 0  # see layout.Table
    has_control: bool = True
    # Bytes of the tables of a map made for that many entries.
    made_for: Callable[[int], int] = lambda live: 0

    def rebuilt(self, live: int, arrays: Sequence[Array]) -> int:
        """See Geometry."""
        return self.made_for(live) if arrays else 0

    def probes(self, ends: NDArray[np.bool_]) -> Ints | None:
        """See Geometry; of slots."""
        if not self.has_control:  # the one slot is all there is to look at
            return np.ones(len(ends), np.int64)
        if self.sentinels:
            ends = np.concatenate([ends, np.zeros(self.sentinels, np.bool_)])
        count = len(ends)
        return miss_lengths(ends, self.window) if count and count & (count - 1) == 0 else None

    def place(self, array: Array | None, bucket: int, link: int, slot: int, address: int) -> str:
        """See Geometry."""
        where = f"slot {bucket * RUN + slot:,}{in_array(array)}"
        if not self.has_control:
            return f"{where}, at 0x{address:x}"
        return f"{where}, control byte at 0x{address + slot:x}"
