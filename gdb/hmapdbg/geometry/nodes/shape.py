"""The Geometry of lists of nodes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import ClassVar

from ...compat import dataclass
from ...header import Array, Aspect, Geometry, Panel, Rule, in_array
from .. import verdicts
from ..null_model import POISSON


@dataclass(frozen=True)
class NodeLists(Geometry):
    """An array of cells, each with a list of nodes: a bucket is a list, and has no slots."""

    name = "nodes"
    cell = "node"
    link = "node"
    chain_length = "nodes in the chain"
    box = "nodes"
    aspects = (Aspect.CHAINS, Aspect.LOOKUPS, Aspect.SPREAD)
    panels = (Panel.OCCUPANCY, Panel.SPREAD, Panel.HISTOGRAM, Panel.LENGTHS)
    rules: ClassVar[tuple[Rule, ...]] = (
        verdicts.emptied,
        verdicts.oversized_array,
        verdicts.skewed_chains,
        verdicts.growing,
        verdicts.pinned,
    )
    null_model = POISSON
    least_chain = 0

    # Bytes that the allocator takes for an array of that size.
    block: Callable[[int], int] = lambda size: size

    def rebuilt(self, live: int, arrays: Sequence[Array]) -> int:
        """See Geometry. Real bucket counts are primes, at most a few percent larger."""
        size = math.ceil(live / self.load_factor) * self.bucket_size
        return self.block(size) if arrays else 0

    def capacity(self, buckets: int, slots: int) -> int:
        """See Geometry: the entries at which the map grows."""
        return int(buckets * self.load_factor)

    def room(self, arrays: Sequence[Array]) -> int | None:
        """See Geometry."""
        return None

    def place(self, array: Array | None, bucket: int, link: int, slot: int, address: int) -> str:
        """See Geometry."""
        return f"bucket {bucket:,}{in_array(array)}, node {link} of its chain, at 0x{address:x}"
