"""Runs gdb for tests, and reports every failure.

`gdb -batch` exits 0 when a script raises, when a command in the middle fails, and when Python
prints a traceback. So each session runs under a driver in gdb (harness_driver.py) that reports the
result of every command. A session fails unless each command ends as the test expects.

    >>> result = gdb_session("program", ["arg"], commands=["break f", "run", Fails("print none")])
    >>> result[0].output
    'Breakpoint 1 at 0x1139: file program.c, line 3.\n'
    >>> result[2].error
    'No symbol "none" in current context.'
"""

from __future__ import annotations

import json
import os
import re
import resource
import shlex
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import limits

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = "source gdb/hmap.py"
DRIVER = Path(__file__).resolve().parent / "harness_driver.py"

GDB_OPTIONS = ("-nx", "-batch")
GDB_SETTINGS = (
    "set confirm off",
    "set height 0",
    "set width 0",
    "set debuginfod enabled off",
    "set auto-load off",
    "set startup-with-shell off",
    "set sysroot /",  # else gdb fetches every library through the remote protocol
    "set python print-stack full",
)

# Environment variables that could change a session.
ENVIRONMENT_DROPPED = re.compile(r"^(PYTHON|DEBUGINFOD|PYENV|LC_|LANG|MPL|LINES$|COLUMNS$|HMAP)")

TRACEBACK = re.compile(r"^(Python Exception |Traceback \(most recent call last\))", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Fails:
    """A command that must end with an error."""

    command: str


@dataclass(frozen=True, slots=True)
class Tries:
    """A command that may end with an error, but without a traceback."""

    command: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one command of a session."""

    command: str
    output: str  # on standard output, including the program's
    messages: str  # on standard error, excluding the error itself
    error: str | None  # as a user would read it; None: the command succeeded
    uncaught: tuple[str, ...] = ()  # exceptions that gdb printed and ignored


class GdbFailure(AssertionError):
    """A session with an unexpected result; with its transcript and a command line to paste."""


class Session(list[Outcome]):
    """The outcomes of a session's commands, in order."""

    @property
    def errors(self) -> list[str]:
        """The errors of all commands that had one."""
        return [outcome.error for outcome in self if outcome.error is not None]


def gdb_session(
    exe: Path | str | None = None,
    args: Sequence[str] = (),
    *,
    commands: Sequence[str | Fails | Tries],
    core: Path | str | None = None,
    cwd: Path | str = ROOT,
    env: Mapping[str, str] | None = None,
    extension: bool = True,
    gdb: str = "gdb",
) -> Session:
    """Runs the commands in one gdb and returns an outcome for each.

    `extension` sources gdb/hmap.py first. GdbFailure if a plain command fails, if one wrapped in
    Fails does not, if Python printed a traceback, or if gdb itself ended badly.
    """
    __tracebackhide__ = True  # the text of the failure is enough
    texts = [item if isinstance(item, str) else item.command for item in commands]
    prelude = [f"cd {cwd}"]
    if extension:
        prelude = [f"cd {ROOT}", EXTENSION, f"cd {cwd}"]
    target = [str(exe)] if exe is not None else []
    if core is not None:
        target += ["-c", str(core)]
    elif args:
        target = ["--args", *target, *args]
    settings = [word for setting in GDB_SETTINGS for word in ("-iex", setting)]
    pasteable = shlex.join(
        [gdb, *GDB_OPTIONS, *settings]
        + [word for text in [*prelude, *texts] for word in ("-ex", text)]
        + target
    )
    if env:
        pasteable = (
            " ".join(f"{key}={shlex.quote(text)}" for key, text in env.items()) + f" {pasteable}"
        )

    with tempfile.TemporaryDirectory(prefix="hmap-gdb-") as scratch:
        job = Path(scratch) / "job.json"
        report = Path(scratch) / "report.jsonl"
        mark = f"\x1e{uuid.uuid4().hex}:"
        job.write_text(
            json.dumps({"commands": prelude + texts, "mark": mark, "report": str(report)}),
            encoding="utf-8",
        )
        environment = clean_environment() | dict(env or {}) | {"HMAP_GDB_JOB": str(job)}
        # Not by -x: a script sourced by it would see that script's __file__.
        driver = f"python import runpy; runpy.run_path({str(DRIVER)!r})"
        command_line = [gdb, *GDB_OPTIONS, *settings, "-ex", driver, *target]
        out, err, problem = _run(command_line, environment)
        lines = report.read_text(encoding="utf-8").splitlines() if report.exists() else []

    outputs, messages = _split(out, mark), _split(err, mark)
    outcomes = Session()
    for index, (text, line) in enumerate(zip(prelude + texts, lines, strict=False)):
        ending = json.loads(line)
        outcomes.append(
            Outcome(
                text,
                outputs.get(index, ""),
                messages.get(index, ""),
                ending["error"],
                tuple(ending["uncaught"]),
            )
        )

    problems = [problem] if problem else []
    expected = [str] * len(prelude) + [type(item) for item in commands]
    if len(outcomes) < len(expected):
        problems.append(f"gdb ended at command {len(outcomes) + 1} of {len(expected)}")
    for outcome, kind in zip(outcomes, expected, strict=False):
        problems += _judge(outcome, kind)
    if problems:
        # gdb's output before the first command, and in one that ended gdb.
        before, last = (outputs.get(i, "") + messages.get(i, "") for i in (-1, len(outcomes)))
        raise GdbFailure(_tell(problems, before, outcomes, last, pasteable))
    return Session(outcomes[len(prelude) :])


def clean_environment() -> dict[str, str]:
    """This process's environment without variables that could change a session's output."""
    kept = {name: text for name, text in os.environ.items() if not ENVIRONMENT_DROPPED.match(name)}
    return kept | {"LC_ALL": "C.UTF-8", "TERM": "dumb"}


def run_aborting(command: Sequence[str | Path], cwd: Path, env: Mapping[str, str]) -> Path:
    """Runs a program that aborts and returns the core that the kernel wrote for it."""
    assert kernel_core_obstacle() is None
    before = set(cwd.iterdir())

    def allow_core() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    done = limits.run(
        command,
        before=allow_core,
        cwd=cwd,
        env=clean_environment() | dict(env),
        capture_output=True,
    )
    if done.returncode != -signal.SIGABRT:
        line = shlex.join(map(str, command))
        raise GdbFailure(f"'{line}' ended with {done.returncode}, not by SIGABRT\n{done.stderr}")
    stem = core_pattern().split("%")[0]
    cores = [path for path in set(cwd.iterdir()) - before if path.name.startswith(stem or "core")]
    assert len(cores) == 1, f"expected one core in '{cwd}', found {cores}"
    return cores[0]


def core_pattern() -> str:
    """The kernel's pattern for the names of cores, see core(5)."""
    return Path("/proc/sys/kernel/core_pattern").read_text(encoding="utf-8").strip()


def kernel_core_obstacle() -> str | None:
    """Why the kernel writes no core in a program's folder; None: it does."""
    pattern = core_pattern()
    if pattern.startswith("|"):
        return "core_pattern is a pipe"
    if "/" in pattern:
        return f"core_pattern '{pattern}' names a folder"
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if hard != resource.RLIM_INFINITY and os.geteuid() != 0:
        return f"the hard limit on the size of cores is {hard} bytes"
    return None


def _run(command_line: list[str], environment: dict[str, str]) -> tuple[str, str, str | None]:
    """Standard output, standard error, and how gdb failed, if it did."""
    with subprocess.Popen(
        command_line,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=limits.limit_cpu,
    ) as process:
        problem = None
        try:
            out, err = process.communicate(timeout=limits.WALL_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            problem = f"gdb did not end within {limits.WALL_SECONDS} seconds"
        if problem is None and process.returncode != 0:
            problem = f"gdb ended with status {process.returncode}"
            if process.returncode == -signal.SIGKILL:
                problem += f"; its limit is {limits.CPU_SECONDS} seconds of processor time"
    return out.decode(errors="backslashreplace"), err.decode(errors="backslashreplace"), problem


def _split(stream: str, mark: str) -> dict[int, str]:
    """The text after each mark; -1: before the first."""
    first, *rest = stream.split(mark)
    parts = {-1: first}
    for part in rest:
        number, _, text = part.partition("\n")
        parts[int(number)] = text
    return parts


def _judge(outcome: Outcome, kind: type) -> list[str]:
    """What is wrong with the result of a command."""
    problems = []
    if outcome.uncaught:
        problems.append(f"'{outcome.command}' raised {'; '.join(outcome.uncaught)}")
    elif TRACEBACK.search(outcome.messages) or TRACEBACK.search(outcome.output):
        problems.append(f"'{outcome.command}' printed a Python traceback")
    elif outcome.error is not None and "Error occurred in Python" in outcome.error:
        problems.append(f"'{outcome.command}' raised inside Python: {outcome.error}")
    elif kind is Fails and outcome.error is None:
        problems.append(f"'{outcome.command}' succeeded, and should have failed")
    elif kind is str and outcome.error is not None:
        problems.append(f"'{outcome.command}' failed: {outcome.error}")
    return problems


def _tell(problems: list[str], before: str, outcomes: Session, last: str, pasteable: str) -> str:
    """The text of a GdbFailure."""
    lines = [*problems, "", "transcript:", *before.splitlines()]
    for outcome in outcomes:
        lines.append(f"(gdb) {outcome.command}")
        lines += (outcome.output + outcome.messages + (outcome.error or "")).splitlines()
    lines += last.splitlines()
    lines += ["", "to run it by hand:", f"  cd {ROOT} && {pasteable}"]
    return "\n".join(lines)
