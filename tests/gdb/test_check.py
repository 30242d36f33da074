"""hmap-check on maps that are sound: every state of fixtures/c/states, live and from gdb's core."""

from __future__ import annotations

from pathlib import Path

from conftest import fixture_program
from harness import Outcome, gdb_session
from test_faults import problems_of_check
from test_fixtures import maps_of, read_csv

# Stopped in the middle of evacuate(): hmap_check() reports Problems, too.
TORN = "evacuation_interrupted"


def live_of(truth: Path) -> int:
    return sum(int(row["live"]) for row in read_csv(truth / "occupancy.csv"))


def assert_consistent(check: Outcome, truth: Path) -> None:
    assert read_csv(truth / "problems.csv") == []
    assert check.error is None and check.messages == ""
    assert check.output == f"consistent: {live_of(truth):,} entries\n"


def assert_same_problems(check: Outcome, truth: Path) -> None:
    """The very invariants and addresses that hmap_check() reports in the process."""
    told = read_csv(truth / "problems.csv")
    assert told
    named = problems_of_check(check)
    assert sorted(named) == sorted((f"I{row['invariant']}", row["address"]) for row in told)


def test_state_is_consistent_live_and_from_a_core(state: str, build: str, folder: Path) -> None:
    truth, core = folder / "truth", folder / "gdb.core"
    outcomes = gdb_session(
        fixture_program(build, "states"),
        [state, str(truth)],
        commands=[
            "break fixture_stop",
            "run",
            "hmap-check fixture_map",
            f"generate-core-file {core}",
            "kill",
            f"core-file {core}",
            "hmap-check fixture_map",
        ],
    )
    for check in (outcomes[2], outcomes[-1]):
        (assert_same_problems if state == TORN else assert_consistent)(check, truth)


def test_all_maps_of_a_program_are_consistent(build: str, folder: Path) -> None:
    truth, core = folder / "truth", folder / "gdb.core"
    exe = fixture_program(build, "states")
    gdb_session(
        exe,
        ["maps", str(truth)],
        commands=["break fixture_stop", "run", f"generate-core-file {core}"],
        extension=False,
    )
    maps = maps_of(truth, folder / "view")
    assert len(maps) > 10
    checks = gdb_session(exe, core=core, commands=[f"hmap-check {one.expression}" for one in maps])
    for one, check in zip(maps, checks, strict=True):
        assert_consistent(check, one.truth)


def test_map_between_two_writes(folder: Path) -> None:
    # 300 deletes later half of what will be deleted still is there.
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
