"""Other processors: other byte orders and pointer widths than this machine's.

The fixtures of libhmap, built by Debian's cross compilers, run under qemu, and gdb-multiarch uses
qemu's gdb stub: every state and every planted fault, in one gdb per processor.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from built import fixture_program, states_of
from emulator import emulated
from harness import Tries, gdb_session
from test_faults import assert_told, commands_for, faults_of
from truth import Dumped, check_verdict

# CMake presets, and qemu's names of the processors.
PROCESSORS = {"i686": "i386", "armhf": "arm", "aarch64": "aarch64", "s390x": "s390x"}
# Slow in an emulator, and many_16 with 100,000 entries covers the same.
LEFT_OUT = {"million"}
STOP = ["break fixture_stop", "continue"]


@pytest.fixture(params=PROCESSORS)
def preset(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    tool = f"qemu-{PROCESSORS[name]}"
    if not shutil.which(tool) or not shutil.which("gdb-multiarch"):
        pytest.fail(f"no {tool} or no gdb-multiarch: scripts/setup installs them")
    return name


def test_view_equals_the_truth_of_every_state(preset: str, folder: Path) -> None:
    exe = fixture_program(preset, "states")
    states = [
        Dumped("fixture_map", folder / name, folder / f"{name}.gdb")
        for name in states_of("dev")
        if name not in LEFT_OUT
    ]
    with emulated(
        PROCESSORS[preset], [(exe, one.truth.name, one.truth) for one in states]
    ) as sockets:
        commands: list[str | Tries] = []
        for one, path in zip(states, sockets):
            check = "hmap-check fixture_map"
            commands += [f"target remote {path}", *STOP, one.command, check, "kill"]
        outcomes = gdb_session(exe, commands=commands, gdb="gdb-multiarch")
    for one, start in zip(states, range(0, len(commands), 6)):
        one.check(outcomes[start + 3])
        check_verdict(outcomes[start + 4], one.truth)


def test_every_fault_is_named(preset: str, folder: Path) -> None:
    exe = fixture_program(preset, "faults")
    faults = faults_of("dev")
    for name in faults:
        (folder / name).mkdir()
    with emulated(PROCESSORS[preset], [(exe, name, folder / name) for name in faults]) as sockets:
        commands: list[str | Tries] = []
        for name, path in zip(faults, sockets):
            view = commands_for(folder / name / "view")
            commands += [f"target remote {path}", *STOP, *view, "kill"]
        outcomes = gdb_session(exe, commands=commands, gdb="gdb-multiarch")
    for name, start in zip(faults, range(0, len(commands), 6)):
        truth = folder / name
        assert_told(name, outcomes[start + 3 : start + 5], truth, truth / "view")
