"""How far a long walk is, on a terminal."""

from __future__ import annotations

import os
import sys
import time

import gdb

from .. import parameters

AFTER = 1.0  # seconds without a word
EVERY = 0.2


class Progress:
    """Call it with what has been done of how much; used as a context it wipes its line at the end.

    It is silent where output is no terminal, and for short walks."""

    def __init__(self, what: str, noun: str = "buckets") -> None:
        self._what = what
        self._noun = noun
        self._shown = False
        self._next = time.monotonic() + AFTER
        self._enabled = bool(parameters.get(parameters.Progress)) and os.isatty(
            sys.__stdout__.fileno()
        )

    def __call__(self, done: int, total: int) -> None:
        if not self._enabled or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY
        self._shown = True
        share = 100 * done // max(total, 1)
        gdb.write(f"\r{self._what}: {share} % of {total:,} {self._noun} (Ctrl-C stops)", gdb.STDERR)
        gdb.flush(gdb.STDERR)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        if self._shown:
            gdb.write("\r\033[K", gdb.STDERR)
            gdb.flush(gdb.STDERR)
