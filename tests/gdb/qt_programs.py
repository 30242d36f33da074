"""The programs of fixtures/qt, built once for each compiler under build/qt/."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from built import built_once
from harness import ROOT

SOURCE = ROOT / "fixtures" / "qt"
BUILD = ROOT / "build" / "qt"
STOP = ("break fixture_stop", "run")
WARNINGS = ("-Wall", "-Wextra", "-Werror")


def require_qt() -> None:
    """Skips the module where Qt's headers are missing; CI fails then."""
    found = subprocess.run(["pkg-config", "--exists", "Qt6Core"], check=False).returncode == 0
    if not found and os.environ.get("CI") == "true":
        raise pytest.UsageError("no Qt 6: run scripts/setup")
    if not found:
        pytest.skip("no Qt 6 on this machine: run scripts/setup", allow_module_level=True)


@functools.cache
def compiled(compiler: str, *flags: str) -> Path:
    """fixtures/qt/states, built with debug info by a compiler with those flags."""
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    files = tuple(SOURCE.iterdir())
    sources = [path for path in files if path.suffix == ".cc"]

    def make(fresh: Path) -> None:
        command = ["pkg-config", "--cflags", "--libs", "Qt6Core"]
        words = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        # Qt's own headers have warnings of clang's.
        libraries = [word.replace("-I", "-isystem") for word in words.split()]
        options = ["-std=c++17", "-g", "-fPIC", *WARNINGS, *flags]
        subprocess.run([compiler, *options, "-o", fresh, *sources, *libraries], check=True)

    return built_once(BUILD / "".join(["states-", compiler, *flags]), files, make)
