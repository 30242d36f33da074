"""The built fixtures, and their states."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness import ROOT

# Names of CMake presets. Compilers and optimisation differ, the results must not.
BUILDS = ("dev", "release", "clang")
CHUNK = 12  # states, or planted faults, that one gdb examines in turn


def in_chunks(names: Sequence[str], what: str) -> list[object]:
    """Names as parameters, grouped so that those for one gdb run in one worker."""
    return [
        pytest.param(name, marks=pytest.mark.xdist_group(f"{what} {number // CHUNK}"))
        for number, name in enumerate(names)
    ]


def fixture_program(build: str, name: str, language: str = "c") -> Path:
    """The path of a fixture in C ("c") or C++ ("cpp") built by scripts/test."""
    path = ROOT / "build" / build / "fixtures" / language / name
    if not path.exists():
        raise pytest.UsageError(
            f"no '{path.relative_to(ROOT)}': "
            f"build it by cmake --preset {build} && cmake --build --preset {build}"
        )
    return path


@functools.cache
def states_of(build: str) -> list[str]:
    """The names that `states --list` prints."""
    command = [fixture_program(build, "states"), "--list"]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line.split("\t")[0] for line in listing.splitlines()]
