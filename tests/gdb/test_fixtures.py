"""The truth: what gdb reads of a map equals what the program itself wrote about it, byte by byte.

Each state of fixtures/c/states, live, through gdbserver, from gdb's core and from the kernel's.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest

from conftest import fixture_program
from harness import Outcome, gdb_session, run_aborting

OCCUPANCY_HEADER = "array,bucket,address,chain,slots,live,deleted,empty,evacuated"
ENTRIES_HEADER = "array,bucket,chain_index,slot,tophash,key,value"
SHOWN_DIFFERENCES = 5


@dataclass(frozen=True)
class Dumped:
    """A map under study: its expression, the folder of its truth, and that of gdb's view."""

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
        assert first_line(occupancy) == OCCUPANCY_HEADER
        assert first_line(self.truth / "entries.csv") == ENTRIES_HEADER
        assert_same(self.view / "occupancy.csv", occupancy)
        assert_same(self.view / "entries.csv", self.truth / "entries.csv")
        assert sorted(path.name for path in self.view.iterdir()) == ["entries.csv", "occupancy.csv"]
        header = {row["field"]: row["value"] for row in read_csv(self.truth / "header.csv")}
        count, live = int(header["count"]), sum(int(row["live"]) for row in read_csv(occupancy))
        sound = read_csv(self.truth / "problems.csv") == []
        assert not sound or count == live
        check_summary(outcome, count, sound)


def check_summary(outcome: Outcome, count: int, sound: bool) -> None:
    """The summary tells the number of entries, and Problems where there are any."""
    entries = re.search(r"^entries +([\d,]+)\b", outcome.output, re.MULTILINE)
    assert entries, outcome.output
    assert entries[1] == f"{count:,}", outcome.output
    assert ("problem" not in outcome.output.lower()) == sound, outcome.output
    assert outcome.messages == ""


def assert_same(view: Path, truth: Path) -> None:
    """Two files are equal; else the first lines that differ are shown."""
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


def dump_and_check(exe: Path, truth: Path, view: Path, core: Path) -> None:
    """A core's maps, all of them, against the truth."""
    maps = maps_of(truth, view)
    outcomes = gdb_session(exe, core=core, commands=[one.command for one in maps])
    for one, outcome in zip(maps, outcomes, strict=True):
        one.check(outcome)


def test_view_of_live_process_and_of_its_core_equals_the_truth(
    state: str, build: str, folder: Path
) -> None:
    exe = fixture_program(build, "states")
    truth, core = folder / "truth", folder / "gdb.core"
    live = Dumped("fixture_map", truth, folder / "live")
    outcomes = gdb_session(
        exe,
        [state, str(truth)],
        commands=["break fixture_stop", "run", live.command, f"generate-core-file {core}"],
    )
    live.check(outcomes[2])
    dump_and_check(exe, truth, folder / "view", core)


def test_view_of_kernel_core_equals_the_truth(
    state: str, build: str, folder: Path, kernel_cores: None
) -> None:
    exe = fixture_program(build, "states")
    core = run_aborting([exe, state, folder / "truth"], folder, {"FIXTURE_ABORT": "1"})
    dump_and_check(exe, folder / "truth", folder / "view", core)


def test_view_through_gdbserver_equals_the_truth(state: str, folder: Path) -> None:
    exe = fixture_program("dev", "states")
    remote = Dumped("fixture_map", folder / "truth", folder / "remote")
    outcomes = gdb_session(
        exe,
        commands=[
            f"target remote | gdbserver --once - {exe} {state} {remote.truth}",
            "break fixture_stop",
            "continue",
            remote.command,
            "kill",
        ],
    )
    remote.check(outcomes[3])
