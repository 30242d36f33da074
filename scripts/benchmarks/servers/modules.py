"""Builds commands of pinned versions from Go's module proxy, and keeps them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from benchmarks.tools import CannotRun


def build_module(module: str, version: str, package: str, exe: Path) -> Path:
    """Builds `package` as `exe` unless it was built before. CannotRun, in one line."""
    if exe.exists():
        return exe
    if not shutil.which("go"):
        raise CannotRun("cannot find 'go': scripts/setup installs it")
    work = exe.parent / f"{exe.name}.module"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    unfinished = work / "built"
    where = f"'{module}@{version}' from the module proxy"
    for what, words in (
        ("get", ["mod", "init", "bench"]),
        ("get", ["get", f"{module}@{version}", f"{package}@{version}"]),
        ("build", ["build", "-o", str(unfinished), package]),
    ):
        done = subprocess.run(
            ["go", *words],
            cwd=work,
            env=os.environ | {"GOFLAGS": "-mod=mod"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
            raise CannotRun(f"cannot {what} {where}: {reason.strip()}")
    unfinished.rename(exe)
    shutil.rmtree(work)
    return exe
