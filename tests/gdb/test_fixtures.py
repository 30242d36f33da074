"""gdb's files about a map equal the program's ground truth, byte by byte, and hmap-check agrees
with hmap_check().

Each state of fixtures/c/states, live, through gdbserver, from gdb's core and from the kernel's.
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable

import pytest

from built import CHUNK, fixture_program, states_of
from harness import Outcome, gdb_session, kernel_core_obstacle, run_aborting
from truth import Dumped, check_verdict, maps_of, read_csv

# Stopped in the middle of evacuate(): the only state in which the map is not valid.
TORN = "evacuation_interrupted"

LIVE, CORE, KERNEL, REMOTE = "live", "gdb.core", "kernel.core", "gdbserver"
Examined = dict[str, list[tuple[Dumped, Outcome, Outcome]]]  # outcomes of hmap-dump, hmap-check


def commands_for(maps: list[Dumped]) -> list[str]:
    return [text for one in maps for text in (one.command, f"hmap-check {one.expression}")]


@pytest.fixture(scope="session")
def examined(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Examined]:
    """The outcomes for a state in a build. One gdb examines a chunk of states, in all ways."""
    states = states_of("dev")

    @functools.cache
    def chunk(build: str, number: int) -> dict[str, Examined]:
        root = tmp_path_factory.mktemp("states")
        exe = fixture_program(build, "states")
        commands = ["break fixture_stop"]
        places: list[tuple[str, str, list[Dumped], int]] = []
        for state in states[number * CHUNK :][:CHUNK]:
            folder = root / state
            folder.mkdir()
            truth, core = folder / "truth", folder / CORE
            live, dead = (
                [Dumped("fixture_map", truth, folder / place)] for place in (LIVE, "dead")
            )
            commands += [f"set args {state} {truth}", "run"]
            places.append((state, LIVE, live, len(commands)))
            commands += [*commands_for(live), f"generate-core-file {core}", "kill"]
            commands.append(f"core-file {core}")
            places.append((state, CORE, dead, len(commands)))
            commands += commands_for(dead)
            if kernel_core_obstacle() is None:
                told = folder / "kernel"
                file = run_aborting([exe, state, told], folder, {"FIXTURE_ABORT": "1"})
                maps = maps_of(told, folder / KERNEL)
                commands.append(f"core-file {file}")
                places.append((state, KERNEL, maps, len(commands)))
                commands += commands_for(maps)
            commands.append("core-file")
            if build == "dev":
                remote = [Dumped("fixture_map", folder / "remote", folder / REMOTE)]
                server = f"gdbserver --once - {exe} {state} {remote[0].truth}"
                commands += [f"target remote | {server}", "continue"]
                places.append((state, REMOTE, remote, len(commands)))
                commands += [*commands_for(remote), "kill"]
        outcomes = gdb_session(exe, commands=commands)
        found: dict[str, Examined] = {}
        for state, place, maps, at in places:
            pairs = [iter(outcomes[at : at + 2 * len(maps)])] * 2
            found.setdefault(state, {})[place] = [
                (one, dump, check) for one, dump, check in zip(maps, *pairs)
            ]
        return found

    return lambda build, state: chunk(build, states.index(state) // CHUNK)[state]


@pytest.fixture
def places(state: str, build: str, examined: Callable[[str, str], Examined]) -> Examined:
    return examined(build, state)


def test_view_of_live_process_and_of_its_core_equals_the_truth(
    state: str, places: Examined
) -> None:
    for dumped, dump, check in (*places[LIVE], *places[CORE]):
        assert (read_csv(dumped.truth / "problems.csv") != []) == (state == TORN)
        dumped.check(dump)
        check_verdict(check, dumped.truth)
        shutil.rmtree(dumped.view)


def test_view_of_kernel_core_equals_the_truth(places: Examined, kernel_cores: None) -> None:
    for dumped, dump, check in places[KERNEL]:
        dumped.check(dump)
        check_verdict(check, dumped.truth)
        shutil.rmtree(dumped.view)


def test_view_through_gdbserver_equals_the_truth(
    state: str, examined: Callable[[str, str], Examined]
) -> None:
    for dumped, dump, check in examined("dev", state)[REMOTE]:
        dumped.check(dump)
        check_verdict(check, dumped.truth)
        shutil.rmtree(dumped.view)
