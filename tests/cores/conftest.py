"""Cores that are taken once for all tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from rig import fixture_program, take_cores


@dataclass(frozen=True)
class Cores:
    """Cores of fixtures/c/service.c, and one of another program."""

    program: Path
    evening: Path  # its six maps, each ill in its own way
    early: Path  # before any map is made
    filtered: Path  # of the same, but with nothing of its memory
    truth: Path  # what the program says about its maps, a folder a map
    other: Path  # of another program


@pytest.fixture(scope="session")
def cores(tmp_path_factory: pytest.TempPathFactory) -> Cores:
    folder = tmp_path_factory.mktemp("cores")
    early, evening, filtered, other = (
        folder / name for name in ("early", "evening", "filtered", "other")
    )
    program = fixture_program("service")
    keep_nothing = 'open("/proc/%d/coredump_filter" % gdb.selected_inferior().pid, "w").write("0")'
    take_cores(
        program,
        [folder / "truth"],
        "break main",
        "run",
        f"generate-core-file {early}",
        "break fixture_stop",
        "continue",
        f"generate-core-file {evening}",
        f"python {keep_nothing}",
        f"generate-core-file {filtered}",
    )
    take_cores(
        fixture_program("wordcount"),
        [],
        "set breakpoint pending on",
        "break fixture_stop",
        "run",
        f"generate-core-file {other}",
    )
    return Cores(program, evening, early, filtered, folder / "truth", other)
