"""GLib's GHashTable: gdb's files equal the ground truth that the program has written from
GHashTableIter and from GLib's source.

All states of fixtures/glib/states.c in one process, live and from its core.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from glib_programs import STOP, compiled, require_glib
from harness import Outcome, gdb_session
from truth import assert_files_same, read_csv

require_glib()

# The last one has GLib's struct in its debug info.
BUILDS = (("gcc", "-O0"), ("gcc", "-O2"), ("clang", "-O0"), ("clang", "-O2", "-DWITH_LAYOUT"))
NOTE = re.compile(
    r"note:? +GLib \d+\.\d+ has no debug info here: its GHashTable is read by the layout of "
    r"\d+\.\d+ .*, which comes with hmap\n"
)


@dataclass(frozen=True)
class State:
    """A state, whose map is a variable of that name, and options for its types."""

    name: str
    options: str

    @property
    def expression(self) -> str:
        return "points" if self.name == "points_as_ints" else self.name


@functools.cache
def states_of(exe: Path) -> list[State]:
    """What `states --list` prints."""
    listing = subprocess.run([exe, "--list"], check=True, capture_output=True, text=True).stdout
    return [State(*line.split("\t")) for line in listing.splitlines()]


def commands_for(states: Sequence[State], view: Path) -> list[str]:
    commands = []
    for state in states:
        stem = view / state.name
        stem.mkdir(parents=True)
        commands.append(
            f"hmap-dump {state.expression} {state.options} --csv {stem}/occupancy.csv"
            f" --entries {stem}/entries.csv --json {stem}/dump.json"
        )
        commands.append(f"hmap-check {state.expression}")
    return commands


def check_state(
    state: State, truth: Path, view: Path, dump: Outcome, check: Outcome, has_note: bool
) -> None:
    """Compares gdb's view of a state with its ground truth."""
    told, seen = truth / state.name, view / state.name
    assert_files_same(seen, told)
    facts = {row["field"]: int(row["value"]) for row in read_csv(told / "facts.csv")}
    count = facts["count"]
    assert dump.output.startswith(f"{state.expression}   (GHashTable *) 0x"), dump.output
    assert "Problem" not in dump.output, dump.output
    assert dump.messages == check.messages == ""
    assert len(NOTE.findall(dump.output)) == len(NOTE.findall(check.output)) == has_note
    assert NOTE.sub("", check.output) == f"consistent: {count:,} entries\n"
    document = json.loads((seen / "dump.json").read_text(encoding="utf-8"))
    header, numbers = document["header"], document["statistics"]
    assert header["count"] == numbers["live"] == count
    assert numbers["deleted"] == facts["tombstones"]
    assert header["geometry"] == "flat"
    assert document["problems"] == []


@pytest.mark.parametrize("by", BUILDS, ids="".join)
def test_view_of_live_process_and_of_its_core_equals_the_truth(
    by: tuple[str, ...], folder: Path
) -> None:
    exe = compiled(*by)
    states = states_of(exe)
    truth, core = folder / "truth", folder / "core"
    live, dead = commands_for(states, folder / "live"), commands_for(states, folder / "dead")
    session = gdb_session(
        exe,
        [str(truth)],
        commands=[*STOP, *live, f"generate-core-file {core}", "kill", f"core-file {core}", *dead],
    )
    has_note = "-DWITH_LAYOUT" not in by
    for view, outcomes in ("live", session[2:]), ("dead", session[-len(dead) :]):
        for state, dump, check in zip(states, outcomes[::2], outcomes[1::2]):
            check_state(state, truth, folder / view, dump, check, has_note)
