"""What all benchmarks share: running commands, building, gdb with timed commands."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
GDB = ("gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-iex", "set auto-load off")

# In gdb: runs commands one by one, and reports for each its processor time in seconds, and that of
# gdb as a whole when the command ended.
TIMED = """
import gdb, json, os, resource
def spent():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
results = []
for command in json.loads(os.environ["HMAP_BENCH"]):
    before = spent()
    output = gdb.execute(command, to_string=True)
    results.append({"seconds": spent() - before, "so_far": spent(), "output": output})
with open(os.environ["HMAP_BENCH_RESULTS"], "w") as file:
    json.dump(results, file)
"""


class CannotRun(Exception):
    """Something that a benchmark needs is missing, or failed."""


@dataclass(frozen=True)
class Timing:
    """The processor time of a gdb command, in seconds."""

    seconds: float
    so_far: float  # of gdb, from its start to the command's end
    output: str


def build(target: str) -> Path:
    """Builds a program of the optimised build, given by its path there; returns its path."""
    commands = (
        ["cmake", "--preset", "release", "-DHMAP_BUILD_FIXTURES=ON"],
        ["cmake", "--build", "--preset", "release", "--target", Path(target).name],
    )
    for command in commands:
        run(command, cwd=ROOT)
    return ROOT / "build" / "release" / target


def run(command: Sequence[str | Path], **more: Any) -> str:
    """Runs a command and returns what it prints. CannotRun."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, **more
    )
    if done.returncode != 0:
        raise CannotRun(f"'{' '.join(map(str, command))}' failed:\n{done.stdout}{done.stderr}")
    return str(done.stdout)


def build_go(package: str, folder: Path) -> Path:
    """Builds a Go program with the newest installed toolchain. CannotRun."""
    if not shutil.which("go"):
        raise CannotRun("cannot find 'go': scripts/setup installs it")
    exe = ROOT / "build" / "bench" / package.rpartition("/")[2]
    exe.parent.mkdir(parents=True, exist_ok=True)
    run(["go", "build", "-o", exe, package], cwd=folder, env=os.environ | {"GOFLAGS": ""})
    return exe


def core_of(exe: Path, arguments: Sequence[str | Path], stop: str, folder: str) -> Path:
    """Takes a core of the program at the breakpoint `stop`. CannotRun."""
    core = Path(folder, "core")
    words = [*GDB, "-ex", f"break {stop}", "-ex", "run", "-ex", f"generate-core-file {core}"]
    run([*words, "-ex", "kill", "--args", exe, *arguments], stdin=subprocess.DEVNULL)
    if not core.exists():
        raise CannotRun(f"gdb could not take a core of '{exe.name}'")
    return core


def in_gdb(
    exe: Path,
    arguments: Sequence[str],
    commands: Sequence[str],
    core: Path | None = None,
) -> list[Timing]:
    """Starts gdb on a program, or on its core, and runs and times each command. CannotRun."""
    target = ["--args", str(exe), *arguments] if core is None else [str(exe), "-c", str(core)]
    with tempfile.TemporaryDirectory(prefix="hmap-bench-") as folder:
        results = Path(folder) / "results.json"
        script = Path(folder) / "timed.py"
        script.write_text(TIMED, encoding="utf-8")
        environment = {"HMAP_BENCH": json.dumps(commands), "HMAP_BENCH_RESULTS": str(results)}
        done = subprocess.run(
            [*GDB, "-ex", f"source {script}", *target],
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if not results.exists():
            raise CannotRun(f"gdb failed:\n{done.stdout}{done.stderr}")
        return [Timing(**one) for one in json.loads(results.read_text(encoding="utf-8"))]


def met(what: str, holds: bool) -> bool:
    print(f"  {what}: {'met' if holds else 'NOT MET'}")
    return holds
