"""Compares the ground truth that a fixture wrote with gdb's view."""

from __future__ import annotations

import csv
import functools
import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest

from harness import Outcome

OCCUPANCY_HEADER = "array,bucket,address,chain,slots,live,deleted,empty,evacuated,geometry"
ENTRIES_HEADER = "array,bucket,chain_index,slot,tophash,key,value"
SHOWN_DIFFERENCES = 5
PROBLEM = re.compile(r"([A-Z]\d+|fault) (0x[0-9a-f]+): \S.*")

Named = tuple[str, str]  # "I4" or "fault", and an address


@dataclass(frozen=True)
class Dumped:
    """A map under test: expression, folder of the ground truth, and folder of gdb's view."""

    expression: str
    truth: Path
    view: Path

    @property
    def command(self) -> str:
        self.view.mkdir(parents=True, exist_ok=True)
        return (
            f"hmap-dump {self.expression} --csv {self.view / 'occupancy.csv'}"
            f" --entries {self.view / 'entries.csv'}"
        )

    def check(self, outcome: Outcome) -> None:
        occupancy = self.truth / "occupancy.csv"
        assert_files_same(self.view, self.truth)
        assert sorted(path.name for path in self.view.iterdir()) == ["entries.csv", "occupancy.csv"]
        header = {row["field"]: row["value"] for row in read_csv(self.truth / "header.csv")}
        count, live = int(header["count"]), sum(int(row["live"]) for row in read_csv(occupancy))
        sound = read_csv(self.truth / "problems.csv") == []
        assert not sound or count == live
        check_summary(outcome, count, sound)


def check_summary(outcome: Outcome, count: int, sound: bool) -> None:
    """Checks that the summary shows the number of entries, and any Problems."""
    entries = re.search(r"^entries +([\d,]+)\b", outcome.output, re.MULTILINE)
    assert entries, outcome.output
    assert entries[1] == f"{count:,}", outcome.output
    assert ("problem" not in outcome.output.lower()) == sound, outcome.output
    assert outcome.messages == ""


def assert_same(view: Path, truth: Path) -> None:
    """Checks that two files are equal, and shows the first lines that differ."""
    if view.read_bytes() == truth.read_bytes():
        return
    seen, told = (path.read_bytes().splitlines(keepends=True) for path in (view, truth))
    lines = [f"'{view.name}': {len(seen)} lines in gdb's view, {len(told)} in the program's"]
    differences = [
        (number, ours, theirs)
        for number, (ours, theirs) in enumerate(zip_longest(seen, told), start=1)
        if ours != theirs
    ]
    for number, ours, theirs in differences[:SHOWN_DIFFERENCES]:
        lines += [f"line {number}", f"  gdb      {ours!r}", f"  program  {theirs!r}"]
    lines.append(f"{len(differences)} lines differ")
    pytest.fail("\n".join(lines), pytrace=False)


def first_line(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return file.readline().rstrip("\n")


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def maps_of(truth: Path, view: Path) -> list[Dumped]:
    """All maps of a state. fixture_map is the first; a state of several lists them in maps.csv."""
    maps = [Dumped("fixture_map", truth, view / "0")]
    if (truth / "maps.csv").exists():
        for index, row in enumerate(read_csv(truth / "maps.csv")[1:], start=1):
            maps.append(Dumped(f"fixture_maps[{index}]", truth / row["name"], view / str(index)))
    return maps


def problems_of_check(outcome: Outcome) -> list[Named]:
    """The Problems that hmap-check reports: a line each, and a last line with their number."""
    assert outcome.error is None and outcome.messages == "", outcome
    *lines, last = outcome.output.splitlines()
    problems = []
    for line in lines:
        found = PROBLEM.fullmatch(line)
        assert found, f"no Problem: {line!r}\n{outcome.output}"
        problems.append((found[1], found[2]))
    expected = "1 Problem" if len(lines) == 1 else f"{len(lines):,} Problems"
    assert last == expected, outcome.output
    return problems


def check_verdict(check: Outcome, truth: Path) -> None:
    """Checks that hmap-check reports the invariants and addresses of hmap_check() in the process;
    if there are none, the number of entries."""
    told = read_csv(truth / "problems.csv")
    if told:
        named = problems_of_check(check)
        assert sorted(named) == sorted((f"I{row['invariant']}", row["address"]) for row in told)
        return
    live = sum(int(row["live"]) for row in read_csv(truth / "occupancy.csv"))
    assert check.error is None and check.messages == ""
    assert check.output == f"consistent: {live:,} entries\n"


def assert_files_same(view: Path, truth: Path) -> None:
    """Checks that the CSV files in two folders are equal, and begin as they have to."""
    assert first_line(truth / "occupancy.csv") == OCCUPANCY_HEADER
    assert first_line(truth / "entries.csv") == ENTRIES_HEADER
    assert_same(view / "occupancy.csv", truth / "occupancy.csv")
    assert_same(view / "entries.csv", truth / "entries.csv")


# ---- programs with many states in one process ----------------------------------------------------


@dataclass(frozen=True)
class State:
    """A state, and the expression for its map."""

    name: str
    expression: str


@functools.cache
def states_of(exe: Path) -> list[State]:
    """What `PROGRAM --list` prints."""
    listing = subprocess.run([exe, "--list"], check=True, capture_output=True, text=True).stdout
    return [State(*line.split("\t")[:2]) for line in listing.splitlines()]


def dump_and_check(states: Sequence[State], view: Path) -> list[str]:
    """The commands that write gdb's view of states to a folder each, and check them."""
    commands = []
    for state in states:
        stem = view / state.name
        stem.mkdir(parents=True)
        commands.append(
            f"hmap-dump {state.expression} --csv {stem}/occupancy.csv --entries {stem}/entries.csv"
            f" --json {stem}/dump.json"
        )
        commands.append(f"hmap-check {state.expression}")
    return commands


def check_state(
    state: State, truth: Path, view: Path, dump: Outcome, check: Outcome
) -> dict[str, str]:
    """Compares gdb's view of a state with its ground truth; returns the program's facts."""
    told, seen = truth / state.name, view / state.name
    assert_files_same(seen, told)
    facts = {row["field"]: row["value"] for row in read_csv(told / "facts.csv")}
    count = int(facts["count"])
    assert dump.output.splitlines()[0].startswith(f"{state.expression}   ("), dump.output
    assert "Problem" not in dump.output, dump.output
    assert dump.messages == check.messages == ""
    assert check.output == f"consistent: {count:,} entries\n"
    document = json.loads((seen / "dump.json").read_text(encoding="utf-8"))
    assert document["header"]["count"] == document["statistics"]["live"] == count
    assert document["problems"] == []
    for row in read_csv(told / "occupancy.csv")[:1]:
        assert document["header"]["geometry"] == row["geometry"]
    return facts
