"""The processor time and peak memory of goref's and hmap's look at one core."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.tools import GDB, ROOT, CannotRun

MAX_SECONDS = 600  # of processor time, then a command is ended
MAX_BYTES = 16 << 30  # of address space

# Runs a command in a process of its own: the peak is the maximum over all children, and that of a
# child is at least its parent's.
SPENT = """
import json, resource, subprocess, sys
def limit():
    seconds, size = int(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
with open(sys.argv[1], "w") as out:
    done = subprocess.run(sys.argv[4:], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                          preexec_fn=limit)
spent = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, spent.ru_utime + spent.ru_stime, spent.ru_maxrss]))
"""


@dataclass(frozen=True)
class Spent:
    """What a command took, with the processes that it started."""

    status: int
    seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Listing:
    """A list of maps, and what it took. `failure`: why there is none."""

    spent: Spent
    rows: Sequence[Mapping[str, Any]] = ()
    cuts: Sequence[str] = ()
    failure: str = ""


def spend(
    command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None
) -> Spent:
    """Runs a command, within limits, with its output in `log`. CannotRun: it cannot be started."""
    words: list[str | Path] = [
        "/usr/bin/python3",
        "-c",
        SPENT,
        log,
        str(MAX_SECONDS),
        str(MAX_BYTES),
        *command,
    ]
    done = subprocess.run(
        words,
        env=os.environ | dict(environment or {}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CannotRun(f"'{command[0]}' failed: {done.stderr.strip().splitlines()[-1]}")
    status, seconds, kilobytes = json.loads(done.stdout)
    return Spent(status, seconds, kilobytes * 1024 / 1e6)


def gdb_spend(
    exe: Path, core: Path, commands: Sequence[str], log: Path, cache: Path | None = None
) -> Spent:
    """Runs hmap's commands in a gdb on a core. `cache`: the user's cache folder."""
    words: list[str | Path] = [*GDB, "-iex", "set width 0"]
    for command in ("source gdb/hmap.py", *commands):
        words += ["-ex", command]
    environment = {"XDG_CACHE_HOME": str(cache)} if cache else {}
    return spend([*words, exe, core], log, environment)


def list_maps(
    exe: Path, core: Path, name: str, folder: Path, cache: Path, layout: Path | None = None
) -> Listing:
    """hmap-list without a limit of rows, otherwise as people start it."""
    saved = folder / f"{name}.json"
    saved.unlink(missing_ok=True)
    log = folder / f"{name}.log"
    load = [f"hmap-layout load {layout}"] if layout else []
    commands = [*load, f"hmap-list --limit 0 --json {saved}"]
    spent = gdb_spend(exe, core, commands, log, cache)
    if not saved.exists():
        said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        why = said[-1] if said else f"status {spent.status}"
        return Listing(spent, failure=f"ended after {spent.seconds:.0f} s: {why}")
    document = json.loads(saved.read_text(encoding="utf-8"))
    return Listing(spent, document["maps"], document["cuts"])


def look_with_goref(goref: Path, exe: Path, core: Path, folder: Path) -> Spent:
    """goref's profile of the whole heap. CannotRun."""
    out, log = folder / "goref.out", folder / "goref.log"
    out.unlink(missing_ok=True)
    spent = spend([goref, "core", exe, core, "-o", out], log)
    if not out.exists():
        raise CannotRun(f"goref cannot read '{core}': see '{log}'")
    return spent
