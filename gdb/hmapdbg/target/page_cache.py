"""A cache for targets where each read is expensive, such as a remote stub, where a packet costs as
much as megabytes elsewhere. Nothing is requested twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Union

import numpy as np

from .memory import Bytes, MemoryFault

BLOCK = 64 << 10  # bytes per request; gdbserver takes little longer for them than for a page
MAX_BLOCKS = 2048  # cached; further ones are read each time


class PageCache:
    """Reads through cached blocks, for as long as the target is stopped.

    >>> cache = PageCache(lambda addr, size: bytes(size))
    >>> cache.read(0x1fff0, 32) == bytes(32)
    True
    """

    def __init__(self, read: Callable[[int, int], Union[bytes, memoryview]]) -> None:
        """`read` raises MemoryFault if any of the bytes cannot be read."""
        self._read = read
        self._blocks: dict[int, Bytes | None] = {}  # None: it has a hole

    def read(self, addr: int, size: int) -> bytes | memoryview:
        """`size` bytes at `addr`, or MemoryFault."""
        first = addr & -BLOCK
        parts = []
        for start in range(first, addr + size, BLOCK):
            block = self._block(start)
            if block is None:
                return self._read(addr, size)
            parts.append(block)
        whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return whole[addr - first : addr - first + size].data

    def _block(self, start: int) -> Bytes | None:
        if start in self._blocks:
            return self._blocks[start]
        if len(self._blocks) >= MAX_BLOCKS:
            return None
        try:
            block = np.frombuffer(self._read(start, BLOCK), np.uint8)
        except MemoryFault:
            block = None
        self._blocks[start] = block
        return block
