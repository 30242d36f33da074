"""The truth: what gdb reads of a map equals what the program itself wrote about it, byte by byte,
and hmap-check agrees with hmap_check().

Each state of fixtures/c/states, live, through gdbserver, from gdb's core and from the kernel's.
"""

from __future__ import annotations

from pathlib import Path

from conftest import fixture_program
from harness import gdb_session, run_aborting
from truth import Dumped, check_verdict, maps_of, read_csv

# Stopped in the middle of evacuate(): the one state in which the map is not sound.
TORN = "evacuation_interrupted"


def test_view_of_live_process_and_of_its_core_equals_the_truth(
    state: str, build: str, folder: Path
) -> None:
    truth, core = folder / "truth", folder / "gdb.core"
    live, dead = (Dumped("fixture_map", truth, folder / name) for name in ("live", "dead"))
    outcomes = gdb_session(
        fixture_program(build, "states"),
        [state, str(truth)],
        commands=[
            "break fixture_stop",
            "run",
            live.command,
            "hmap-check fixture_map",
            f"generate-core-file {core}",
            "kill",
            f"core-file {core}",
            dead.command,
            "hmap-check fixture_map",
        ],
    )
    assert (read_csv(truth / "problems.csv") != []) == (state == TORN)
    for dumped, dump, check in ((live, *outcomes[2:4]), (dead, *outcomes[-2:])):
        dumped.check(dump)
        check_verdict(check, truth)


def test_view_of_kernel_core_equals_the_truth(
    state: str, build: str, folder: Path, kernel_cores: None
) -> None:
    exe = fixture_program(build, "states")
    core = run_aborting([exe, state, folder / "truth"], folder, {"FIXTURE_ABORT": "1"})
    maps = maps_of(folder / "truth", folder / "view")
    commands = [text for one in maps for text in (one.command, f"hmap-check {one.expression}")]
    outcomes = gdb_session(exe, core=core, commands=commands)
    for one, dump, check in zip(maps, outcomes[::2], outcomes[1::2], strict=True):
        one.check(dump)
        check_verdict(check, one.truth)


def test_view_through_gdbserver_equals_the_truth(state: str, folder: Path) -> None:
    exe = fixture_program("dev", "states")
    remote = Dumped("fixture_map", folder / "truth", folder / "remote")
    outcomes = gdb_session(
        exe,
        commands=[
            f"target remote | gdbserver --once - {exe} {state} {remote.truth}",
            "break fixture_stop",
            "continue",
            remote.command,
            "kill",
        ],
    )
    remote.check(outcomes[3])
