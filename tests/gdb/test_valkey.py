"""Valkey's hashtable: gdb's files equal the ground truth that the program has written; faults are
named.

All states of fixtures/valkey/states.c in one process, live and from its core.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from glib_programs import built
from harness import ROOT, Fails, Tries, gdb_session
from state_programs import PLANTING, STOP, check_all_states

SOURCE = ROOT / "fixtures" / "valkey"
BUILDS = (("gcc", "-O0"), ("clang", "-O2"))


def states(*by: str) -> Path:
    """fixtures/valkey/states, built by a compiler with those flags."""
    return built("valkey", tuple(SOURCE.glob("*.[ch]")), by[0], *by[1:], "-D_GNU_SOURCE")


@pytest.mark.parametrize("by", BUILDS, ids="".join)
def test_view_of_live_process_and_of_its_core_equals_the_truth(
    by: tuple[str, ...], folder: Path
) -> None:
    check_all_states(states(*by), folder)


HELPERS = """
MORE = next(b for b in range(255, 60, -1) if number(f"growing->tables[0][{b}].chained"))
CHILD = number(f"growing->tables[0][{MORE}].entries[6]")
OLD = next(b for b in range(60, 256) if number(f"growing->tables[0][{b}].presence") & 1
           and not number(f"growing->tables[0][{b}].chained"))
FULL = next(b for b in range(512) if number(f"growing->tables[1][{b}].presence") & 1)
def bucket(number, table=1): return f"growing->tables[{table}][{number}]"
"""
# Python that plants a fault in `growing` and tells an address that hmap-check must name, and the
# invariants that it must.
FAULTS = (
    ("word(at('growing->used[1]'), 9)", "tell(at('growing->used[1]'))", {"V1", "V8"}),
    (
        "word(at('growing->child_buckets[0]'), 999)",
        "tell(at('growing->child_buckets[0]'))",
        {"V5"},
    ),
    (
        "word(at(bucket(OLD, 0) + '.entries[0]'), number(bucket(FULL) + '.entries[0]'))",
        "tell(at(bucket(OLD, 0) + '.entries[0]'))",
        {"V9"},
    ),
    ("word(at(bucket(5, 0)), 2, 1)", "tell(at(bucket(5, 0)))", {"V7"}),
    (
        "word(at(bucket(FULL)), 0xff, 1); word(at(bucket(FULL) + '.entries[6]'), 0x10)",
        "tell(at(bucket(FULL) + '.entries[6]'))",
        {"V3", "V6"},
    ),
    (
        "word(at(bucket(FULL)), 1, 1); word(at(bucket(FULL) + '.entries[6]'), at(bucket(FULL)))",
        "tell(at(bucket(FULL) + '.entries[6]'))",
        {"V1", "V3"},
    ),
    (
        "word(at(bucket(OLD, 0)), 1, 1); word(at(bucket(OLD, 0) + '.entries[6]'), CHILD)",
        "tell(at(bucket(MORE, 0) + '.entries[6]'))",
        {"V4", "V8"},
    ),
)
REFUSED = (
    ("word(at('growing->rehash_idx'), 5000)", "rehash_idx is 5,000"),
    ("word(at('growing->bucket_exp[1]'), 60, 1)", "table 1 has the exponent 60"),
    ("word(at('growing->tables[1]'), 8)", "cannot read the buckets of 'growing'"),
    ("word(at('growing->tables[0]'), 0)", "table 0 has the exponent 8, at 0x0"),
    ("word(at('growing->type'), 8)", "cannot read the type of 'growing'"),
)


def test_faults_are_named_and_walks_end(folder: Path) -> None:
    helpers = folder / "helpers.py"
    helpers.write_text(PLANTING + HELPERS, encoding="utf-8")
    start = [*STOP, f"source {helpers}"]
    commands = []
    for plant, tell, _ in FAULTS:
        commands += [
            f"python {plant}; {tell}",
            Tries("hmap-check growing"),
            "hmap-dump growing",
            "hmap-dump growing --buckets old:0-80",
            "python undo()",
            "hmap-check growing",
        ]
    for plant, _ in REFUSED:
        commands += [f"python {plant}", Fails("hmap-check growing"), "python undo()"]
    one = "word(at('stalled->rehash_idx'), -1)"
    commands += [f"python {one}", Tries("hmap-check stalled"), "python undo()"]
    session = gdb_session(
        states("gcc", "-O0"), [str(folder / "truth")], commands=[*start, *commands]
    )
    outcomes = list(session[len(start) :])
    for plant, _, names in FAULTS:
        planted, check, dump, _, _, sound = outcomes[:6]
        del outcomes[:6]
        found = re.findall(r"(V\d) (0x[0-9a-f]+): ", check.output + (check.error or ""))
        assert {name for name, _ in found} >= names, (plant, check)
        assert planted.output.split()[1] in {where for _, where in found}, (plant, check)
        assert "entries  " in dump.output and dump.error is None
        assert sound.output.startswith("consistent: 1,100 entries"), plant
    for _, text in REFUSED:
        assert text in str(outcomes[1].error), outcomes[1]
        del outcomes[:3]
    assert "V2 0x" in outcomes[1].output + (outcomes[1].error or "")


def test_maps_are_found_and_keys_looked_up(folder: Path) -> None:
    listing = folder / "list.json"
    asked = {
        "hmap-dump growing": r"growing: 60 of 256 [^$]*\nverdict    growing: ",
        "hmap-dump stalled": r"\nverdict    stalled: ",
        "hmap-dump shrinking": r"entries    100 in 16 buckets, [^\n]* shrinking: 300 of ",
        "hmap-dump chained": r"\nverdict    skewed: ",
        "hmap-dump pointers --key-type long": r"  long\n",
        'hmap-find growing -- "key:3"': r"key:3 is in bucket [\d,]+[^$]*\n  elem  0x[0-9a-f]+  -6",
        'hmap-find members -- "member:9"': r"member:9 is in bucket ",
        'hmap-find fields -- "field:200"': r"field:200 is absent",
        'print $hmap_get(scores, "z7")': r"= 7\.5\n",
        "print $hmap_len(keys)": r"= 5000\n",
        "hmap-dump chained --buckets 0-0": r"0x[0-9a-f]+",
        'hmap-dump (*store.hashtables)["key:999"].(hashtable)': r"  sds -> sds\nentries    200 ",
        "hmap-layout growing": r"child_buckets",
        f"hmap-list --limit 0 --json {listing}": r"\n\d+ maps hold ",
    }
    exe = states("clang", "-O2")
    session = gdb_session(exe, [str(folder / "truth")], commands=[*STOP, *asked])
    for (command, pattern), outcome in zip(asked.items(), session[2:]):
        assert re.search(pattern, outcome.output), (command, outcome.output)
    rows = json.loads(listing.read_text("utf-8"))["maps"]
    found = {row["path"]: row["entries"] for row in rows}
    assert found["keys"] == 5000 and found["*store.hashtables"] == 11
