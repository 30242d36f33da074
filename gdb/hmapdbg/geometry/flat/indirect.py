"""Keys and elems that are not in a table's slots, but where these lead to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...block import Addresses, Column, Ints
from ...compat import dataclass
from ...target import Memory
from ..columns import Mask

# Where the entries of slots (n,) are, and which of these are known.
Locate = Callable[[Memory, Ints], tuple[Addresses, Mask]]


@dataclass(frozen=True)
class Elsewhere:
    """The keys, or the elems, of entries, `offset` bytes behind their start; see SlotPart.
    `memory`: for where values are asked for without one."""

    memory: Memory
    locate: Locate
    offset: int
    size: int

    def places(self, slots: Ints) -> Addresses:
        """See SlotPart."""
        addrs, known = self.locate(self.memory, slots)
        return np.where(known, addrs + np.uint64(self.offset), np.uint64(0))

    def values(self, memory: Memory, slots: Ints) -> Column:
        """See SlotPart."""
        addrs, known = self.locate(memory, slots)
        addrs = addrs + np.uint64(self.offset)
        if not self.size:
            return Column(np.zeros((len(slots), 0), np.uint8))
        data, ok = memory.gather(np.where(known, addrs, np.uint64(0)), self.size)
        return Column.read(data, ok & known, addrs)

    def addresses(self, slots: Ints) -> Addresses:
        """See SlotPart."""
        return self.places(slots)
