"""Runs inside gdb: Ctrl-C in the middle of a command, always at the same place."""

from __future__ import annotations

import importlib
import os
import signal
from typing import Any


def interrupt_at(module: str, name: str, call: int) -> None:
    """Sends gdb the signal of Ctrl-C at a call of what a module of the package goes by `name`."""
    owner: Any = importlib.import_module(f"hmapdbg.{module}")
    original = getattr(owner, name)
    left = call

    def called(*given: Any, **named: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            setattr(owner, name, original)
            os.kill(os.getpid(), signal.SIGINT)
        return original(*given, **named)

    setattr(owner, name, called)
