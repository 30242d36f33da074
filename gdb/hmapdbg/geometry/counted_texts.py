"""Keys and elems that are texts of a length that stands beside them."""

from __future__ import annotations

import numpy as np

from ..block import Addresses, Column
from ..compat import dataclass
from ..target import Memory
from .columns import Mask, Raw


@dataclass(frozen=True)
class CountedTexts:
    """Texts of nodes or slots: each begins at `text` bytes in its node or, with `is_pointer`, where
    the pointer there leads; the member at `length`, of `size` bytes, is its length. As a column
    they are addresses and lengths, of the size of a pointer each (languages.c.counted_text); see
    lists.layout.Values."""

    text: int
    length: int
    size: int
    is_pointer: bool = False

    def column(self, memory: Memory, addrs: Addresses, raw: Raw, ok: Mask) -> Column:
        """See Values."""
        places = addrs + np.uint64(self.text)
        if self.is_pointer:
            places = memory.pointer_column(raw, self.text)
        lengths = memory.integer_column(raw, self.length, self.size).astype(np.uint64)
        width = memory.pointer_size
        both = np.stack([places, lengths], axis=1).astype(f"{memory.order}u{width}")
        data = np.ascontiguousarray(both).view(np.uint8).reshape(len(addrs), 2 * width)
        return Column.read(data, ok, addrs)

    def addresses(self, addrs: Addresses) -> Addresses:
        """See Values: address and length lie nowhere side by side."""
        return np.zeros(len(addrs), np.uint64)
