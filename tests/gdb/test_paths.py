"""Each path that hmap-list prints opens exactly the map of its row: in all states of all fixtures,
live and from a core. The other tests of lists check the same of theirs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from built import CHUNK, fixture_program, states_of
from go_fixtures import MILLION
from go_fixtures import STOP as GO_STOP
from go_fixtures import expressions, main_toolchains, on, program
from go_toolchains import Toolchain
from harness import gdb_session
from listings import list_maps, listed, listed_live_and_in_core
from test_cpp_fixtures import AT_STOP, cpp_program
from test_cpp_fixtures import states_of as cpp_states_of

STARTS = range(0, len(states_of("dev")), CHUNK)


@pytest.mark.parametrize("start", STARTS)
def test_states_of_libhmap(folder: Path, start: int) -> None:
    states = states_of("dev")[start : start + CHUNK]
    commands = ["break fixture_stop"]
    for state in states:
        core = folder / f"{state}.core"
        commands += [f"set args {state} {folder / state}", "run", *list_maps(folder / f"{state}.l")]
        commands += [f"generate-core-file {core}", "kill", f"core-file {core}"]
        commands += [*list_maps(folder / f"{state}.d"), "core-file"]
    gdb_session(fixture_program("dev", "states"), commands=commands)
    for state in states:
        rows = listed(folder / f"{state}.l")
        assert rows and rows == listed(folder / f"{state}.d"), state


@pytest.mark.parametrize("name", ["states_cpp", "states_cpp_checked"])
def test_states_of_cpp(folder: Path, name: str) -> None:
    exe = cpp_program("dev", name)
    states = [one.name for one in cpp_states_of(exe) if not one.is_large]
    args = [str(folder), *states]
    rows, _, _ = listed_live_and_in_core(exe, folder, AT_STOP, args)
    assert len(rows) >= len(states) - 2  # a pointer and a reference lead to maps of others


@pytest.mark.parametrize("name", ["states_cpp", "states_cpp_checked"])
def test_large_states_of_cpp(folder: Path, name: str) -> None:
    exe = cpp_program("dev", name)
    states = [one.name for one in cpp_states_of(exe) if one.is_large]
    assert states
    for state in states:
        rows, _, _ = listed_live_and_in_core(exe, folder, AT_STOP, [str(folder), state])
        assert any(row["entries"] >= 1_000_000 for row in rows), state
        _remove_contents(folder)


@on(main_toolchains())
def test_states_of_go(folder: Path, go: Toolchain) -> None:
    states = [name for name in expressions(go) if name != MILLION]
    args = [str(folder), *states]
    rows, _, _ = listed_live_and_in_core(program(go), folder, GO_STOP, args)
    assert len(rows) >= len(states) // 2


@on(main_toolchains())
def test_large_state_of_go(folder: Path, go: Toolchain) -> None:
    rows, _, _ = listed_live_and_in_core(program(go), folder, GO_STOP, [str(folder), MILLION])
    assert any(row["entries"] >= 1_000_000 for row in rows)
    _remove_contents(folder)


def _remove_contents(folder: Path) -> None:
    """A core and the truth of a million entries are 100 MB."""
    shutil.rmtree(folder)
    folder.mkdir()
