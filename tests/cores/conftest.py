"""Cores taken once for all tests."""

from __future__ import annotations

import pytest

from rig import Cores, fixture_program, take_cores


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
