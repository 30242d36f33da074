"""The Geometry of bucket chains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from ...compat import dataclass
from ...header import Array, Aspect, Geometry, Panel, Rule, in_array
from .. import verdicts
from ..null_model import POISSON


@dataclass(frozen=True)
class BucketChains(Geometry):
    """An array of buckets of `slots` entries each, with overflow buckets."""

    name = "chains"
    byte = "tophash"
    link = "bucket"
    chain_length = "buckets in the chain, main bucket included"
    aspects = (Aspect.SLOTS, Aspect.CHAINS, Aspect.SPREAD)
    panels = (Panel.OCCUPANCY, Panel.SPREAD, Panel.HISTOGRAM, Panel.LENGTHS)
    rules: ClassVar[tuple[Rule, ...]] = (
        verdicts.full,
        verdicts.emptied,
        verdicts.oversized,
        verdicts.skewed_chains,
        verdicts.growing,
        verdicts.pinned,
    )
    null_model = POISSON

    # Overflow buckets allocated with that many main ones.
    spare: Callable[[int], int] = lambda buckets: 0
    # Bytes before the first bucket, in the block of an array; None: what its size shows.
    front: int | None = None
    # Bytes that the allocator takes for an array, or an overflow bucket, of that size.
    block: Callable[[int], int] = lambda size: size

    @property
    def overflow_size(self) -> int:
        """See Geometry."""
        return self.block(self.bucket_size)

    def rebuilt(self, live: int, arrays: Sequence[Array]) -> int:
        """See Geometry: the least power of two that holds the entries without growing."""
        if not arrays:
            return 0
        buckets = 1
        while live > self.slots and live > self.load_factor * buckets:
            buckets *= 2
        front, more, first = self.front, 0, arrays[0]
        if front is None:
            own = self.block((first.buckets + first.spare) * self.bucket_size)
            front, more = 0, max(first.size - own, 0)
        return more + self.block(front + (buckets + self.spare(buckets)) * self.bucket_size)

    def place(self, array: Array | None, bucket: int, link: int, slot: int, address: int) -> str:
        """See Geometry."""
        which = "main bucket" if link == 0 else f"overflow bucket {link}"
        return f"bucket {bucket:,}{in_array(array)}, {which} at 0x{address:x}, slot {slot}"
