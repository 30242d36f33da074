"""The Go fixtures, built once for each toolchain under build/go/, and their states.

In HMAP_TEST_GO: the toolchains to test, "1.19,1.26" or "mandatory"; without it all that are there.
"""

from __future__ import annotations

import fcntl
import functools
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from go_toolchains import DEBIAN, Toolchain, find_toolchains, missing_mandatory
from harness import ROOT, Outcome
from truth import assert_same, check_summary, first_line, read_csv
from truth import ENTRIES_HEADER, OCCUPANCY_HEADER

SOURCE = ROOT / "fixtures" / "go"
BUILD = ROOT / "build" / "go"

STOP = ("break main.fixtureStop", "run")


def toolchains() -> tuple[Toolchain, ...]:
    """Those to test. Skips the module where there are none; in CI a missing mandatory one fails."""
    found = find_toolchains()
    missing = missing_mandatory()
    if missing and os.environ.get("CI") == "true":
        raise pytest.UsageError(f"no {' and no '.join(missing)}: run scripts/setup")
    if not found:
        pytest.skip("no Go toolchain on this machine: run scripts/setup", allow_module_level=True)
    chosen = os.environ.get("HMAP_TEST_GO", "")
    if chosen == "mandatory":
        return tuple(dict.fromkeys([one for one in found if one.minor == DEBIAN] + [found[-1]]))
    if chosen:
        names = [f"go{number.removeprefix('go')}" for number in chosen.split(",")]
        return tuple(one for one in found if one.name in names)
    return found


def mandatory() -> tuple[Toolchain, ...]:
    """Of those to test, Debian's and the newest."""
    chosen, newest = toolchains(), find_toolchains()[-1]
    return tuple(one for one in chosen if one.minor == DEBIAN or one == newest)


def has_bucket_maps(go: Toolchain) -> bool:
    return go.minor < (1, 24)


def with_bucket_maps() -> list[Toolchain]:
    return [go for go in toolchains() if has_bucket_maps(go)]


def with_swiss_maps() -> list[Toolchain]:
    return [go for go in toolchains() if not has_bucket_maps(go)]


@functools.cache
def program(go: Toolchain, *flags: str) -> Path:
    """The program of fixtures/go/states, built by that toolchain with these flags."""
    name = "-".join(["gostates", *(flag.strip("-").replace("=", "-") for flag in flags)])
    name = name.replace(" ", "")
    folder = BUILD / go.version
    exe = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / f"{name}.lock"):
        sources = [SOURCE / "go.mod", *(SOURCE / "states").glob("*.go"), go.go]
        newest = max(path.stat().st_mtime for path in sources)
        if not exe.exists() or exe.stat().st_mtime < newest:
            fresh = folder / f"{name}.new"
            go.run(
                *("build", "-p", "1", *flags, "-o", fresh, "./states"),
                cwd=SOURCE,
                env={"GOCACHE": str(BUILD / "cache")},
            )
            fresh.touch()
            fresh.replace(exe)
    return exe


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True, slots=True)
class Case:
    """A state of the program that a toolchain has built."""

    go: Toolchain
    state: str
    variable: str

    def __str__(self) -> str:
        return f"{self.go.name}-{self.state}"

    @property
    def exe(self) -> Path:
        return program(self.go)


def cases(*gos: Toolchain) -> list[Case]:
    """Every state of each of these toolchains."""
    out = []
    for go in gos:
        listing = subprocess.run(
            [program(go), "-list"], check=True, capture_output=True, text=True
        ).stdout
        for line in listing.splitlines():
            state, variable, _ = line.split("\t")
            out.append(Case(go, state, variable))
    return out


@dataclass(frozen=True)
class GoDump:
    """A map under study: its expression, the folder of its truth, and that of gdb's view."""

    expression: str
    truth: Path
    view: Path

    @property
    def command(self) -> str:
        self.view.mkdir(parents=True, exist_ok=True)
        return (
            f"hmap-dump {self.expression} --csv {self.view / 'occupancy.csv'}"
            f" --entries {self.view / 'entries.csv'} --json {self.view / 'dump.json'}"
        )

    @property
    def header(self) -> dict[str, str]:
        return {row["field"]: row["value"] for row in read_csv(self.truth / "header.csv")}

    @property
    def count(self) -> int:
        return int(self.header["count"])

    def check(self, outcome: Outcome) -> None:
        assert first_line(self.truth / "occupancy.csv") == OCCUPANCY_HEADER
        assert first_line(self.truth / "entries.csv") == ENTRIES_HEADER
        assert_same(self.view / "occupancy.csv", self.truth / "occupancy.csv")
        assert_same(self.view / "entries.csv", self.truth / "entries.csv")
        if self.header["address"] == "0x0":
            assert "nil" in outcome.output, outcome.output
            assert outcome.messages == ""
        else:
            check_summary(outcome, self.count, True)

    def check_audit(self, outcome: Outcome) -> None:
        assert outcome.messages == ""
        first, *notes = outcome.output.splitlines()
        assert first == f"consistent: {self.count:,} entries"
        assert all(note.startswith("note: ") for note in notes), outcome.output
