"""Entries that are in no bucket: their spread cannot be seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..compat import dataclass
from ..header import Array, Geometry
from . import verdicts


@dataclass(frozen=True)
class Unplaced(Geometry):
    """A map whose entries are not placed in buckets."""

    name = "unplaced"
    box = "entries"
    rules = (verdicts.dead_keys, verdicts.oversized)

    slots: int = 1
    bucket_size: int = 0
    load_factor: float = 0.0
    # Bytes of a map made for that many entries, besides its header and entries.
    made_for: Callable[[int], int] = lambda live: 0

    def rebuilt(self, live: int, arrays: Sequence[Array]) -> int:
        """See Geometry."""
        return self.made_for(live)

    def place(self, array: Array | None, bucket: int, link: int, slot: int, address: int) -> str:
        """See Geometry."""
        return f"the map, its key at 0x{address:x}"
