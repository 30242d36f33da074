"""hmap-cores without gdb: command line and progress."""

from __future__ import annotations

import io
import re

import pytest

from hmapdbg.cores.command_line import MOST, TIMEOUT, parse
from hmapdbg.cores.job import MapResult
from hmapdbg.cores.match import Program
from hmapdbg.cores.run import Core, CoreResult, Options, Runner
from hmapdbg.cores.teller import Teller
from hmapdbg.target.core_file import BuildIds

FIRST, SECOND, THIRD = (Core(f"/{name}", name, name) for name in ("a", "b", "c"))


class Terminal(io.StringIO):
    """A standard error that is a terminal."""

    def isatty(self) -> bool:
        return True


def runner() -> Runner:
    return Runner(Options(Program("/bin/server", BuildIds()), "/out"))


def result(core: Core, entries: int = 3) -> CoreResult:
    return CoreResult(core, [MapResult("m", "m", entries=entries)])


# ---- the command line


def test_what_is_not_asked_for_is_as_the_help_says() -> None:
    asked = parse(["EXE", "CORE"])
    assert (asked.program, asked.cores, asked.output) == ("EXE", ["CORE"], "hmap-cores.out")
    assert (asked.map, asked.most, asked.timeout, asked.gdb) == ([], MOST, TIMEOUT, "gdb")
    assert asked.jobs >= 1
    assert not (asked.diff or asked.html or asked.no_entries or asked.no_plots or asked.any_build)


def test_options_stand_anywhere_and_verdicts_are_added_up() -> None:
    words = ["--fail-on", "skewed,writer-inside", "EXE", "--map", "a", "x", "--map", "b", "y"]
    asked = parse([*words, "--fail-on", "pinned"])
    assert asked.fail_on == ["skewed", "writer inside", "pinned"]
    assert (asked.map, asked.cores) == (["a", "b"], ["x", "y"])


def test_what_stands_behind_two_dashes_is_a_file() -> None:
    asked = parse(["--html", "--", "-exe", "a", "--diff"])
    assert (asked.program, asked.cores) == ("./-exe", ["a", "./--diff"])
    assert asked.html and not asked.diff


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["EXE"], "required: CORE"),
        (["-j", "0", "EXE", "CORE"], "must be at least 1"),
        (["--most", "-3", "EXE", "CORE"], "argument --most: '-3' is not a number"),
        (["--timeout", "inf", "EXE", "CORE"], "'inf' is not a number of seconds"),
        (["--fail-on", "ill", "EXE", "CORE"], "no verdict 'ill': use one of full, "),
    ],
)
def test_a_mistake_is_one_line(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(words)
    assert ended.value.code == 3
    error = capsys.readouterr().err
    assert error.startswith("hmap-cores: ") and error.count("\n") == 1
    assert expected in error


# ---- output


def test_cores_are_told_in_the_order_of_the_command_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Teller([FIRST, SECOND, THIRD], runner(), []) as teller:
        teller.tell(result(SECOND))
        assert capsys.readouterr().out == ""
        teller.tell(result(FIRST))
        assert [line[0] for line in capsys.readouterr().out.splitlines()] == ["a", " ", "b", " "]
        teller.tell(CoreResult(THIRD, troubles=["an empty file"]))
    captured = capsys.readouterr()
    assert captured.out == "c: an empty file\n"
    assert captured.err == ""  # no progress if it is not a terminal


def test_progress_on_a_terminal_is_wiped_at_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    at_work = runner()
    at_work.running["a"] = 0.0
    with Teller([FIRST], at_work, []) as teller:
        teller.tick()
        teller.tell(result(FIRST))
    said = terminal.getvalue()
    assert re.match(r"\r\x1b\[K0 of 1 cores done, \d+ s; now: a", said)
    assert said.endswith("\r\x1b[K")
    assert capsys.readouterr().out.startswith("a: 1 map\n")
