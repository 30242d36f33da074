"""Downloads of what tests are built with, by the tools of a language."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

FETCH_SECONDS = 300


def fetch_by(
    command: Sequence[str], env: Mapping[str, str], folder: Path | None = None
) -> str | None:
    """Runs a command that downloads; returns the error, if any, in one line."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=FETCH_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"timed out after {FETCH_SECONDS} seconds"
    if done.returncode == 0:
        return None
    return (done.stderr.strip().splitlines() or ["no reason given"])[-1]
