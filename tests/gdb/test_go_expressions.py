"""Go expressions for maps, in any frame and with any language of gdb."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from go_fixtures import STOP, dumps_of, has_bucket_maps, main_toolchains, on, program
from go_toolchains import Toolchain
from harness import ROOT, Fails, Outcome, Session, Tries, gdb_session, run_aborting
from test_bad_input import assert_clear
from truth import ENTRIES_HEADER, OCCUPANCY_HEADER, assert_same, read_csv

main_gos = on(main_toolchains())
both_builds = pytest.mark.parametrize(
    "flags", [(), ("-gcflags=-N -l",)], ids=["optimised", "not optimised"]
)

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
    # An address from a traceback, cast to its type.
    "((main.server*)main.theServer).sessions": "alice",
}
LANGUAGES = ("auto", "go", "c", "c++", "asm", "minimal")
# One of each kind in GLOBALS.
FIRST = (
    "main.mapStringInt64",
    "'main.theServer'.sessions",
    "*main.theServer.byID",
    "main.serverList.array[0].next.sessions",
    "((main.server*)main.theServer).sessions",
)
NO_MAPS = (
    "main.theServer.next.next.sessions",  # behind a nil pointer
    "main.nosuch",
    "nosuch",
    "main.theServer.nosuch",
    "main.theServer",
    "main.theServer.name",
    "main.stops",
    "main.fixtureStop",
    "main.specials",
    "main.theServer.shards",
    "main",
)
LOCALS = {"local": "local", "'&onStack'.sessions": "local"}


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
        program(go), [str(folder / "truth"), "program"], commands=[*STOP, *commands]
    )
    return Session(outcomes[len(STOP) :])


@main_gos
def test_globals_in_any_language(go: Toolchain, folder: Path) -> None:
    """Go expressions work with every language, and C expressions with C and its relatives."""
    commands = []
    for language in LANGUAGES:
        (folder / language).mkdir()
        commands += [f"set language {language}", *dumps(folder / language, GLOBALS)]
    outcomes = at_program(go, folder, *commands)
    step = 1 + len(GLOBALS)
    for index, language in enumerate(LANGUAGES):
        begin = index * step + 1
        check_keys(folder / language, GLOBALS, outcomes[begin : begin + len(GLOBALS)])


@pytest.fixture(scope="module")
def cores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Toolchain], Path]]:
    """A core of each toolchain's program, whose innermost frame is assembly."""
    folder = tmp_path_factory.mktemp("cores")

    @functools.cache
    def of(go: Toolchain) -> Path:
        (folder / go.name).mkdir()
        command = [program(go), folder / go.name / "truth", "program"]
        return run_aborting(command, folder / go.name, {"FIXTURE_ABORT": "1"})

    yield of
    shutil.rmtree(folder)


@main_gos
def test_globals_in_core_whose_innermost_frame_is_assembly(
    go: Toolchain, folder: Path, kernel_cores: None, cores: Callable[[Toolchain], Path]
) -> None:
    outcomes = gdb_session(
        program(go), core=cores(go), commands=["frame", *dumps(folder, GLOBALS), "show language"]
    )
    assert re.search(r"\.s:\d+", outcomes[0].output), outcomes[0].output
    check_keys(folder, GLOBALS, outcomes[1:-1])
    assert outcomes[-1].output.startswith('The current source language is "auto;')


@main_gos
@pytest.mark.parametrize("expression", FIRST)
def test_first_expression_of_a_session_in_an_assembly_frame(
    go: Toolchain,
    expression: str,
    folder: Path,
    kernel_cores: None,
    cores: Callable[[Toolchain], Path],
) -> None:
    # One gdb per expression: gdb finds more once it has read the symbols of main.
    only = {expression: GLOBALS[expression]}
    check_keys(folder, only, gdb_session(program(go), core=cores(go), commands=dumps(folder, only)))


@main_gos
@both_builds
def test_locals_and_arguments(go: Toolchain, flags: tuple[str, ...], folder: Path) -> None:
    """Also before they are set: at its first instruction a function's locals are what the stack
    contained before."""
    (folder / "argument").mkdir()
    unset = [
        *(Tries(f"hmap-dump {name}") for name in ("local", "empty", "onStack", "n")),
        *(Tries(f"hmap-check {name}") for name in ("local", "empty", "n")),
    ]
    outcomes = gdb_session(
        program(go, *flags),
        [str(folder / "truth"), "program"],
        commands=[
            "tbreak *'main.withLocals'",  # temporary: Go restarts a function
            "run",
            *unset,
            "break main.fixtureStopLocal",
            "continue",
            *dumps(folder / "argument", {"argument": "local"}),
            "up",
            *dumps(folder, LOCALS),
        ],
    )
    for outcome in outcomes[2 : 2 + len(unset)]:
        if outcome.error is not None:
            assert_clear(outcome)
    inside = outcomes[2 + len(unset) + 2 :]
    check_keys(folder / "argument", {"argument": "local"}, inside[:1])
    check_keys(folder, LOCALS, inside[2:])


@main_gos
def test_nil_maps_and_what_is_no_map_are_one_line(go: Toolchain, folder: Path) -> None:
    occupancy, entries = folder / "occupancy.csv", folder / "entries.csv"
    nil = "main.theServer.shards.array[2]"
    outcomes = at_program(
        go,
        folder,
        f"hmap-dump {nil} --csv {occupancy} --entries {entries}",
        f"hmap-check {nil}",
        *(
            Fails(f"{command} {expression}")
            for expression in NO_MAPS
            for command in ("hmap-dump", "hmap-check")
        ),
        Fails("hmap-dump --type map[string]nosuch 0x1234"),
        Fails("hmap-dump main.mapInt64.B"),
    )
    assert "nil" in outcomes[0].output
    assert occupancy.read_text() == f"{OCCUPANCY_HEADER}\n"
    assert entries.read_text() == f"{ENTRIES_HEADER}\n"
    assert outcomes[1].output == "consistent: 0 entries\nnote: the map is nil\n"
    for index, outcome in enumerate(outcomes[2 : 2 + 2 * len(NO_MAPS)]):
        assert_clear(outcome, NO_MAPS[index // 2])
    assert_clear(outcomes[-2], "map[string]nosuch")
    assert_clear(outcomes[-1], "main.mapInt64.B")
    assert "syntax error" not in (outcomes[-1].error or "")


@main_gos
def test_program_without_debug_info_says_so(go: Toolchain, folder: Path) -> None:
    """-ldflags=-w: a global has an address and no type."""
    outcomes = gdb_session(
        program(go, "-ldflags=-w"),
        [str(folder / "truth"), "program"],
        commands=[*STOP, Fails("hmap-dump main.mapStringInt64")],
    )
    assert_clear(outcomes[2], "main.mapStringInt64")
    assert "-ldflags=-w" in (outcomes[2].error or "")


@main_gos
def test_stripped_program_is_read_by_its_layout_file(go: Toolchain, folder: Path) -> None:
    exe, layout, stripped = program(go), folder / "layout.json", folder / "stripped"
    hmap_layout = ROOT / "build" / "dev" / "libhmap" / "layout" / "hmap-layout"
    subprocess.run([hmap_layout, exe, "--json", layout], check=True)
    subprocess.run(["strip", "-o", stripped, exe], check=True)
    names = subprocess.run(["nm", exe], check=True, capture_output=True, text=True).stdout
    stop = re.search(r"^([0-9a-f]+) . main\.fixtureStop$", names, re.MULTILINE)
    assert stop
    outcomes = gdb_session(
        stripped,
        [str(folder / "truth"), "program", "many", "sync_amended"],
        commands=[
            f"hmap-layout load {layout}",
            f"break *0x{stop[1]}",
            "run",
            *(one.dump for one in dumps_of(go, folder, ("many", "sync_amended"))),
            "hmap-check main.theServer.sessions",
        ],
    )
    for one in dumps_of(go, folder, ("many", "sync_amended")):
        assert_same(one.view / "entries.csv", one.truth / "entries.csv")
        assert_same(one.view / "occupancy.csv", one.truth / "occupancy.csv")
    assert outcomes[-1].output == "consistent: 2 entries\n"


@main_gos
def test_map_being_written(go: Toolchain, folder: Path) -> None:
    """Stopped in the runtime, in the write that starts growth: reported, without a traceback."""
    inside = "runtime.hashGrow" if has_bucket_maps(go) else "internal/runtime/maps.(*table).grow"
    outcomes = gdb_session(
        program(go),
        [str(folder / "truth"), "written"],
        commands=[
            *STOP,
            "delete",  # otherwise the thread that continues stops there again
            f"break '{inside}'",
            "continue",
            "hmap-dump main.mapWritten",
            Tries("hmap-check main.mapWritten"),
        ],
    )
    dumped = outcomes[-2].output
    assert re.search(r"^entries +\d", dumped, re.MULTILINE), dumped
    assert "writer inside" in dumped
