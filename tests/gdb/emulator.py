"""Programs of other processors under qemu's emulation, each waiting for gdb at a socket."""

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
    """Starts a program for each command line; each waits at its socket for gdb to begin."""
    with contextlib.ExitStack() as stack:
        # Not in the test's own folder: the path of a socket has little room.
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
                    pytest.fail(f"qemu ended with {process.wait(0.01)} before gdb came")
        yield sockets
