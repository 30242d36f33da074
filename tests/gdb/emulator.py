"""Programs for other processors under qemu, each waiting for gdb on a socket."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from harness import clean_environment


@contextlib.contextmanager
def emulated(processor: str, runs: Sequence[Sequence[str | Path]]) -> Iterator[list[Path]]:
    """Starts a program for each command line; each waits on its socket for gdb."""
    with contextlib.ExitStack() as stack:
        # Not in the test's folder: the path of a socket must be short.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hmap-")))
        sockets = [folder / str(number) for number in range(len(runs))]
        for path, run in zip(sockets, runs):
            process = subprocess.Popen(
                [f"qemu-{processor}", "-g", path, *run],
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            while not path.exists():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    pytest.fail(f"qemu exited with {process.wait(0.01)} before gdb connected")
        yield sockets
