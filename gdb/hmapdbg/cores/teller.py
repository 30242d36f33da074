"""What a run says while it goes on: a line for each map, and on a terminal what is being done."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Sequence

from ..text import printable
from .outcome import iter_lines
from .run import Core, CoreResult, Runner

EVERY = 0.2  # seconds


class Teller:
    """Says what came of each core, in the order of the command line; and on a terminal, what is
    being done."""

    def __init__(self, cores: Sequence[Core], runner: Runner, fail_on: Sequence[str]) -> None:
        self._cores = list(cores)
        self._runner = runner
        self._fail_on = fail_on
        self._known: dict[Core, CoreResult] = {}
        self._done = 0
        self._on_terminal = sys.stderr.isatty()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._started = time.monotonic()
        self._ticker = threading.Thread(target=self._tick_until_the_end, daemon=True)

    def __enter__(self) -> Teller:
        if self._on_terminal:
            self._ticker.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        if self._on_terminal:
            self._ticker.join()
            self._wipe()

    def tell(self, result: CoreResult) -> None:
        """Takes a result up, and says those whose turn has come."""
        with self._lock:
            self._known[result.core] = result
            self._done += 1
            self._wipe()
            while self._cores and self._cores[0] in self._known:
                for line in iter_lines(self._known.pop(self._cores.pop(0)), self._fail_on):
                    print(line)
            sys.stdout.flush()

    def tick(self) -> None:
        """Says on the terminal what is being done."""
        with self._lock:
            total = self._done + len(self._cores) - len(self._known)
            names = ", ".join(sorted(self._runner.running))
            spent = time.monotonic() - self._started
            text = f"{self._done} of {total} cores done, {spent:.0f} s; now: {names}"
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write(f"\r\033[K{printable(text)[:width]}")
            sys.stderr.flush()

    def _tick_until_the_end(self) -> None:
        while not self._ended.wait(EVERY):
            self.tick()

    def _wipe(self) -> None:
        if self._on_terminal:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
