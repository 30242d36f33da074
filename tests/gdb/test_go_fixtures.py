"""Go maps: gdb's files equal the program's ground truth, byte by byte.

One process has a map in each state of fixtures/go/states, and one gdb examines them all: live, in
the core of a crashed Go program, whose innermost frame is assembly, and, with Debian's Go and the
newest, through gdbserver and in a core that gdb wrote.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from go_fixtures import MILLION, STOP, check_all, commands_of, dump_live, dumps_of, expressions
from go_fixtures import has_bucket_maps, main_toolchains, on, program, toolchains
from go_toolchains import Toolchain
from harness import clean_environment, gdb_session, run_aborting
from truth import assert_same, read_csv

# One of each kind: gdbserver is many times slower than a local process.
FOR_GDBSERVER = (
    "nil empty_made one eight nine half_deleted cleared set overflow_chains growing_half "
    "growing_deleted same_size_half parked_iterator small_deleted one_table alias tombstones "
    "sync_zero sync_expunged sync_amended sync_types strings structs interfaces stringers big_both"
).split()

# Only a few states: gdb also writes memory that Go has reserved but never used.
FOR_GDB_CORE = ("many", "growing_half", "same_size_half", "alias", "sync_types", "interfaces")

every_go = on(toolchains())
main_gos = on(main_toolchains())


def all_states(go: Toolchain) -> list[str]:
    return [name for name in expressions(go) if name != MILLION]


def kernel_core(go: Toolchain, folder: Path, *names: str) -> Path:
    """The core of a program that crashed with maps in these states; truth in folder/truth."""
    command = [program(go), folder / "truth", *names]
    return run_aborting(command, folder, {"FIXTURE_ABORT": "1"})


@main_gos
def test_view_of_live_process_equals_the_truth(go: Toolchain, folder: Path) -> None:
    dump_live(go, folder, all_states(go))


@every_go
def test_view_of_kernel_core_equals_the_truth(
    go: Toolchain, folder: Path, kernel_cores: None
) -> None:
    core = kernel_core(go, folder, *all_states(go))
    dumps = dumps_of(go, folder, all_states(go))
    check_all(dumps, gdb_session(program(go), core=core, commands=commands_of(dumps)))


@main_gos
def test_view_of_gdb_core_equals_the_truth(go: Toolchain, folder: Path) -> None:
    core = folder / "gdb.core"
    names = [name for name in FOR_GDB_CORE if name in expressions(go)]
    try:
        gdb_session(
            program(go),
            [str(folder / "truth"), *names],
            commands=[*STOP, f"generate-core-file {core}"],
            extension=False,
        )
        dumps = dumps_of(go, folder, names)
        check_all(dumps, gdb_session(program(go), core=core, commands=commands_of(dumps)))
    finally:
        core.unlink(missing_ok=True)


@main_gos
def test_view_through_gdbserver_equals_the_truth(go: Toolchain, folder: Path) -> None:
    names = [name for name in FOR_GDBSERVER if name in expressions(go)]
    dumps = dumps_of(go, folder, names)
    server = f"gdbserver --once - {program(go)} {folder / 'truth'} {' '.join(names)}"
    outcomes = gdb_session(
        program(go),
        commands=[
            f"target remote | {server}",
            "break main.fixtureStop",
            "continue",
            *commands_of(dumps),
            "kill",
        ],
    )
    check_all(dumps, outcomes[3:-1])


@main_gos
def test_a_million_entries_equal_the_truth(go: Toolchain, folder: Path, kernel_cores: None) -> None:
    core = kernel_core(go, folder, MILLION)
    (one,) = dumps_of(go, folder, [MILLION])
    one.view.mkdir(parents=True)
    command = f"hmap-dump {one.expression} --csv {one.view / 'o'} --entries {one.view / 'e'}"
    gdb_session(program(go), core=core, commands=[command])
    assert_same(one.view / "o", one.truth / "occupancy.csv")
    assert_same(one.view / "e", one.truth / "entries.csv")
    assert one.count == 1_000_000


@main_gos
def test_array_pinned_by_a_parked_iterator_is_probable(go: Toolchain, folder: Path) -> None:
    stages = ("parked_iterator", "parked_on_old", "parked_current")
    for one in dump_live(go, folder, stages):
        header = one.document["header"]
        assert header["iterators"] == 1
        assert "probable" in " ".join(header["notes"])
        pinned = one.told["pinned_address"]
        retired = [array["address"] for array in header["retired"]]
        if one.state == "parked_current":
            assert retired == []
        elif one.state == "parked_on_old" and has_bucket_maps(go):
            assert retired == []
            assert pinned == one.told["oldbuckets"]
        else:
            assert retired == [pinned]


@main_gos
def test_fixture_is_what_its_states_say_whatever_the_seed(go: Toolchain, folder: Path) -> None:
    """Repeats the states whose keys are chosen by hash: each run has other seeds."""
    chosen = ("same_size_half", "overflow_chains", "growing_nearly", "alias", "tombstones")
    states = [name for name in expressions(go) if name in chosen]
    assert len(states) >= 2
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        done = subprocess.run(
            [program(go), folder, *(40 * states)],
            env=clean_environment(),
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    assert read_csv(folder / states[0] / "occupancy.csv")
