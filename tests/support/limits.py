"""Limits for programs that tests run.

They are on processor time, which does not depend on other load. A program that waits forever uses
none; for that there is a limit on real time, far above what any test needs.
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
    """Makes the kernel kill this process (SIGKILL) after that much processor time."""
    limit = CPU_SECONDS if seconds is None else seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    # With only the soft limit the process would dump core.
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))


def run(
    command: Sequence[str | Path], *, before: Callable[[], None] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Runs a program under the limits and returns the result, as text.

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
