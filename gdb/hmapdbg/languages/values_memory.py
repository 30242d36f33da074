"""A memory in which some values that were read before lie too: for strings that may have their text
in themselves, of which only the bytes are at hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..target import Memory

Bytes = NDArray[np.uint8]
Addresses = NDArray[np.uint64]
Mask = NDArray[np.bool_]

# Where the values seem to lie. No address of a program's: those of 64 bits have fewer, or are at
# the other end.
START = 1 << 62
PAGE = 4096


class ValuesMemory(Memory):
    """The memory of a target, and n values (n, size) side by side from START on."""

    def __init__(self, memory: Memory, raw: Bytes) -> None:
        self.pointer_size = memory.pointer_size
        self.byte_order = memory.byte_order
        self._memory = memory
        # Zeros to the end of the page: text is read in chunks.
        self._data = np.zeros(-(-raw.size // PAGE) * PAGE, np.uint8)
        self._data[: raw.size] = np.ascontiguousarray(raw).ravel()

    @property
    def address_limit(self) -> int:
        """See Memory."""
        return 1 << 64

    def mappings(self) -> Sequence[tuple[int, int]] | None:
        """See Memory."""
        known = self._memory.mappings()
        return None if known is None else sorted([*known, (START, START + len(self._data))])

    def read_exactly(self, addr: int, size: int) -> bytes | memoryview:
        """See Memory."""
        at = addr - START
        if 0 <= at <= len(self._data) - size:
            return self._data[at : at + size].tobytes()
        return self._memory.read(addr, size)

    def gather(self, addrs: Addresses, size: int) -> tuple[Bytes, Mask]:
        """See Memory."""
        inside = (addrs >= np.uint64(START)) & (addrs < np.uint64(START + len(self._data)))
        rows = np.zeros((len(addrs), size), np.uint8)
        ok = np.zeros(len(addrs), np.bool_)
        if not inside.all():
            rows[~inside], ok[~inside] = self._memory.gather(addrs[~inside], size)
        at = (addrs[inside] - np.uint64(START)).astype(np.int64)
        ok[inside] = at + size <= len(self._data)
        if size and ok[inside].any():
            windows = np.lib.stride_tricks.sliding_window_view(self._data, size)
            rows[inside & ok] = windows[at[ok[inside]]]
        return rows, ok
