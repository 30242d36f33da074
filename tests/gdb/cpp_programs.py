"""Programs of a test's own: compiled from tests/gdb/programs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).resolve().parent / "programs"
# Of each, what it needs to describe all types.
COMPILERS = {"g++": (), "clang++": ("-fstandalone-debug",)}


def compiled(
    folder: Path, compiler: str, *sources: str, name: str = "program", flags: Sequence[str] = ()
) -> Path:
    """A program of tests/gdb/programs, with debug info."""
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    command = [compiler, "-g", "-std=c++17", *COMPILERS[compiler], "-o", folder / name]
    command += [PROGRAMS / source for source in sources]
    subprocess.run([*command, *flags], check=True)
    return folder / name
