"""What `source gdb/hmap.py` changes, and what it does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness import ROOT, Fails, Tries, gdb_session

LOADED = "python import sys; print(*(m for m in ('numpy', 'matplotlib') if m in sys.modules))"


def test_source_imports_neither_numpy_nor_matplotlib() -> None:
    (loaded,) = gdb_session(commands=[LOADED])
    assert loaded.output == "\n"


def test_source_says_nothing_and_works_from_any_folder(tmp_path: Path) -> None:
    sourced, helped = gdb_session(
        commands=[f"source {ROOT}/gdb/hmap.py", "help hmap-dump"], extension=False, cwd=tmp_path
    )
    assert sourced.output == sourced.messages == ""
    assert "hmap-dump" in helped.output


def test_sourcing_twice_does_no_harm() -> None:
    gdb_session(commands=["source gdb/hmap.py", "source gdb/hmap.py", "help hmap-dump"])


def test_gdbs_signals_do_not_go_to_numpys_threads() -> None:
    # A SIGCHLD that such a thread takes leaves gdb waiting for it for ever.
    masks = """python
import os, pathlib, signal
for task in pathlib.Path("/proc/self/task").iterdir():
    status = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
    blocked = int(status["SigBlk"], 16) >> (signal.SIGCHLD - 1) & 1
    print("main" if task.name == str(os.getpid()) else "thread", blocked)
end"""
    session = gdb_session(
        commands=[
            "python import os; os.environ['OPENBLAS_NUM_THREADS'] = '4'",
            Tries("hmap-dump 0"),
            LOADED,
            masks,
        ]
    )
    assert "numpy" in session[-2].output
    lines = session[-1].output.splitlines()
    assert lines.count("main 0") == 1
    assert len(lines) > 1
    assert set(lines) == {"main 0", "thread 1"}


@pytest.mark.parametrize("version", ["11.2", "12.1"])
def test_too_old_gdb_is_told_in_one_line(version: str) -> None:
    _, sourced = gdb_session(
        commands=[f"python gdb.VERSION = '{version}'", Tries("source gdb/hmap.py")], extension=False
    )
    told = sourced.output + sourced.messages + (sourced.error or "")
    assert re.fullmatch(r"hmap needs gdb 13 [^\n]*: [^\n]+\n?", told), told


def test_locale_without_letters(tmp_path: Path) -> None:
    """As in containers and under cron; what gdb shows of the settings stays as it was."""
    _, helped, failed, shown = gdb_session(
        commands=[
            f"source {ROOT}/gdb/hmap.py",
            "help hmap-dump",
            Fails("hmap-dump nosuch"),
            "show host-charset",
        ],
        extension=False,
        env={"LC_ALL": "C"},
    )
    assert "chi² p" in helped.output
    assert str(failed.error).isascii()
    assert "ANSI_X3.4-1968" in shown.output and "auto" in shown.output


def test_missing_numpy_is_told_in_one_line() -> None:
    _, failed, usable = gdb_session(
        commands=[
            "python import sys; sys.modules['numpy'] = None",
            Fails("hmap-dump fixture_map"),
            "print 1+1",
        ]
    )
    assert failed.output == failed.messages == ""
    assert re.fullmatch(r"[^\n]*numpy[^\n]*: [^\n]*python3-numpy[^\n]*", str(failed.error))
    assert usable.output == "$1 = 2\n"
