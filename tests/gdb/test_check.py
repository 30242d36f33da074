"""hmap-check anywhere in a program; test_fixtures checks all states."""

from __future__ import annotations

from pathlib import Path

from built import fixture_program
from harness import gdb_session


def test_map_between_two_writes(folder: Path) -> None:
    # After 300 deletes, half of the entries to be deleted are left.
    outcomes = gdb_session(
        fixture_program("dev", "states"),
        ["half_deleted", str(folder)],
        commands=[
            "break hmap_delete",
            "run",
            "hmap-check map",
            "ignore 1 299",
            "continue",
            "hmap-check map",
        ],
    )
    assert outcomes[2].output == "consistent: 1,000 entries\n"
    assert outcomes[-1].output == "consistent: 700 entries\n"


def test_map_named_by_type_and_address(folder: Path) -> None:
    by_name, address = gdb_session(
        fixture_program("dev", "states"),
        ["overflow_chains", str(folder)],
        commands=[
            "break fixture_stop",
            "run",
            "hmap-check fixture_map",
            "hmap-check --type 'struct hmap' (unsigned long) fixture_map",
        ],
    )[2:]
    assert address.output == by_name.output == "consistent: 93 entries\n"
