"""The programs of fixtures/boost, built once for each release and compiler under build/boost/."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from boost_releases import Release, find_releases
from built import built_once
from harness import ROOT

SOURCE = ROOT / "fixtures" / "boost"
SOURCES = (SOURCE / "states.cc", SOURCE / "truth.cc", ROOT / "fixtures" / "cpp" / "truth.cc")
HEADERS = (SOURCE / "truth.h", ROOT / "fixtures" / "cpp" / "truth.h")
BUILD = ROOT / "build" / "boost"
# Of each, what it needs to describe all types.
COMPILERS: dict[str, tuple[str, ...]] = {"g++": (), "clang++": ("-fstandalone-debug",)}
STOP = ("break fixture_stop", "run")
OPEN = (1, 81)  # the first release with open addressing


@dataclass(frozen=True)
class Build:
    """A release of Boost, a compiler, and what it is given."""

    release: Release
    compiler: str
    level: str
    flags: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        words = (self.release.name, self.compiler, self.level, *self.flags)
        return "-".join(words).replace("=", "-").replace("/", "")


def builds() -> tuple[Build, ...]:
    """All releases, and the first with open addressing by each compiler. Skips the module where
    that one is missing; CI fails then."""
    releases = find_releases()
    first = next((one for one in releases if one.number >= OPEN), None)
    if first is None:
        if os.environ.get("CI") == "true":
            raise pytest.UsageError("no Boost 1.81 or later: run scripts/setup")
        pytest.skip("no Boost 1.81 or later: run scripts/setup", allow_module_level=True)
    others = (Build(one, "g++", "-O2", ("-gdwarf-4",)) for one in releases if one is not first)
    return (
        Build(first, "g++", "-O0"),
        Build(first, "clang++", "-O2", ("-std=c++20",)),
        *others,
    )


@functools.cache
def compiled(made: Build, *sources: Path) -> Path:
    """The program of states, or of other sources, with debug info."""
    if shutil.which(made.compiler) is None:
        pytest.skip(f"no {made.compiler}")

    def make(fresh: Path) -> None:
        flags = ["-g", "-std=c++17", made.level, *COMPILERS[made.compiler], *made.flags]
        flags += [*made.release.flags, "-o", str(fresh)]
        line = [made.compiler, *flags, *map(str, sources or SOURCES)]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(line)}\n{done.stderr}"

    name = sources[0].stem if sources else "states"
    return built_once(BUILD / f"{name}-{made.name}", (*(sources or SOURCES), *HEADERS), make)
