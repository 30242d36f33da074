"""The harness reports every kind of failure."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

import limits
from harness import Fails, GdbFailure, gdb_session

PROGRAM = """\
int answer = 42;
int main(void) { return answer - 42; }
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("harness")
    source = folder / "program.c"
    source.write_text(PROGRAM)
    subprocess.run(["gcc", "-g", "-O0", "-o", folder / "program", source], check=True)
    return folder / "program"


def plain(*commands: str | Fails, exe: Path | None = None, cwd: Path | None = None):
    return gdb_session(exe, commands=commands, extension=False, cwd=cwd or "/")


def test_outputs_are_told_apart_by_command(program: Path) -> None:
    first, second, third = plain("print 1+1", "echo two\\n", "print answer", exe=program)
    assert (first.output, second.output, third.output) == ("$1 = 2\n", "two\n", "$2 = 42\n")


def test_program_runs_and_its_state_is_seen(program: Path) -> None:
    result = plain("break main", "run", "print answer", exe=program)
    assert "Breakpoint 1, main ()" in result[1].output
    assert result[2].output == "$1 = 42\n"


def test_error_of_a_command_that_must_fail_is_returned() -> None:
    (outcome,) = plain(Fails("print nothing"))
    assert outcome.error == 'No symbol table is loaded.  Use the "file" command.'
    assert outcome.output == ""


def test_standard_error_is_kept_apart() -> None:
    (outcome,) = plain("python gdb.write('aside\\n', gdb.STDERR)")
    assert (outcome.output, outcome.messages) == ("", "aside\n")


def test_failing_command_fails_the_session() -> None:
    with pytest.raises(GdbFailure, match="'print nothing' failed: No symbol"):
        plain("print 1", "print nothing", "print 2")


def test_success_of_a_command_that_must_fail_fails_the_session() -> None:
    with pytest.raises(GdbFailure, match="'print 1' succeeded, and should have failed"):
        plain(Fails("print 1"))


def test_sourced_script_that_raises_fails_the_session(tmp_path: Path) -> None:
    # gdb prints the traceback and continues. Up to gdb 13 it exits 0, which is easily missed, and
    # later ones exit 1.
    script = tmp_path / "raises.py"
    script.write_text("raise ValueError('on purpose')\n")
    command = ["gdb", "-nx", "-batch", "-x", script]
    assert subprocess.run(command, capture_output=True, check=False).returncode in (0, 1)
    with pytest.raises(GdbFailure, match="raised ValueError: on purpose"):
        plain(f"source {script}", "print 1")
    with pytest.raises(GdbFailure, match="raised ValueError: on purpose"):
        plain(Fails(f"source {script}"))


@pytest.mark.parametrize("expectation", [str, Fails])
def test_command_that_raises_fails_the_session_even_where_an_error_is_due(
    tmp_path: Path, expectation: type
) -> None:
    script = tmp_path / "command.py"
    script.write_text(
        "import gdb\n"
        "class Raises(gdb.Command):\n"
        "    def __init__(self): super().__init__('raises', gdb.COMMAND_USER)\n"
        "    def invoke(self, argument, from_tty): return {}[argument]\n"
        "Raises()\n"
    )
    with pytest.raises(GdbFailure, match="'raises x' raised"):
        plain(f"source {script}", expectation("raises x"))


def test_death_of_gdb_fails_the_session() -> None:
    with pytest.raises(GdbFailure, match=r"gdb ended with status -9") as failure:
        plain(
            "print 1", "python import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "print 2"
        )
    assert "gdb ended at command 3 of 4" in str(failure.value)


def test_gdb_without_end_fails_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CPU_SECONDS", 1)
    with pytest.raises(GdbFailure, match="its limit is 1 seconds of processor time"):
        plain("while 1\nend")


def test_early_quit_fails_the_session() -> None:
    with pytest.raises(GdbFailure, match="gdb ended at command 2 of 3"):
        plain("quit", "print 1")


def test_failure_comes_with_a_line_to_paste(program: Path, tmp_path: Path) -> None:
    with pytest.raises(GdbFailure) as failure:
        plain("print answer", "print nothing", exe=program, cwd=tmp_path)
    line = str(failure.value).splitlines()[-1].strip()
    assert re.match(r"cd \S+ && gdb -nx -batch ", line)
    again = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
    assert "$1 = 42" in again.stdout
    assert 'No symbol "nothing" in current context.' in again.stderr
    assert shlex.split(line)[-1] == str(program)
