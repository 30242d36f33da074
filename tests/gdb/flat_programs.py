"""The programs of fixtures/flat, built once for each compiler under build/flat/."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from built import built_once
from harness import ROOT

SOURCE = ROOT / "fixtures" / "flat"
BUILD = ROOT / "build" / "flat"
SHARED = (SOURCE / "truth.h", SOURCE / "dense.h", ROOT / "fixtures" / "cpp" / "truth.cc")
STANDALONE = {"g++": (), "clang++": ("-fstandalone-debug",)}


def require_robin() -> None:
    """Skips the module where tsl::robin_map is not installed; CI fails then."""
    _require("tsl::robin_map", Path("/usr/include/tsl/robin_map.h").exists())


def require_llvm() -> None:
    """Skips the module where LLVM's headers are not installed; CI fails then."""
    config = shutil.which("llvm-config")
    found = config is not None and (Path(_llvm("--includedir")[0]) / "llvm/ADT").is_dir()
    _require("LLVM's headers", found)


def _require(what: str, is_there: bool) -> None:
    if not is_there and os.environ.get("CI") == "true":
        raise pytest.UsageError(f"no {what}: run scripts/setup")
    if not is_there:
        pytest.skip(f"no {what} on this machine: run scripts/setup", allow_module_level=True)


@functools.cache
def _llvm(*asked: str) -> list[str]:
    done = subprocess.run(["llvm-config", *asked], check=True, capture_output=True, text=True)
    return done.stdout.split()


def robin(compiler: str, *flags: str) -> Path:
    """The program of robin_map and unordered_dense."""
    return _compiled("robin", compiler, flags, ())


def llvm(compiler: str, *flags: str) -> Path:
    """The program of LLVM's maps."""
    folder, library = _llvm("--includedir"), _llvm("--ldflags", "--libs")
    # The macros that open its classes upset nothing but warnings.
    return _compiled("llvm", compiler, flags, ("-w", "-isystem", *folder, *library))


@functools.cache
def _compiled(name: str, compiler: str, flags: Sequence[str], libraries: tuple[str, ...]) -> Path:
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    source = SOURCE / f"{name}.cc"

    def make(fresh: Path) -> None:
        line = [compiler, "-g", "-std=c++17", *STANDALONE[compiler], *flags, "-o", str(fresh)]
        line += [str(source), str(SHARED[-1]), *libraries]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(line)}\n{done.stderr}"

    return built_once(BUILD / "".join([f"{name}-", compiler, *flags]), (source, *SHARED), make)
