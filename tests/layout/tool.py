"""hmap-layout as the tests run it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import limits
from matrix import ROOT

# In the build `dev`, or in another one: the same tests run the instrumented program.
TOOL = Path(os.environ.get("HMAP_LAYOUT", ROOT / "build/dev/libhmap/layout/hmap-layout"))


def run_layout(
    *words: str | Path,
    status: int = 0,
    cwd: Path | None = None,
    tool: Sequence[str | Path] = (TOOL,),
) -> str:
    """What hmap-layout prints on standard output; it must end with `status`. An error is one line
    on standard error, which is returned instead."""
    command = [str(word) for word in (*tool, *words)]
    done = limits.run(command, capture_output=True, cwd=cwd)
    told = f"{' '.join(command)}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr}"
    assert done.returncode == status, told
    if status == 2:
        assert done.stderr.startswith("hmap-layout: ") and done.stderr.count("\n") == 1, told
        return done.stderr.removeprefix("hmap-layout: ").rstrip("\n")
    assert done.stderr == "", told
    return done.stdout
