"""The programs of fixtures/absl, built once for each compiler and level under build/absl/."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from built import built_once
from harness import ROOT

SOURCE = ROOT / "fixtures" / "absl"
SOURCES = (SOURCE / "states.cc", SOURCE / "truth.cc", ROOT / "fixtures" / "cpp" / "truth.cc")
HEADERS = (SOURCE / "truth.h", ROOT / "fixtures" / "cpp" / "truth.h")
BUILD = ROOT / "build" / "absl"
MODULES = ("absl_flat_hash_map", "absl_node_hash_map", "absl_hash")
# Of each, what it needs to describe all types.
COMPILERS = {"g++": ("-Wno-restrict",), "clang++": ("-fstandalone-debug",)}
STOP = ("break fixture_stop", "run")


@dataclass(frozen=True)
class Build:
    """A compiler, and what it is given."""

    compiler: str
    level: str
    flags: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        words = (self.compiler, self.level, *self.flags)
        return "".join(words).replace("=", "-").replace("/", "")


BUILDS = (
    Build("g++", "-O0"),
    Build("g++", "-O2", ("-gdwarf-4",)),
    Build("clang++", "-O2", ("-std=c++20",)),
)


def require_absl() -> None:
    """Skips the module where Abseil is not installed; CI fails then."""
    command = ["pkg-config", "--exists", *MODULES]
    if shutil.which("pkg-config") and subprocess.run(command, check=False).returncode == 0:
        return
    if os.environ.get("CI") == "true":
        raise pytest.UsageError("no Abseil: run scripts/setup")
    pytest.skip("no Abseil on this machine: run scripts/setup", allow_module_level=True)


@functools.cache
def compiled(made: Build) -> Path:
    """The program of states, with debug info."""
    if shutil.which(made.compiler) is None:
        pytest.skip(f"no {made.compiler}")

    def make(fresh: Path) -> None:
        command = ["pkg-config", "--cflags", "--libs", *MODULES]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        libraries = done.stdout.split()
        flags = ["-g", "-std=c++17", made.level, *COMPILERS[made.compiler], *made.flags]
        line = [made.compiler, *flags, "-o", str(fresh), *map(str, SOURCES), *libraries]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(line)}\n{done.stderr}"

    return built_once(BUILD / f"states-{made.name}", (*SOURCES, *HEADERS), make)
