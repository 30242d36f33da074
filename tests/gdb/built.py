"""The built fixtures, and their states."""

from __future__ import annotations

import fcntl
import functools
import subprocess
from collections.abc import Callable, Iterable, Sequence
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


def built_once(exe: Path, inputs: Iterable[Path], make: Callable[[Path], object]) -> Path:
    """A program, which `make` builds at the path that it is given where there is none that is newer
    than all inputs. Workers that want the same one wait for each other."""
    exe.parent.mkdir(parents=True, exist_ok=True)
    with (exe.parent / f"{exe.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        newest = max(path.stat().st_mtime for path in inputs)
        if not exe.exists() or exe.stat().st_mtime < newest:
            fresh = exe.with_suffix(".new")
            make(fresh)
            fresh.replace(exe)
    return exe
