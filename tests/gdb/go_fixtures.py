"""The Go fixtures, built once for each toolchain under build/go/, and their states.

Debian's Go and the newest run every test; other installed toolchains run only the test of all
states in one core. HMAP_TEST_GO overrides this: "all" runs every test with every toolchain,
"1.19,1.24" every test with these.
"""

from __future__ import annotations

import fcntl
import functools
import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from go_toolchains import DEBIAN, Toolchain, find_toolchains, missing_mandatory
from harness import ROOT, Outcome, gdb_session
from truth import assert_files_same, check_summary, read_csv

SOURCE = ROOT / "fixtures" / "go"
BUILD = ROOT / "build" / "go"

STOP = ("break main.fixtureStop", "run")

# A state that takes seconds to build and read: tested separately.
MILLION = "million"


def toolchains() -> tuple[Toolchain, ...]:
    """The toolchains to test. Skips the module if there are none; CI fails if one is missing."""
    found = find_toolchains()
    missing = missing_mandatory()
    if missing and os.environ.get("CI") == "true":
        raise pytest.UsageError(f"no {' and no '.join(missing)}: run scripts/setup")
    if not found:
        pytest.skip("no Go toolchain on this machine: run scripts/setup", allow_module_level=True)
    chosen = os.environ.get("HMAP_TEST_GO", "all")
    if chosen == "all":
        return found
    names = [f"go{number.removeprefix('go')}" for number in chosen.split(",")]
    return tuple(one for one in found if one.name in names)


def unlike_toolchains() -> tuple[Toolchain, ...]:
    """The toolchains whose heap or maps are unlike those of the ones before: 1.22 has headers of
    blocks, 1.24 Swiss maps; and the first and the last."""
    chosen = toolchains()
    if "HMAP_TEST_GO" in os.environ:
        return chosen
    news = ((1, 22), (1, 24))
    return tuple(one for one in chosen if one in (chosen[0], chosen[-1]) or one.minor in news)


def main_toolchains() -> tuple[Toolchain, ...]:
    """The toolchains that run every test."""
    chosen = toolchains()
    if "HMAP_TEST_GO" in os.environ:
        return chosen
    return tuple(one for one in chosen if one.minor == DEBIAN or one == chosen[-1])


def has_bucket_maps(go: Toolchain) -> bool:
    return go.minor < (1, 24)


def on(gos: Iterable[Toolchain]) -> pytest.MarkDecorator:
    """Parametrizes a test by these toolchains."""
    return pytest.mark.parametrize("go", list(gos), ids=lambda go: go.name)


@functools.cache
def program(go: Toolchain, *flags: str) -> Path:
    """The program of fixtures/go/states, built by a toolchain with these flags."""
    return program_of("states", go, *flags)


@functools.cache
def program_of(source: str, go: Toolchain, *flags: str, experiment: str = "") -> Path:
    """The program in a folder of fixtures/go, built by a toolchain with these flags, and with an
    experiment of Go's."""
    name = "-".join(
        [f"go{source}{experiment}", *(flag.strip("-").replace("=", "-") for flag in flags)]
    )
    name = name.replace(" ", "")
    folder = BUILD / go.version
    exe = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / f"{name}.lock"):
        sources = [SOURCE / "go.mod", *(SOURCE / source).glob("*.go"), go.go]
        newest = max(path.stat().st_mtime for path in sources)
        if not exe.exists() or exe.stat().st_mtime < newest:
            fresh = folder / f"{name}.new"
            go.run(
                *("build", "-p", "1", *flags, "-o", fresh, f"./{source}"),
                cwd=SOURCE,
                env={"GOCACHE": str(BUILD / "cache"), "GOEXPERIMENT": experiment},
            )
            fresh.touch()
            fresh.replace(exe)
    return exe


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@functools.cache
def expressions(go: Toolchain) -> dict[str, str]:
    """The states of this toolchain's program, each with the expression for its map."""
    listing = subprocess.run(
        [program(go), "-list"], check=True, capture_output=True, text=True
    ).stdout
    return {name: expression for name, expression, _ in map(_fields, listing.splitlines())}


def _fields(line: str) -> list[str]:
    return line.split("\t")


@dataclass(frozen=True)
class GoDump:
    """A map under test: state, expression, and the folders of its truth and of gdb's view."""

    state: str
    expression: str
    truth: Path
    view: Path

    @property
    def dump(self) -> str:
        """The command that writes gdb's view."""
        self.view.mkdir(parents=True, exist_ok=True)
        return (
            f"hmap-dump {self.expression} --csv {self.view / 'occupancy.csv'}"
            f" --entries {self.view / 'entries.csv'} --json {self.view / 'dump.json'}"
        )

    @property
    def audit(self) -> str:
        return f"hmap-check {self.expression}"

    @functools.cached_property
    def told(self) -> dict[str, str]:
        """The map's own numbers, from the program."""
        return {row["field"]: row["value"] for row in read_csv(self.truth / "header.csv")}

    @property
    def count(self) -> int:
        return int(self.told["count"])

    @property
    def document(self) -> Any:
        """The JSON of gdb's view."""
        return json.loads((self.view / "dump.json").read_text(encoding="utf-8"))

    @property
    def keys(self) -> list[str]:
        """The keys in gdb's view."""
        return [row["key"] for row in read_csv(self.view / "entries.csv")]

    def check(self, dumped: Outcome, audited: Outcome) -> None:
        """Compares everything that gdb wrote about the map with the ground truth."""
        self._check_files(dumped)
        self._check_numbers()
        assert audited.messages == ""
        first, *notes = audited.output.splitlines()
        assert first == f"consistent: {self.count:,} entries", audited.output
        assert all(note.startswith("note: ") for note in notes), audited.output

    def _check_files(self, dumped: Outcome) -> None:
        assert_files_same(self.view, self.truth)
        check_summary(dumped, self.count, True)
        if self.told["address"] == "0x0":
            assert "nil" in dumped.output, dumped.output

    def _check_numbers(self) -> None:
        """Compares the numbers in the JSON with those of the map's header."""
        told, document = self.told, self.document
        header, statistics = document["header"], document["statistics"]
        assert document["problems"] == []
        if told["address"] == "0x0":
            return
        assert header["address"] == told["address"]
        assert header["count"] == self.count
        if told["kind"] in ("bucket", "swiss"):
            expected = {name: int(told[name]) for name in ("live", "deleted", "empty")}
            expected["slots"] = sum(expected.values())  # except those of evacuated buckets
            assert {name: statistics[name] for name in expected} == expected
        if told["kind"] == "bucket" and told["buckets"] != "0x0":
            assert header["B"] == int(told["B"])
            assert header["growing"] == (told["growing"] == "1")
            assert header["same_size_grow"] == (told["same_size"] == "1")
            assert header["nevacuate"] == int(told["nevacuate"])
            assert header["overflow_estimate"] == int(told["noverflow"])
            assert statistics["evacuated"] == int(told["evacuated"])
            assert statistics["longest_chain"] == int(told["longest_chain"])


def dumps_of(go: Toolchain, folder: Path, names: Iterable[str]) -> list[GoDump]:
    """The maps of these states, with ground truth and view under `folder`."""
    known = expressions(go)
    return [
        GoDump(name, known[name], folder / "truth" / name, folder / "view" / name) for name in names
    ]


def dump_live(go: Toolchain, folder: Path, names: Iterable[str]) -> list[GoDump]:
    """Dumps the states of one live process, and compares with the ground truth."""
    dumps = dumps_of(go, folder, names)
    outcomes = gdb_session(
        program(go),
        [str(folder / "truth"), *(one.state for one in dumps)],
        commands=[*STOP, *commands_of(dumps)],
    )
    check_all(dumps, outcomes[len(STOP) :])
    return dumps


def commands_of(dumps: Iterable[GoDump]) -> list[str]:
    """A dump and a check of each map."""
    return [command for one in dumps for command in (one.dump, one.audit)]


def check_all(dumps: list[GoDump], outcomes: list[Outcome]) -> None:
    """Compares the outcomes of commands_of() with the ground truth; lists all differences."""
    assert len(outcomes) == 2 * len(dumps)
    failures = []
    for one, dumped, audited in zip(dumps, outcomes[::2], outcomes[1::2], strict=True):
        try:
            one.check(dumped, audited)
        except (AssertionError, pytest.fail.Exception) as failure:
            failures.append(f"state {one.state}: {failure}")
    if failures:
        pytest.fail("\n\n".join(failures), pytrace=False)
