"""How far a long walk is, on a terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import gdb

from .. import parameters

AFTER = 1.0  # seconds without a word
EVERY = 0.2


class Progress:
    """Call it with what has been done of how much, or have it `say` something; used as a context it
    wipes its line at the end.

    It is silent where output is no terminal. `ends`: what Ctrl-C does."""

    def __init__(self, what: str, noun: str = "buckets", ends: str = "Ctrl-C stops") -> None:
        self._what = what
        self._noun = noun
        self._ends = ends
        self._shown = False
        self._next = time.monotonic() + AFTER
        self._enabled = bool(parameters.get(parameters.Progress)) and os.isatty(
            sys.__stdout__.fileno()
        )

    def __call__(self, done: int, total: int) -> None:
        share = 100 * done // max(total, 1)
        self.say(lambda: f"{share} % of {total:,} {self._noun}")

    def say(self, text: Callable[[], str], at_once: bool = False) -> None:
        """What is being done now. `at_once`: what may take long before it is heard of again.
        KeyboardInterrupt if there was Ctrl-C that Python could not raise."""
        from ..target.interrupt import raise_kept

        raise_kept()
        if not self._enabled or not at_once and time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY
        self._shown = True
        gdb.write(f"\r\033[K{self._what}: {text()} ({self._ends})", gdb.STDERR)
        gdb.flush(gdb.STDERR)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        if self._shown:
            gdb.write("\r\033[K", gdb.STDERR)
            gdb.flush(gdb.STDERR)
