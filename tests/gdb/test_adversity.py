"""Full disks, readers that go away, targets that die, other threads that run, other inferiors."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import limits
from bad_input import STILL_THERE, assert_clear, assert_usable
from built import fixture_program
from harness import Fails, Tries, gdb_session

STOP = ("break fixture_stop", "run")
DYING = Path(__file__).resolve().parent / "dying.py"
PROGRAMS = Path(__file__).resolve().parent / "programs"
STATE = ("info registers", "x/64gx $sp")

FULL = (
    "hmap-dump server.sessions --csv /dev/full --json OUT/a.json",
    "hmap-dump server.sessions --entries /dev/full --json OUT/a.json",
    "hmap-dump server.sessions --csv OUT/a.csv --json /dev/full",
    "hmap-dump server.sessions --csv OUT/a.csv --plot OUT/full.svg",
    "hmap-layout server.sessions --json /dev/full",
    "hmap-list --csv /dev/full --json OUT/a.json",
    "hmap-list --csv OUT/a.csv --save /dev/full",
    "hmap-list --csv OUT/a.csv --pprof /dev/full",
    "hmap-diff OUT/saved.json --csv /dev/full --json OUT/a.json",
    "hmap-diff OUT/saved.json --csv OUT/a.csv --json /dev/full",
)


def test_full_disk(folder: Path, out: Path) -> None:
    (out / "full.svg").symlink_to("/dev/full")
    session = gdb_session(
        fixture_program("dev", "service"),
        commands=[
            *STOP,
            f"hmap-list --save {out}/saved.json",
            *(Fails(one.replace("OUT", str(out))) for one in FULL),
            STILL_THERE,
        ],
    )
    for outcome in session[3:-1]:
        assert re.fullmatch(
            r"cannot write '[^']+full[^']*': no space left on device: choose another path",
            outcome.error or "",
        ), outcome
    assert sorted(path.name for path in out.iterdir()) == ["full.svg", "saved.json"]
    assert_usable(session[-1])


@pytest.mark.parametrize("place", ["/proc", "/sys"])  # no rights help there, not even root's
def test_read_only_folder(place: str) -> None:
    session = gdb_session(
        fixture_program("dev", "service"),
        commands=[
            *STOP,
            Fails(f"hmap-dump server.sessions --csv {place}/a.csv"),
            Fails(f"hmap-list --save {place}/a.json"),
            STILL_THERE,
        ],
    )
    for outcome in session[2:4]:
        assert_clear(outcome)
        assert (outcome.error or "").startswith(f"cannot write '{place}/a."), outcome
    assert_usable(session[-1])


@pytest.mark.parametrize("option", ["--entries", "--csv"])
def test_reader_that_goes_away(option: str, out: Path) -> None:
    """As under `head -n 1`: the pipe holds less than is written."""
    fifo = out / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["head", "-n", "1", fifo], stdout=subprocess.PIPE, text=True) as reader:
        try:
            session = gdb_session(
                fixture_program("dev", "service"),
                commands=[
                    *STOP,
                    Fails(f"hmap-dump server.sessions {option} {fifo} --json {out}/a.json"),
                    STILL_THERE,
                ],
            )
            said, _ = reader.communicate(timeout=limits.WALL_SECONDS)
        finally:
            reader.kill()
    assert said.startswith("array,bucket,")
    assert session[2].error == f"cannot write '{fifo}': broken pipe: its reader has closed it"
    assert [path.name for path in out.iterdir()] == ["fifo"]
    assert_usable(session[-1])


@pytest.mark.parametrize("read", [1, 4, 12])
@pytest.mark.parametrize(
    "command",
    [
        "hmap-dump server.sessions --csv OUT/o.csv --entries OUT/e.csv --json OUT/d.json",
        "hmap-check server.sessions",
        "hmap-find server.sessions -- 1",
        "hmap-list --save OUT/list.json",
    ],
)
def test_target_that_dies_while_it_is_read(command: str, read: int, out: Path) -> None:
    (out / "o.csv").write_text("former")
    session = gdb_session(
        fixture_program("dev", "service"),
        commands=[
            *STOP,
            f"python exec(open('{DYING}').read()); die_before_read({read})",
            Tries(command.replace("OUT", str(out))),
            STILL_THERE,
            Tries("info inferiors"),
        ],
    )
    outcome = session[3]
    if outcome.error is not None:
        assert "\n" not in outcome.error and "failed inside" not in outcome.error, outcome
        assert [path.name for path in out.iterdir()] == ["o.csv"]
        assert (out / "o.csv").read_text() == "former"
    elif not command.startswith("hmap-find"):
        assert re.search("incomplete|fault|cannot|unreadable", outcome.output), outcome
    assert_usable(session[4])


def test_other_threads_run_in_non_stop_mode(compile_program: Callable[..., Path]) -> None:
    program = compile_program("crowd", (PROGRAMS / "crowd.c").read_text(), "-DMAPS=200")
    session = gdb_session(
        program,
        commands=[
            "set non-stop on",
            "break stop",
            "run",
            "thread 1",
            *STATE,
            "hmap-list --limit 1",
            'hmap-check registry "first"',
            "thread 2",
            Tries("hmap-list --limit 1"),
            Tries('hmap-dump registry "first"'),
            "thread 1",
            *STATE,
            STILL_THERE,
        ],
    )
    listed = session[6].output
    assert "200 maps hold " in listed
    assert session[7].output == "consistent: 20 entries\n"
    assert [one.output for one in session[4:6]] == [one.output for one in session[12:14]]
    for outcome in session[9:11]:
        assert "\n" not in (outcome.error or "") and "failed inside" not in (outcome.error or "")
    assert_usable(session[-1])


def test_selected_inferior_is_read_and_the_others_are_left_alone() -> None:
    session = gdb_session(
        fixture_program("dev", "service"),
        commands=[
            *STOP,
            *STATE,
            "hmap-list",
            f"add-inferior -exec {fixture_program('dev', 'wordcount')}",
            "inferior 2",
            Fails("hmap-list"),
            "run",
            "hmap-list",
            Fails("hmap-dump server.sessions"),
            "inferior 1",
            "hmap-list",
            "hmap-check server.sessions",
            *STATE,
            STILL_THERE,
        ],
    )
    assert "6 maps hold " in session[4].output
    assert "no process" in (session[7].error or "")
    assert "words" in session[9].output and "server." not in session[9].output
    assert session[12].output == session[4].output
    assert session[13].output.startswith("consistent: ")
    assert [one.output for one in session[14:16]] == [one.output for one in session[2:4]]
    assert_usable(session[-1])
