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
from harness import ROOT, Fails, Outcome, gdb_session
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


def test_a_stripped_program_is_read_by_its_layout_file(folder: Path) -> None:
    """The layout file of a program has no more of the struct than its name."""
    exe = compiled("gcc", "-O2")
    stripped = folder / "states"
    subprocess.run(["strip", "-o", stripped, exe], check=True)
    tool = ROOT / "build/dev/libhmap/layout/hmap-layout"
    subprocess.run([tool, exe, "--json", f"{stripped}.layout.json"], check=True)
    stop = ("catch syscall exit_group", "run")
    session = gdb_session(
        stripped,
        [str(folder / "truth")],
        commands=[*stop, "hmap-list --limit 3", "hmap-check big", 'hmap-find awkward -- "a,b"'],
    )
    listing, check, hit = session[2:]
    assert "big   char * -> void *" in listing.output
    assert NOTE.search(listing.output), listing.output
    assert "as in hmap-dump big --elem-type TYPE\n" in listing.output
    assert check.output.startswith("consistent: 20,000 entries\n")
    assert "(by its hash)" in hit.output


ASKED = {
    "hmap-find int64_keys -- 1000000007": r"is in slot \d+, hash at 0x[0-9a-f]+ \(by its hash\)",
    "hmap-find int_keys -- -20000": r"\(by its hash\)\n  key   0x[0-9a-f]+  -20000\n  elem  0x0\n",
    "hmap-find double_keys -- 0.25": r"is in slot .*100 entries compared",
    'hmap-find points -- "key-7"': r"by its hash",
    'hmap-find points -- "key-700"': r"absent \(by its hash",
    "hmap-find sessions -- 0": r"absent \(200 entries compared\)",
    "hmap-find ints --key-type int -- 3": r"  key   3\n  elem  0x6\n",
    'hmap-find points --elem-type Point -- "key-7"': r'{x = 7, name = "point 7"}',
    "hmap-dump tombstoned": r"verdict    emptied: 41% of the slots",
    "hmap-dump bad_hash": r"verdict    skewed: .* a hit looks at [\d.]+ slots on average",
    "hmap-dump emptied": r"entries    0 in 8 runs, .* grows above 20 entries",
    "hmap-dump full": r"grows above 963 entries\n",
    "hmap-dump nested": r"frees elems g_hash_table_unref",
    "hmap-dump ints --buckets 0-0 --limit 2": r"run 0  0x[0-9a-f]+\n    0  0x\w+ +(live|empty)",
    'hmap-dump nested["map 1"]': r"char \* -> void \*\nentries    1 in 1 run",
    "print $hmap_len(strings)": r"= 2000\n",
    'print $hmap_get(points, "key-7")->x': r"= 7\n",
    'print *$hmap_get(points, "key-7")': r'= {x = 7, name = "point 7',
    "print $hmap_get(ints, (void *) 3)": r"= \(void \*\) 0x6\n",
    "hmap-layout ints": r"/\* +0 +8 \*/ +gsize size; +/\* layout file of GLib 2.61 to 2.86 \*/",
}
REFUSED = {
    "hmap-dump names --elem-type int": "the elems of 'names' are none, no pointers",
    "hmap-dump int_keys --key-type nothing": "no type 'nothing' in the program",
    'hmap-find ints -- "text"': 'key "text" is a string',
}


def test_output_of_the_commands(folder: Path) -> None:
    commands = [*STOP, *ASKED, *map(Fails, REFUSED), "continue", Fails("hmap-dump strings")]
    session = gdb_session(compiled("gcc", "-O0"), [str(folder)], commands=commands)
    for (command, wanted), outcome in zip(ASKED.items(), session[2:]):
        assert re.search(wanted, outcome.output), (command, outcome.output)
    for (command, text), outcome in zip(REFUSED.items(), session[2 + len(ASKED) :]):
        assert outcome.error is not None and text in outcome.error, (command, outcome)
    freed = session[-1].error
    assert freed is not None and "'strings' is not a valid map" in freed
