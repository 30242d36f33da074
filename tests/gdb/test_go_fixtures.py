"""The truth of Go maps: what gdb reads equals what the program wrote about itself, byte by byte.

Each state of fixtures/go/states, built by each toolchain, live and from the core of a Go program
that crashed, whose innermost frame is assembly; with Debian's Go and the newest also through
gdbserver and from cores that gdb wrote.
"""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from go_fixtures import STOP, Case, GoDump, cases, has_bucket_maps, mandatory, program
from go_fixtures import toolchains
from go_toolchains import Toolchain
from harness import clean_environment, gdb_session, run_aborting
from truth import read_csv

# Slow through gdbserver.
LARGE = ("million", "shrunk", "sync_large", "many_tables")

FOR_GDB_CORE = ("many", "growing_half", "same_size_half", "alias", "sync_types", "interfaces")


def check_numbers(dump: GoDump) -> None:
    """The numbers in the JSON against those of the map's own header."""
    told = dump.header
    document = json.loads((dump.view / "dump.json").read_text(encoding="utf-8"))
    header, statistics = document["header"], document["statistics"]
    assert document["problems"] == []
    if told["address"] == "0x0":
        return
    assert header["address"] == told["address"]
    assert header["count"] == dump.count
    if told["kind"] in ("bucket", "swiss"):
        expected = {name: int(told[name]) for name in ("live", "deleted", "empty")}
        expected["slots"] = sum(expected.values())  # without those of evacuated buckets
        assert {name: statistics[name] for name in expected} == expected
    if told["kind"] == "bucket" and told["buckets"] != "0x0":
        assert header["B"] == int(told["B"])
        assert header["growing"] == (told["growing"] == "1")
        assert header["same_size_grow"] == (told["same_size"] == "1")
        assert header["nevacuate"] == int(told["nevacuate"])
        assert header["overflow_estimate"] == int(told["noverflow"])
        assert statistics["evacuated"] == int(told["evacuated"])
        assert statistics["longest_chain"] == int(told["longest_chain"])


@pytest.mark.parametrize("case", cases(*toolchains()), ids=str)
def test_view_of_live_process_equals_the_truth(case: Case, folder: Path) -> None:
    dump = GoDump(case.variable, folder / "truth", folder / "live")
    outcomes = gdb_session(
        case.exe,
        [case.state, str(dump.truth)],
        commands=[*STOP, dump.command, f"hmap-check {case.variable}"],
    )
    dump.check(outcomes[2])
    check_numbers(dump)
    dump.check_audit(outcomes[3])


@pytest.mark.parametrize("case", cases(*toolchains()), ids=str)
def test_view_of_kernel_core_equals_the_truth(case: Case, folder: Path, kernel_cores: None) -> None:
    core = run_aborting([case.exe, case.state, folder / "truth"], folder, {"FIXTURE_ABORT": "1"})
    dump = GoDump(case.variable, folder / "truth", folder / "view")
    outcomes = gdb_session(
        case.exe, core=core, commands=[dump.command, f"hmap-check {case.variable}"]
    )
    dump.check(outcomes[0])
    check_numbers(dump)
    dump.check_audit(outcomes[1])


@pytest.mark.parametrize(
    "case", [case for case in cases(*mandatory()) if case.state in FOR_GDB_CORE], ids=str
)
def test_view_of_gdb_core_equals_the_truth(case: Case, folder: Path) -> None:
    """A few states only: gdb writes what Go has reserved and never used, 0.7 to 1.2 GB a core."""
    truth, core = folder / "truth", folder / "gdb.core"
    dump = GoDump(case.variable, truth, folder / "view")
    try:
        gdb_session(
            case.exe,
            [case.state, str(truth)],
            commands=[*STOP, f"generate-core-file {core}"],
            extension=False,
        )
        outcomes = gdb_session(
            case.exe, core=core, commands=[dump.command, f"hmap-check {case.variable}"]
        )
    finally:
        core.unlink(missing_ok=True)
    dump.check(outcomes[0])
    dump.check_audit(outcomes[1])


@pytest.mark.parametrize(
    "case", [case for case in cases(*mandatory()) if case.state not in LARGE], ids=str
)
def test_view_through_gdbserver_equals_the_truth(case: Case, folder: Path) -> None:
    dump = GoDump(case.variable, folder / "truth", folder / "remote")
    outcomes = gdb_session(
        case.exe,
        commands=[
            f"target remote | gdbserver --once - {case.exe} {case.state} {dump.truth}",
            "break main.fixtureStop",
            "continue",
            dump.command,
            "kill",
        ],
    )
    dump.check(outcomes[3])


@pytest.mark.parametrize("go", toolchains(), ids=lambda go: go.name)
@pytest.mark.parametrize("stage", ["parked_iterator", "parked_on_old", "parked_current"])
def test_array_pinned_by_a_parked_iterator_is_probable(
    go: Toolchain, stage: str, folder: Path, kernel_cores: None
) -> None:
    command = [program(go), stage, folder / "truth"]
    core = run_aborting(command, folder, {"FIXTURE_ABORT": "1"})
    dump = GoDump("main.mapInt64", folder / "truth", folder / "view")
    (outcome,) = gdb_session(program(go), core=core, commands=[dump.command])
    assert "probable" in outcome.output
    header = json.loads((dump.view / "dump.json").read_text(encoding="utf-8"))["header"]
    assert header["iterators"] == 1
    pinned = dump.header["pinned_address"]
    retired = [array["address"] for array in header["retired"]]
    if stage == "parked_current":
        assert retired == []
    elif stage == "parked_on_old" and has_bucket_maps(go):
        assert retired == []
        assert pinned == dump.header["oldbuckets"]
    else:
        assert retired == [pinned]


@pytest.mark.parametrize("go", toolchains(), ids=lambda go: go.name)
def test_fixture_is_what_its_states_say_whatever_the_seed(go: Toolchain, folder: Path) -> None:
    """The states whose keys are chosen by hash, over and over: each run has other seeds."""
    chosen = ("same_size_half", "overflow_chains", "growing_nearly", "alias", "tombstones")
    states = [case.state for case in cases(go) if case.state in chosen]
    assert len(states) >= 2
    deadline = time.monotonic() + 2
    for _ in range(5):
        for state in states:
            done = subprocess.run(
                [program(go), state, folder],
                env=clean_environment(),
                check=False,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr
        if time.monotonic() > deadline:
            break
    assert read_csv(folder / "occupancy.csv")
