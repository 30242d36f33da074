"""Limits of the programs that tests run.

They count processor time, which a busy machine does not use up. What waits forever uses none: it
ends by a limit of time that no test comes near.
"""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

CPU_SECONDS = 300  # of each process
WALL_SECONDS = 3600


def limit_cpu(seconds: int | None = None) -> None:
    """Has the kernel kill this process (SIGKILL) once it has used that much processor time."""
    limit = CPU_SECONDS if seconds is None else seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    # At the soft limit alone the process would dump core.
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))


def run(
    command: Sequence[str | Path], *, before: Callable[[], None] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Runs a program under the limits and returns how it ended, as text.

    `before` runs in the new process; the other options are subprocess.run()'s. TimeoutExpired after
    WALL_SECONDS.
    """

    def prepare() -> None:
        limit_cpu()
        if before is not None:
            before()

    return subprocess.run(
        [str(word) for word in command],
        preexec_fn=prepare,
        timeout=WALL_SECONDS,
        check=False,
        text=True,
        **options,
    )
