"""uthash: gdb's files equal the ground truth that the program has written by uthash's own macros;
faults are named.

All states of fixtures/uthash/states.c in one process, live and from its core.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from glib_programs import built
from harness import ROOT, Fails, Tries, gdb_session
from state_programs import PLANTING, STOP, check_all_states, names_of

SOURCE = ROOT / "fixtures" / "uthash" / "states.c"
BUILDS = (("gcc", "-O0"), ("clang", "-O2"))
# `times` has the same structs as `tokens`, by the second of their two handles: a pointer to one
# does not tell which is meant.
AMBIGUOUS = "times"

if not Path("/usr/include/uthash.h").exists():
    if os.environ.get("CI") == "true":
        raise pytest.UsageError("no uthash: run scripts/setup")
    pytest.skip("no uthash on this machine: run scripts/setup", allow_module_level=True)


def states(*by: str) -> Path:
    """fixtures/uthash/states, built by a compiler with those flags."""
    return built("uthash", (SOURCE,), by[0], *by[1:], "-D_GNU_SOURCE", "-w")  # what uthash.h does


@pytest.mark.parametrize("by", BUILDS, ids="".join)
def test_view_of_live_process_and_of_its_core_equals_the_truth(
    by: tuple[str, ...], folder: Path
) -> None:
    exe = states(*by)
    check_all_states(exe, folder, [name for name in names_of(exe) if name != AMBIGUOUS])


HELPERS = """
FIRST = next(b for b in range(2048) if number(f"many->hh.tbl->buckets[{b}].count") > 2)
HEAD = number(f"many->hh.tbl->buckets[{FIRST}].hh_head")
HANDLE = f"((UT_hash_handle *) {HEAD})"
"""
# Python that plants a fault in `many` and tells the addresses that hmap-check must name, and the
# invariants.
FAULTS = (
    (
        "word(at('many->hh.tbl->num_items'), 4999, 4);"
        " tell(*2 * (at('many->hh.tbl->num_items'),))",
        ("L2", "L1"),
    ),
    ("word(at(HANDLE + '->hh_next'), 0x10); tell(0x10, at('many->hh.tbl->num_items'))", None),
    (
        "word(at(HANDLE + '->hashv'), number(HANDLE + '->hashv') ^ 1, 4);"
        " tell(at(HANDLE + '->hashv'))",
        ("L5",),
    ),
    (
        "word(at(HANDLE + '->hh_next->hh_next'), HEAD)",
        None,
    ),
    (
        "word(HEAD - number('many->hh.tbl->hho'), number('many->id'), 4)",
        None,
    ),
)
NAMED = (
    {"L1", "L2"},
    {"L1", "L3"},
    {"L5"},
    {"L1", "L3", "L4"},
    {"L6"},
)
REFUSED = (
    ("word(at('many->hh.tbl->num_buckets'), 100, 4)", "it has 100 buckets"),
    ("word(at('many->hh.tbl->signature'), 1, 4)", "its handle is in no table"),
    ("word(at('many->hh.tbl->buckets'), 8)", "cannot read the buckets of 'many'"),
)


def test_faults_are_named_and_walks_end(folder: Path) -> None:
    helpers = folder / "helpers.py"
    helpers.write_text(PLANTING + HELPERS, encoding="utf-8")
    start = [*STOP, f"source {helpers}"]
    commands = []
    for plant, _ in FAULTS:
        commands += [
            f"python {plant}",
            Tries("hmap-check many"),
            "hmap-dump many",
            "hmap-dump many --buckets 0-40",
            "python undo()",
            "hmap-check many",
        ]
    for plant, _ in REFUSED:
        commands += [f"python {plant}", Fails("hmap-check many"), "python undo()"]
    session = gdb_session(
        states("gcc", "-O0"), [str(folder / "truth")], commands=[*start, *commands]
    )
    outcomes = list(session[len(start) :])
    for (plant, order), names in zip(FAULTS, NAMED):
        planted, check, dump, _, _, sound = outcomes[:6]
        del outcomes[:6]
        found = re.findall(r"(L\d) (0x[0-9a-f]+): ", check.output + (check.error or ""))
        assert {name for name, _ in found} == names, (plant, check)
        if order is not None:
            assert found == list(zip(order, planted.output.split()[1:])), plant
        assert "entries  " in dump.output and dump.error is None
        assert sound.output.startswith("consistent: 5,000 entries"), plant
    for (_, text), (_, check, _) in zip(REFUSED, zip(*[iter(outcomes)] * 3)):
        assert text in str(check.error), check


def test_maps_are_found_and_keys_looked_up(folder: Path) -> None:
    listing = folder / "list.json"
    commands = [
        f"hmap-list --limit 0 --json {listing}",
        'hmap-find hosts -- "host3.example"',
        "hmap-find many -- 9",
        "hmap-find many -- 10",
        "hmap-find tiles -- {3, -3}",
        'hmap-find tokens -- "token-7"',
        'hmap-dump hosts["host3.example"].users',
        "print $hmap_len(many)",
        "print $hmap_get(many, 9).score",
        "hmap-dump clustered",
        "hmap-dump times",
        "hmap-layout many",
    ]
    session = gdb_session(
        states("gcc", "-O0"), [str(folder / "truth")], commands=[*STOP, *commands]
    )
    rows = json.loads(listing.read_text("utf-8"))["maps"]
    found = {row["path"]: row["entries"] for row in rows}
    assert found["many"] == 5000 and found["server.users"] == 2
    assert sum(path.startswith('hosts["host') for path in found) == 20
    host, number, absent, tile, token, users, length, score, clustered, times, layout = (
        outcome.output for outcome in session[3:]
    )
    assert '{name = "host3.example", users = 0x' in host
    assert "{id = 9, score = 4.5}" in number
    assert absent.startswith("10 is absent")
    assert "{at = {x = 3, y = -3}, kind = 100}" in tile
    assert '{token = "token-7", since = 10000000007}' in token
    assert "\nentries    1 in 32 buckets" in users
    assert (length, score) == ("$1 = 5000\n", "$2 = 4.5\n")
    assert "verdict    skewed: " in clustered
    gap = "a 'struct session' is in other maps too, by 'by_since': those are not read"
    assert f"note       {gap}\n" in times and f"note: {gap}\n" in session[2].output
    assert "UT_hash_table" in layout
