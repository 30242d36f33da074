"""The programs of fixtures/declared, built once for each compiler under build/declared/, and the
definition files of docs/own-maps that declare their tables."""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path

import pytest

from built import built_once
from harness import ROOT

SOURCE = ROOT / "fixtures" / "declared"
BUILD = ROOT / "build" / "declared"
FILES = ROOT / "docs" / "own-maps"
STOP = ("break fixture_stop", "run")
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")
# The definitions that each program needs.
DEFINITIONS = {
    "hlist": ("hlist.toml", "hlist_nulls.toml"),
    "dynahash": ("dynahash.toml",),
    "ngx_hash": ("ngx_hash.py",),
    "own": ("cache.toml", "dict.toml", "swiss.toml", "numbers.toml", "points.toml"),
}
# Their tables that do not count their entries.
UNCOUNTED = {
    "hlist": ("peers", "idle"),
    "dynahash": (),
    "ngx_hash": ("headers", "types", "one"),
    "own": ("numbers",),
}


@functools.cache
def program(name: str, compiler: str = "gcc", *flags: str) -> Path:
    """A program, built with debug info by a compiler with those flags."""
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    files = (SOURCE / f"{name}.c", SOURCE / "truth.h")

    def make(fresh: Path) -> None:
        words = [compiler, "-std=c11", "-D_GNU_SOURCE", "-g", *WARNINGS, *flags]
        subprocess.run([*words, "-o", fresh, files[0]], check=True)

    return built_once(BUILD / "".join([f"{name}-", compiler, *flags]), files, make)


def names_of(exe: Path) -> list[str]:
    """The tables of a program."""
    done = subprocess.run([exe, "--list"], check=True, capture_output=True, text=True)
    return done.stdout.split()


def define(*names: str) -> str:
    """The command that loads the definitions for some programs."""
    files = [FILES / file for name in names for file in DEFINITIONS[name]]
    return "set hmap definitions " + ":".join(map(str, files))
