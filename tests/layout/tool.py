"""Runs hmap-layout for tests."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import limits
from matrix import ROOT

# Of the build `dev`, or of another one: the same tests run the sanitized program.
TOOL = Path(os.environ.get("HMAP_LAYOUT", ROOT / "build/dev/libhmap/layout/hmap-layout"))


def run_layout(
    *words: str | Path,
    status: int = 0,
    cwd: Path | None = None,
    tool: Sequence[str | Path] = (TOOL,),
) -> str:
    """Runs hmap-layout, which must exit with `status`, and returns its standard output; after an
    error its standard error instead, which must be one line."""
    command = [str(word) for word in (*tool, *words)]
    done = limits.run(command, capture_output=True, cwd=cwd)
    told = f"{' '.join(command)}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr}"
    assert done.returncode == status, told
    if status == 2:
        assert done.stderr.startswith("hmap-layout: ") and done.stderr.count("\n") == 1, told
        return done.stderr.removeprefix("hmap-layout: ").rstrip("\n")
    assert done.stderr == "", told
    return done.stdout
