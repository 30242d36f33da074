"""The programs of fixtures/glib, built once for each compiler under build/glib/."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from built import built_once
from harness import ROOT

SOURCE = ROOT / "fixtures" / "glib"
BUILD = ROOT / "build" / "glib"
PROGRAMS = Path(__file__).resolve().parent / "programs"
STOP = ("break fixture_stop", "run")
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")


def require_glib() -> None:
    """Skips the module where GLib's headers are missing; CI fails then."""
    found = subprocess.run(["pkg-config", "--exists", "glib-2.0"], check=False).returncode == 0
    if not found and os.environ.get("CI") == "true":
        raise pytest.UsageError("no GLib: run scripts/setup")
    if not found:
        pytest.skip("no GLib on this machine: run scripts/setup", allow_module_level=True)


def compiled(compiler: str, *flags: str) -> Path:
    """fixtures/glib/states, built with debug info by a compiler with those flags."""
    return built("states", tuple(SOURCE.glob("*.[ch]")), compiler, *flags)


@functools.cache
def built(name: str, files: tuple[Path, ...], compiler: str, *flags: str) -> Path:
    """A program of those source files and headers."""
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    sources = sorted(path for path in files if path.suffix == ".c")

    def make(fresh: Path) -> None:
        command = ["pkg-config", "--cflags", "--libs", "glib-2.0"]
        libraries = subprocess.run(command, check=True, capture_output=True, text=True)
        words = [compiler, "-std=c11", "-g", *WARNINGS, *flags, "-o", fresh, *sources]
        subprocess.run([*words, *libraries.stdout.split()], check=True)

    return built_once(BUILD / "".join([f"{name}-", compiler, *flags]), files, make)
