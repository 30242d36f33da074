"""Shared by the tests of hmap-cores: cores, ways to damage them, and runs of the script."""

from __future__ import annotations

import csv
import os
import shlex
import signal
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import limits

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "hmap-cores"
BUILDS = ("dev", "release", "clang")

PT_LOAD, PT_NOTE = 1, 4


def fixture_program(name: str, language: str = "c") -> Path:
    """A fixture of the first build that has it."""
    for build in BUILDS:
        path = ROOT / "build" / build / "fixtures" / language / name
        if path.exists():
            return path
    raise pytest.UsageError(
        f"no fixture '{name}': cmake --preset dev && cmake --build --preset dev"
    )


@dataclass(frozen=True)
class Cores:
    """Cores of fixtures/c/service.c, and one of another program."""

    program: Path
    evening: Path  # its six maps, each with a different problem
    early: Path  # before any map is created
    filtered: Path  # of the same, but without its memory
    truth: Path  # the ground truth about its maps, a folder per map
    other: Path  # of another program


def take_cores(program: Path, arguments: Sequence[str | Path], *commands: str) -> None:
    """Runs a program under gdb with commands, some of which take cores."""
    line = ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off"]
    line += ["-iex", "set auto-load off", "-iex", "set startup-with-shell off"]
    line += [word for command in commands for word in ("-ex", command)]
    line += ["--args", str(program), *map(str, arguments)]
    done = limits.run(line, stdin=subprocess.DEVNULL, capture_output=True)
    assert done.stdout.count("Saved corefile") == sum("core-file" in one for one in commands), (
        shlex.join(line) + done.stdout + done.stderr
    )


@dataclass(frozen=True)
class Run:
    """The result of a run of hmap-cores."""

    status: int
    output: str
    messages: str
    folder: Path

    @property
    def rows(self) -> list[dict[str, str]]:
        """summary.csv."""
        with open(self.folder / "summary.csv", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def of(self, core: str) -> list[dict[str, str]]:
        """The rows of summary.csv about the core with that file name."""
        return [row for row in self.rows if os.path.basename(row["core"]) == core]

    def detail_of(self, core: str) -> str:
        """The one row about a core that could not be examined, and its one line of output."""
        (row,) = self.of(core)
        assert row["status"] == "unreadable" and row["map"] == "", row
        lines = [line for line in self.output.splitlines() if f"/{core}: " in line]
        assert lines == [f"{row['core']}: {row['detail']}"], self.output
        return row["detail"]


INTERRUPTING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def started(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """A process to send signals to, with pipes; `environment`: what is added to the clean one."""
    return subprocess.Popen(
        command,
        env=clean_environment(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts background jobs with interrupts ignored.
        preexec_fn=lambda: [signal.signal(one, signal.SIG_DFL) for one in INTERRUPTING],
    )


def command_of(*arguments: str | Path, output: Path) -> list[str]:
    return [str(SCRIPT), "-o", str(output), *map(str, arguments)]


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a run."""
    return {
        **os.environ,
        "LC_ALL": "C.UTF-8",
        "PATH": f"/usr/bin:/bin:{os.environ['PATH']}",
        "PYTHONDONTWRITEBYTECODE": "1",
        **(extra or {}),
    }


def hmap_cores(
    *arguments: str | Path, output: Path, environment: Mapping[str, str] | None = None
) -> Run:
    """Runs scripts/hmap-cores; no traceback, no debris."""
    done = limits.run(
        command_of(*arguments, output=output),
        env=clean_environment(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    if output.is_dir():
        assert not [path for path in output.iterdir() if path.name.startswith(".")]
    return Run(done.returncode, done.stdout, done.stderr, output)


# ---- ways to damage a core -----------------------------------------------------------------------


@dataclass(frozen=True)
class Segment:
    """A program header of a 64-bit little-endian core."""

    at: int  # file offset of the header
    kind: int
    offset: int
    addr: int
    in_file: int


def iter_segments(core: bytes) -> Iterator[Segment]:
    (phoff,) = struct.unpack_from("<Q", core, 32)
    entry, count = struct.unpack_from("<HH", core, 54)
    for at in range(phoff, phoff + count * entry, entry):
        kind, _, offset, addr, _, in_file = struct.unpack_from("<IIQQQQ", core, at)
        yield Segment(at, kind, offset, addr, in_file)


def without_memory(core: bytes, address: int) -> bytes:
    """The core as if the kernel had omitted the memory around an address (MADV_DONTDUMP)."""
    out = bytearray(core)
    (segment,) = (
        one
        for one in iter_segments(core)
        if one.kind == PT_LOAD and one.addr <= address < one.addr + one.in_file
    )
    struct.pack_into("<Q", out, segment.at + 32, 0)
    return bytes(out)


def notes_first(core: bytes) -> bytes:
    """The core with its notes first, where the kernel writes them; gdb writes them last."""
    segments = list(iter_segments(core))
    (note,) = (one for one in segments if one.kind == PT_NOTE)
    first = min(one.offset for one in segments if one.kind == PT_LOAD)
    shift = -(-note.in_file // 4096) * 4096
    out = bytearray(core[:first])
    for one in segments:
        offset = first if one is note else one.offset + shift
        struct.pack_into("<Q", out, one.at + 8, offset)
    out += core[note.offset : note.offset + note.in_file].ljust(shift, b"\0")
    return bytes(out) + core[first : note.offset]


def fake_gdb(folder: Path, script: str) -> dict[str, str]:
    """An environment in which `gdb` is a shell script; $core in it is the core."""
    folder.mkdir(exist_ok=True)
    path = folder / "gdb"
    path.write_text(f"#!/bin/sh\nfor core; do :; done\ncore=${{core##*/}}\n{script}\n")
    path.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}
