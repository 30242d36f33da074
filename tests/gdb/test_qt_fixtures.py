"""Qt's QHash, QSet and QMultiHash: gdb's files equal the ground truth that the program has written
by Qt's own functions.

All states of fixtures/qt/states.cc in one process, live and from its core.
"""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import ROOT, Outcome, gdb_session
from qt_programs import STOP, compiled, require_qt
from truth import assert_files_same, read_csv

require_qt()

BUILDS = (("g++", "-O0"), ("clang++", "-O2"))
LAYOUT = ROOT / "build" / "dev" / "libhmap" / "layout" / "hmap-layout"


@functools.cache
def states_of(exe: Path) -> list[str]:
    """What `states --list` prints: names, which are those of variables."""
    done = subprocess.run([exe, "--list"], check=True, capture_output=True, text=True)
    return done.stdout.split()


def commands_for(states: list[str], view: Path) -> list[str]:
    commands = []
    for state in states:
        stem = view / state
        stem.mkdir(parents=True)
        commands.append(
            f"hmap-dump {state} --csv {stem}/occupancy.csv --entries {stem}/entries.csv"
            f" --json {stem}/dump.json"
        )
        commands.append(f"hmap-check {state}")
    return commands


def check_state(state: str, truth: Path, view: Path, dump: Outcome, check: Outcome) -> None:
    """Compares gdb's view of a state with its ground truth."""
    told, seen = truth / state, view / state
    assert_files_same(seen, told)
    facts = {row["field"]: int(row["value"]) for row in read_csv(told / "facts.csv")}
    assert dump.messages == check.messages == ""
    assert check.output == f"consistent: {facts['count']:,} entries\n"
    document = json.loads((seen / "dump.json").read_text(encoding="utf-8"))
    header, numbers = document["header"], document["statistics"]
    assert header["count"] == numbers["live"] == facts["count"]
    assert numbers["slots"] == facts["buckets"]
    assert numbers["deleted"] == 0 and document["problems"] == []
    if facts["values"] > facts["count"]:
        assert f"values     {facts['values']:,}; of each key" in dump.output


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
    for view, outcomes in ("live", session[2:]), ("dead", session[-len(dead) :]):
        for state, dump, check in zip(states, outcomes[::2], outcomes[1::2]):
            check_state(state, truth, folder / view, dump, check)


def test_a_stripped_program_is_read_by_its_layout_file(folder: Path) -> None:
    exe = compiled("g++", "-O0")
    stripped, layout = folder / "states", folder / "layout.json"
    subprocess.run([LAYOUT, exe, "--json", layout], check=True, capture_output=True)
    subprocess.run(["strip", "-o", stripped, exe], check=True)
    states = states_of(exe)
    truth, core = folder / "truth", folder / "core"
    gdb_session(exe, [str(truth)], commands=[*STOP, f"generate-core-file {core}"])
    commands = commands_for(states, folder / "view")
    session = gdb_session(stripped, core=core, commands=[f"hmap-layout load {layout}", *commands])
    for state, dump, check in zip(states, session[1::2], session[2::2]):
        check_state(state, truth, folder / "view", dump, check)


# Where maps are behind what programs keep them in, and how many entries each has.
PATHS = {
    "server.rooms": 3,
    'server.rooms["room0"]': 1,
    'server.rooms["room2"]': 1,
    "server.owned": 1,
    "server.pointer": 1,
    "(*server.pointer)[5]": 1,
    "server.tags[#1].second": 1,
}


def test_maps_are_found_in_each_other_and_each_path_opens_its_map(folder: Path) -> None:
    exe, listing = compiled("g++", "-O0"), folder / "list.json"
    session = gdb_session(
        exe, [str(folder / "truth")], commands=[*STOP, f"hmap-list --limit 0 --json {listing}"]
    )
    rows = json.loads(listing.read_text("utf-8"))["maps"]
    found = {row["path"]: row["entries"] for row in rows}
    assert found.items() >= PATHS.items()
    # `one` and the three of server.list share a table, as moved_to and shared do: it counts once.
    assert len({"one", "server.list[0]", "server.list[1]", "server.list[2]"} & found.keys()) == 1
    assert len({"moved_to", "shared"} & found.keys()) == 1
    assert found.keys() >= set(states_of(exe)) - {"one", "moved_to", "shared"}
    assert session[2].messages == ""
    shutil.rmtree(folder / "truth")
    dumps = [f"hmap-dump {path}" for path in PATHS]
    session = gdb_session(exe, [str(folder / "truth")], commands=[*STOP, *dumps])
    for (path, count), outcome in zip(PATHS.items(), session[2:]):
        assert outcome.output.startswith(f"{path}   (")
        assert f"\nentries    {count} in 8 runs" in outcome.output


def test_keys_are_found_and_maps_printed(folder: Path) -> None:
    commands = [
        'hmap-find texts -- "key-17"',
        "hmap-find big -- 700",
        "hmap-find big -- 701",
        "hmap-find negative -- -1000000007",
        "hmap-find points -- {3, -3}",
        'hmap-find bytes -- "none"',
        "print one",
        "print $hmap_len(texts)",
        "print $hmap_get(big, 700)",
        'print $hmap_get(texts, "key-17")',
        "hmap-dump one",
        "hmap-layout one",
    ]
    session = gdb_session(
        compiled("g++", "-O0"), [str(folder / "truth")], commands=[*STOP, *commands]
    )
    text, number, absent, negative, point, none, shown, length, elem, by_text, one, layout = (
        outcome.output for outcome in session[2:]
    )
    assert "(1,002 entries compared)" in text and text.endswith("  17\n")
    assert "(by its hash)" in number and number.endswith("  -100\n")
    assert absent.startswith("701 is absent (by its hash")
    assert "(by its hash)" in negative and negative.endswith("  255\n")
    assert point.endswith('{number = 3, user = "user3"}\n')
    assert none.endswith("  elem  " + none.split("  elem  ")[1]) and "bytes" not in none
    assert shown == "$1 = Qt QHash map with 1 entry = {[7] = 49}\n"
    assert (length, elem, by_text) == ("$2 = 1002\n", "$3 = -100\n", "$4 = 17\n")
    assert "\nshared     by 4 maps, until one of them is changed\n" in one
    assert "offsets[128];" in layout
