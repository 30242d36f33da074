"""Runs inside gdb: the target dies while it is read, always between the same two reads."""

from __future__ import annotations

import os
import signal
from typing import Any

import gdb


def die_before_read(number: int) -> None:
    """Kills the process before a read of its memory; the first is 1."""
    from hmapdbg.target.gdb_process import GdbProcess

    original = GdbProcess.read
    left = number

    def read(self: Any, addr: int, size: int) -> memoryview:
        nonlocal left
        left -= 1
        if left == 0:
            GdbProcess.read = original  # type: ignore[method-assign]
            pid = gdb.selected_inferior().pid
            os.kill(pid, signal.SIGKILL)
            # Until it is dead; gdb, which waits for it too, is left to hear of it.
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return original(self, addr, size)

    GdbProcess.read = read  # type: ignore[method-assign]
