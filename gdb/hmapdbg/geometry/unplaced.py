"""Entries that are in no bucket: nothing is to be seen of how they are spread."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..compat import dataclass
from ..header import Array, Geometry
from . import verdicts


@dataclass(frozen=True)
class Unplaced(Geometry):
    """A map whose entries have no place that a hash decides."""

    name = "unplaced"
    box = "entries"
    rules = (verdicts.dead_keys, verdicts.oversized)

    slots: int = 1
    bucket_size: int = 0
    load_factor: float = 0.0
    # Bytes that a map made for so many entries holds besides its header and its entries.
    made_for: Callable[[int], int] = lambda live: 0

    def rebuilt(self, live: int, arrays: Sequence[Array]) -> int:
        """See Geometry."""
        return self.made_for(live)

    def place(self, array: Array | None, bucket: int, link: int, slot: int, address: int) -> str:
        """See Geometry."""
        return f"the map, its key at 0x{address:x}"
