"""Single buckets out of big aligned reads."""

from __future__ import annotations

from ...target import MemoryFault, Target

WINDOW = 64 << 10  # bytes
MAX_WINDOWS = 256


class WindowReader:
    """For chains that are followed link by link."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._windows: dict[int, bytes | None] = {}

    def read(self, addr: int, size: int) -> bytes:
        """`size` bytes at `addr`. MemoryFault."""
        start = addr // WINDOW * WINDOW
        if start not in self._windows:
            if len(self._windows) >= MAX_WINDOWS:
                self._windows.clear()
            try:
                self._windows[start] = self._target.read(start, WINDOW)
            except MemoryFault:
                self._windows[start] = None
        window = self._windows[start]
        if window is None or addr - start + size > WINDOW:
            return self._target.read(addr, size)
        return window[addr - start : addr - start + size]
