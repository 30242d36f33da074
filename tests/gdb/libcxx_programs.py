"""Programs with libc++: those of fixtures/cpp, built once under build/libcxx/, and how any other is
built with it."""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from built import built_once
from harness import ROOT

SOURCE = ROOT / "fixtures" / "cpp"
BUILD = ROOT / "build" / "libcxx"
STATES = ("states.cc", "states_shape.cc", "states_types.cc", "truth.cc")

LIBCXX = ("clang++", "-stdlib=libc++")


@functools.cache
def has_libcxx() -> bool:
    """Whether clang has a libc++ to compile and link with."""
    command = [*LIBCXX, "-x", "c++", "-", "-o", "/dev/null"]
    text = "#include <unordered_set>\nstd::unordered_set<int> one{1};\nint main() {}\n"
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return False
    return done.returncode == 0


def need_libcxx() -> None:
    """Skips a test where there is no libc++; CI fails then."""
    if has_libcxx():
        return
    if os.environ.get("CI") == "true":
        raise pytest.UsageError("no libc++: run scripts/setup")
    pytest.skip("no libc++ on this machine: run scripts/setup")


@functools.cache
def of_gcc() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """How g++ compiles with clang's libc++, and how it links."""
    need_libcxx()
    command = [*LIBCXX, "-x", "c++", "-E", "-v", os.devnull]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    include = next(line.strip() for line in told.splitlines() if line.endswith("/c++/v1"))
    libraries = ("-lc++", "-lc++abi", "-lm", "-lc", "-lgcc_s", "-lgcc")
    return ("g++", "-nostdinc++", "-isystem", include), ("-nodefaultlibs", *libraries)


@functools.cache
def states() -> Path:
    """fixtures/cpp's states, as users compile: optimised, and by clang without -fstandalone-debug,
    so that debug info only declares std::string."""
    need_libcxx()
    return built("states", [*LIBCXX, "-std=c++17", "-O2", "-g"], STATES)


def built(name: str, command: Sequence[str], sources: Sequence[str]) -> Path:
    """A program of fixtures/cpp."""
    files = [SOURCE / source for source in sources]
    inputs = (*files, *SOURCE.glob("*.h"))
    return built_once(
        BUILD / name,
        inputs,
        lambda fresh: subprocess.run([*command, "-o", fresh, *files], check=True),
    )
