"""Other processors: byte orders and pointer widths that are not this machine's.

The fixtures of libhmap, built by Debian's cross compilers, run under qemu's emulation of a program,
and gdb-multiarch asks qemu's gdb stub: every state and every planted fault, in one gdb a processor.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from conftest import fixture_program, states_of
from harness import Tries, clean_environment, gdb_session
from test_faults import assert_told, commands_for, faults_of
from truth import Dumped, check_verdict

# The CMake preset, and qemu's name for the processor.
PROCESSORS = {"i686": "i386", "armhf": "arm", "aarch64": "aarch64", "s390x": "s390x"}
# A million entries tell nothing that many_16's hundred thousand do not, and take an emulator long.
LEFT_OUT = {"million"}
STOP = ["break fixture_stop", "continue"]


@pytest.fixture(params=PROCESSORS)
def preset(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    tool = f"qemu-{PROCESSORS[name]}"
    if not shutil.which(tool) or not shutil.which("gdb-multiarch"):
        pytest.fail(f"no {tool} or no gdb-multiarch: scripts/setup installs them")
    return name


@contextlib.contextmanager
def emulated(preset: str, runs: Sequence[Sequence[str | Path]]) -> Iterator[list[Path]]:
    """Starts a program for each command line; each waits at its socket for gdb to begin."""
    with contextlib.ExitStack() as stack:
        # Not in the test's own folder: the path of a socket has little room.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hmap-")))
        sockets = [folder / str(number) for number in range(len(runs))]
        for path, run in zip(sockets, runs):
            process = subprocess.Popen(
                [f"qemu-{PROCESSORS[preset]}", "-g", path, *run],
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            while not path.exists():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    pytest.fail(f"qemu ended with {process.wait(0.01)} before gdb came")
        yield sockets


def test_view_equals_the_truth_of_every_state(preset: str, folder: Path) -> None:
    exe = fixture_program(preset, "states")
    states = [
        Dumped("fixture_map", folder / name, folder / f"{name}.gdb")
        for name in states_of("dev")
        if name not in LEFT_OUT
    ]
    with emulated(preset, [(exe, one.truth.name, one.truth) for one in states]) as sockets:
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
    with emulated(preset, [(exe, name, folder / name) for name in faults]) as sockets:
        commands: list[str | Tries] = []
        for name, path in zip(faults, sockets):
            view = commands_for(folder / name / "view")
            commands += [f"target remote {path}", *STOP, *view, "kill"]
        outcomes = gdb_session(exe, commands=commands, gdb="gdb-multiarch")
    for name, start in zip(faults, range(0, len(commands), 6)):
        truth = folder / name
        assert_told(name, outcomes[start + 3 : start + 5], truth, truth / "view")
