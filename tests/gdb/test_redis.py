"""Redis's dict: gdb's files equal the ground truth that the program has written; faults are named.

All states of fixtures/redis/states.c in one process of each version's structs, one of them from its
core too.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from glib_programs import built
from harness import ROOT, Fails, Tries, gdb_session
from state_programs import PLANTING, STOP, check_all_states
from truth import assert_files_same

SOURCE = ROOT / "fixtures" / "redis"
BUILDS = (
    (62, "gcc", "-O0"),
    (70, "clang", "-O2"),
    (72, "gcc", "-O2"),
    (80, "clang", "-O0"),
    (81, "gcc", "-O0"),
)
FROM_CORE = 80
HMAP_LAYOUT = ROOT / "build/dev/libhmap/layout/hmap-layout"


def states(generation: int, compiler: str, *flags: str) -> Path:
    """fixtures/redis/states with the structs of a version, built by a compiler."""
    files = tuple(SOURCE.glob("*.[ch]"))
    flags = (*flags, f"-DGENERATION={generation}", "-D_GNU_SOURCE")
    return built("redis", files, compiler, *flags)


@pytest.mark.parametrize("by", BUILDS, ids=lambda by: f"{by[0]}{by[1]}{by[2]}")
def test_view_equals_the_truth(by: tuple[int, str, str], folder: Path) -> None:
    check_all_states(states(*by), folder, from_core=by[0] == FROM_CORE)


HELPERS = """
OLD = next(b for b in range(300, 1024) if number(f"growing->ht_table[0][{b}]"))
NEW = next(b for b in range(4096) if number(f"growing->ht_table[1][{b}]"))
NODE = f"growing->ht_table[1][{NEW}]"
"""
# Python that plants a fault in `growing` and tells the addresses that hmap-check must name, and the
# invariants that it must.
FAULTS = (
    ("word(at('growing->ht_used[1]'), 9)", "tell(at('growing->ht_used[1]'))", {"L1", "L8"}),
    (
        "word(at('growing->ht_used[0]'), number('growing->ht_used[0]') - 1); "
        "word(at('growing->ht_used[1]'), number('growing->ht_used[1]') + 1)",
        "tell(at('growing->ht_used[0]'))",
        {"L8"},
    ),
    ("word(at(NODE + '->next'), 0x10)", "tell(0x10)", {"L3"}),
    ("word(at(NODE + '->next'), number(NODE))", "tell(number(NODE))", {"L1", "L3", "L4"}),
    (
        "word(at('growing->ht_table[0][5]'), number(NODE))",
        "tell(at('growing->ht_table[0][5]'))",
        {"L7"},
    ),
    (
        "word(at(NODE + '->key'), number(f'growing->ht_table[0][{OLD}]->key'))",
        "tell(number(f'growing->ht_table[0][{OLD}]'))",
        {"L6"},
    ),
)
REFUSED = (
    ("word(at('growing->rehashidx'), 5000)", "rehashidx is 5,000"),
    ("word(at('growing->ht_size_exp[1]'), 60, 1)", "the exponent of the size of table 1 is 60"),
    ("word(at('growing->ht_table[1]'), 8)", "cannot read the buckets of 'growing'"),
    ("word(at('growing->ht_table[0]'), 0)", "table 0 has 1,024 buckets at 0x0"),
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
            "hmap-dump growing --buckets old:0-40",
            "python undo()",
            "hmap-check growing",
        ]
    for plant, _ in REFUSED:
        commands += [f"python {plant}", Fails("hmap-check growing"), "python undo()"]
    one = "word(at('stalled->rehashidx'), -1)"
    commands += [f"python {one}", Tries("hmap-check stalled"), "python undo()"]
    session = gdb_session(
        states(70, "gcc", "-O0"), [str(folder / "truth")], commands=[*start, *commands]
    )
    outcomes = list(session[len(start) :])
    for plant, _, names in FAULTS:
        planted, check, dump, _, _, sound = outcomes[:6]
        del outcomes[:6]
        found = re.findall(r"(L\d) (0x[0-9a-f]+): ", check.output + (check.error or ""))
        assert {name for name, _ in found} >= names, (plant, check)
        assert planted.output.split()[1] in {where for _, where in found}, (plant, check)
        assert "entries  " in dump.output and dump.error is None
        assert sound.output.startswith("consistent: 1,100 entries"), plant
    for _, text in REFUSED:
        assert text in str(outcomes[1].error), outcomes[1]
        del outcomes[:3]
    assert "L2 0x" in outcomes[1].output + (outcomes[1].error or "")


def test_maps_are_found_and_keys_looked_up(folder: Path) -> None:
    listing, layout = folder / "list.json", folder / "layout.json"
    asked = {
        "hmap-dump growing": r"entries    1,100 in 4,096 buckets, load 0\.27 of 1, growing: 300 of "
        r"1,024 old buckets evacuated\n[^$]*\nverdict    growing: 300 of 1,024",
        "hmap-dump stalled": r"paused     1 iterator[^$]*\nverdict    stalled: ",
        "hmap-dump shrinking": r"entries    50 in 64 buckets, [^\n]* shrinking: 400 of 1,024",
        "hmap-dump clustered": r"\nverdict    skewed: ",
        "hmap-dump members": r"  sds\nentries    1,500 ",
        'hmap-find growing -- "key:3"': r"key:3 is in bucket [\d,]+[^$]*\n  elem  0x[0-9a-f]+  -6",
        'hmap-find members -- "member:9"': r"member:9 is in bucket ",
        r'hmap-find binary -- "a\0c"': r"is in bucket \d",
        'hmap-find many -- "key:77777"': r"key:77777 is absent",
        "print $hmap_len(many)": r"= 5000\n",
        'hmap-dump server.db[0].dict["hash"].(dict)': r"  sds -> sds\nentries    500 ",
        'hmap-dump server.db[0].dict["sorted"].(zset).dict': r"\nentries    7 ",
        "hmap-dump names --elem-type long": r"  char \* -> long\n",
        "hmap-dump names --buckets 0-3 --elem-type long": r"name-\d+",
        f"hmap-layout growing --json {layout}": r"ht_size_exp",
        f"hmap-list --limit 0 --json {listing}": r"\n\d+ maps hold ",
    }
    exe = states(72, "gcc", "-O2")
    session = gdb_session(exe, [str(folder / "truth")], commands=[*STOP, *asked])
    for (command, pattern), outcome in zip(asked.items(), session[2:]):
        assert re.search(pattern, outcome.output), (command, outcome.output)
    rows = json.loads(listing.read_text("utf-8"))["maps"]
    found = {row["path"]: row["entries"] for row in rows}
    assert found["many"] == 5000 and found["members"] == 1500
    assert found["server.db->dict"] == 22 and found["fields"] == 500
    assert found['server.db->dict["sorted"].(zset).dict'] == 7


def test_a_program_without_debug_info_is_read_by_its_layout_file(folder: Path) -> None:
    exe, bare, file = states(72, "gcc", "-O2"), folder / "states", folder / "layout.json"
    subprocess.run(["strip", "--strip-debug", "-o", bare, exe], check=True)
    subprocess.run([HMAP_LAYOUT, exe, "--json", file], check=True)
    truth = folder / "truth"
    commands = [*STOP, f"hmap-layout load {file}"]
    for name in ("growing", "members", "pointers"):
        stem = folder / name
        stem.mkdir()
        commands.append(f"hmap-dump {name} --csv {stem}/occupancy.csv --entries {stem}/entries.csv")
    session = gdb_session(bare, [str(truth)], commands=commands)
    for name, outcome in zip(("growing", "members", "pointers"), session[3:]):
        assert_files_same(folder / name, truth / name)
        assert "  sds" in outcome.output or name == "pointers"
