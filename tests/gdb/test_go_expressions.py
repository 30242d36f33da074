"""Maps as a Go programmer names them, wherever gdb stands and whatever its language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from go_fixtures import STOP, has_bucket_maps, mandatory, program, toolchains
from go_toolchains import Toolchain
from harness import Fails, Outcome, Session, Tries, gdb_session, run_aborting
from test_bad_input import assert_clear
from truth import ENTRIES_HEADER, OCCUPANCY_HEADER, first_line, read_csv

every_go = pytest.mark.parametrize("go", toolchains(), ids=lambda go: go.name)
main_gos = pytest.mark.parametrize("go", mandatory(), ids=lambda go: go.name)

# Expression -> a key that its map holds, from fixtures/go/states/states_program.go.
GLOBALS = {
    "main.mapStringInt64": "global",
    "'main.mapStringInt64'": "global",
    "main.mapInt64": "7",
    "main.theServer.sessions": "alice",
    "'main.theServer'.sessions": "alice",
    "main.theServer.next.sessions": "carol",
    "main.theServer.shards.array[1]": "shard",
    "*main.theServer.byID": "7",
    "main.theServer.byID": "7",
    "main.serverList.array[1].sessions": "carol",
    "main.serverList.array[0].next.sessions": "carol",
}
LOCALS = {"local": "local", "'&onStack'.sessions": "local"}

NOT_OPTIMISED = ("-gcflags=-N -l",)


def dumps(folder: Path, expressions: dict[str, str]) -> list[str]:
    return [
        f"hmap-dump {expression} --entries {folder / f'{index}.csv'}"
        for index, expression in enumerate(expressions)
    ]


def check_keys(folder: Path, expressions: dict[str, str], outcomes: list[Outcome]) -> None:
    assert len(outcomes) == len(expressions)
    for index, (expression, key) in enumerate(expressions.items()):
        keys = [row["key"] for row in read_csv(folder / f"{index}.csv")]
        assert key in keys, f"{expression}: {keys}"
        assert re.search(rf"^entries +{len(keys)} in ", outcomes[index].output, re.MULTILINE)


def at_program(go: Toolchain, folder: Path, *commands: str | Fails | Tries) -> Session:
    outcomes = gdb_session(
        program(go), ["program", str(folder / "truth")], commands=[*STOP, *commands]
    )
    return Session(outcomes[2:])


@every_go
def test_globals_and_what_they_lead_to(go: Toolchain, folder: Path) -> None:
    check_keys(folder, GLOBALS, at_program(go, folder, *dumps(folder, GLOBALS)))


@main_gos
@pytest.mark.parametrize("language", ["go", "c", "c++", "asm", "minimal"])
def test_globals_in_any_language(go: Toolchain, language: str, folder: Path) -> None:
    plain = {name: key for name, key in GLOBALS.items() if "." in name and "[" not in name}
    # C takes pointers apart only by ->, as do its kin.
    if language in ("c", "c++", "minimal", "asm"):
        plain = {name: key for name, key in plain.items() if name.count(".") == 1}
    outcomes = at_program(go, folder, f"set language {language}", *dumps(folder, plain))
    check_keys(folder, plain, outcomes[1:])


@main_gos
def test_globals_in_core_whose_innermost_frame_is_assembly(
    go: Toolchain, folder: Path, kernel_cores: None
) -> None:
    truth = folder / "truth"
    core = run_aborting([program(go), "program", truth], folder, {"FIXTURE_ABORT": "1"})
    outcomes = gdb_session(
        program(go), core=core, commands=["frame", *dumps(folder, GLOBALS), "show language"]
    )
    assert re.search(r"\.s:\d+", outcomes[0].output), outcomes[0].output
    check_keys(folder, GLOBALS, outcomes[1:-1])
    assert outcomes[-1].output.startswith('The current source language is "auto;')


@main_gos
@pytest.mark.parametrize("expression", GLOBALS)
def test_first_expression_of_a_session_in_an_assembly_frame(
    go: Toolchain, expression: str, folder: Path, kernel_cores: None
) -> None:
    # Once gdb has read the symbols of main, it finds more: each expression in a gdb of its own.
    truth = folder / "truth"
    core = run_aborting([program(go), "program", truth], folder, {"FIXTURE_ABORT": "1"})
    only = {expression: GLOBALS[expression]}
    check_keys(folder, only, gdb_session(program(go), core=core, commands=dumps(folder, only)))


@every_go
@pytest.mark.parametrize("flags", [(), NOT_OPTIMISED], ids=["optimised", "not optimised"])
def test_locals_and_arguments(go: Toolchain, flags: tuple[str, ...], folder: Path) -> None:
    (folder / "argument").mkdir()
    outcomes = gdb_session(
        program(go, *flags),
        ["program", str(folder / "truth")],
        commands=[
            "break main.fixtureStopLocal",
            "run",
            *dumps(folder / "argument", {"argument": "local"}),
            "up",
            *dumps(folder, LOCALS),
        ],
    )
    check_keys(folder / "argument", {"argument": "local"}, outcomes[2:3])
    check_keys(folder, LOCALS, outcomes[4:])


@every_go
def test_nil_maps_are_one_line(go: Toolchain, folder: Path) -> None:
    occupancy, entries = folder / "occupancy.csv", folder / "entries.csv"
    files = f"--csv {occupancy} --entries {entries}"
    outcomes = at_program(
        go,
        folder,
        f"hmap-dump main.theServer.shards.array[2] {files}",
        "hmap-check main.theServer.shards.array[2]",
        Fails("hmap-dump main.theServer.next.next.sessions"),
    )
    assert "nil" in outcomes[0].output
    assert occupancy.read_text() == f"{OCCUPANCY_HEADER}\n"
    assert entries.read_text() == f"{ENTRIES_HEADER}\n"
    assert first_line(occupancy) == OCCUPANCY_HEADER
    assert outcomes[1].output == "consistent: 0 entries\nnote: the map is nil\n"
    assert_clear(outcomes[2], "main.theServer.next.next.sessions")


@main_gos
@pytest.mark.parametrize("flags", [(), NOT_OPTIMISED], ids=["optimised", "not optimised"])
def test_locals_before_they_are_set(go: Toolchain, flags: tuple[str, ...], folder: Path) -> None:
    """At the first instruction of a function its locals are what the stack held before."""
    outcomes = gdb_session(
        program(go, *flags),
        ["program", str(folder / "truth")],
        commands=[
            "break *'main.withLocals'",
            "run",
            *(Tries(f"hmap-dump {name}") for name in ("local", "empty", "onStack", "n")),
            *(Tries(f"hmap-check {name}") for name in ("local", "empty", "n")),
            "print 1+1",
        ],
    )
    for outcome in outcomes[2:-1]:
        if outcome.error is not None:
            assert_clear(outcome)
    assert re.fullmatch(r"\$\d+ = 2\n", outcomes[-1].output)


@main_gos
@pytest.mark.parametrize(
    "expression",
    [
        "main.nosuch",
        "main.theServer.nosuch",
        "main.theServer",
        "main.theServer.name",
        "main.stops",
        "main.fixtureStop",
        "main.specials",
        "main.theServer.shards",
        "main",
    ],
)
def test_what_is_no_map_is_one_clear_line(go: Toolchain, expression: str, folder: Path) -> None:
    outcomes = at_program(
        go, folder, Fails(f"hmap-dump {expression}"), Fails(f"hmap-check {expression}")
    )
    for outcome in outcomes:
        assert_clear(outcome, expression)


@main_gos
def test_program_without_debug_info_says_so(go: Toolchain, folder: Path) -> None:
    """-ldflags=-w: a global has an address and no type."""
    outcomes = gdb_session(
        program(go, "-ldflags=-w"),
        ["program", str(folder / "truth")],
        commands=[*STOP, Fails("hmap-dump main.mapStringInt64")],
    )
    assert_clear(outcomes[2], "main.mapStringInt64")


@main_gos
def test_map_being_written(go: Toolchain, folder: Path) -> None:
    """Stopped inside the runtime, in the write that starts growth: never a traceback, and said."""
    inside = "runtime.hashGrow" if has_bucket_maps(go) else "internal/runtime/maps.(*table).grow"
    outcomes = gdb_session(
        program(go),
        ["written", str(folder / "truth")],
        commands=[
            *STOP,
            f"break '{inside}'",
            "continue",
            "hmap-dump main.mapWritten",
            Tries("hmap-check main.mapWritten"),
        ],
    )
    dumped = outcomes[4].output
    assert re.search(r"^entries +\d", dumped, re.MULTILINE), dumped
    assert "writer inside" in dumped
