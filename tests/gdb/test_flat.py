"""tsl::robin_map, ankerl::unordered_dense and LLVM's maps: gdb's files equal the ground truth that
the programs of fixtures/flat have written; planted faults are named.

All states of a program in one process, live and from its core.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from flat_programs import llvm, require_llvm, require_robin, robin
from harness import Fails, Tries, gdb_session
from state_programs import PLANTING, STOP, check_all_states

require_robin()
require_llvm()

BUILDS = (
    (robin, "g++", "-O0"),
    (robin, "clang++", "-O2", "-gdwarf-4"),
    (llvm, "clang++", "-O0"),
    (llvm, "g++", "-O2"),
)
FROM_CORE = BUILDS[0], BUILDS[2]


@pytest.mark.parametrize("by", BUILDS, ids=lambda by: "".join([by[0].__name__, *by[1:]]))
def test_view_equals_the_truth(by, folder: Path) -> None:
    check_all_states(by[0](*by[1:]), folder, from_core=by in FROM_CORE)


HELPERS = """
def first(count, test): return next(slot for slot in range(count) if test(slot))
"""
ROBIN = """
def distance(slot): return f"r_big.m_ht.m_buckets[{slot}].m_dist_from_ideal_bucket"
def bucket(slot): return f"u_big.m_buckets._M_impl._M_start[{slot}]"
LIVE = first(9000, lambda slot: number(distance(slot)) == 0)
FREE = first(9000, lambda slot: number(distance(slot)) == -1)
USED = first(4096, lambda slot: number(bucket(slot) + ".m_dist_and_fingerprint"))
NEXT = first(4096, lambda slot: slot > USED and number(bucket(slot) + ".m_dist_and_fingerprint"))
"""
LLVM = """
def key(slot): return f"d_big.Buckets[{slot}].first"
def entry(slot): return f"m_big.TheTable[{slot}]"
LIVE = first(4096, lambda slot: number(key(slot)) != 0x7fffffff)
NEXT = first(4096, lambda slot: slot > LIVE and number(key(slot)) != 0x7fffffff)
ITEM = first(4096, lambda slot: number(entry(slot)))
HASH = number("m_big.TheTable") + 8 * (number("m_big.NumBuckets") + 1) + 4 * ITEM
"""
# The map, Python that plants a fault, an address that hmap-check must name, and the invariants.
FAULTS = {
    robin: (
        ("r_big", "word(at('r_big.m_ht.m_nb_elements'), 9)",
         "at('r_big.m_ht.m_nb_elements')", {"F1"}),
        ("r_big", "word(at('r_big.m_ht.m_load_threshold'), 9)",
         "at('r_big.m_ht.m_load_threshold')", {"F9"}),
        ("r_big", "word(at(distance(LIVE)), 3, 2)", "at(distance(LIVE))", {"F4", "F10"}),
        ("r_big", "word(at(distance(FREE)), 0, 2)", "at(distance(FREE))", {"F1", "F4"}),
        ("r_big", "word(at(distance(LIVE)) + 2, 1, 1)", "at(distance(LIVE)) + 2", {"F11"}),
        ("u_big", "word(at(bucket(USED) + '.m_value_idx'), 99999, 4)",
         "at(bucket(USED))", {"F12"}),
        ("u_big", "word(at(bucket(USED) + '.m_value_idx'), "
         "number(bucket(NEXT) + '.m_value_idx'), 4)", "at(bucket(NEXT))", {"F6", "F12"}),
        ("u_big", "word(at(bucket(USED)), 0x900, 4)", "at(bucket(USED))", {"F10"}),
        ("u_big", "word(at('u_big.m_shifts'), 9, 1)", "at('u_big.m_shifts')", {"F9"}),
    ),
    llvm: (
        ("d_big", "word(at('d_big.NumEntries'), 2999, 4)", "at('d_big.NumEntries')", {"F1"}),
        ("d_big", "word(at('d_big.NumTombstones'), 1, 4)", "at('d_big.NumTombstones')", {"F2"}),
        ("d_big", "word(at('d_big.NumTombstones'), 1000, 4)", "at('d_big.NumEntries')", {"F9"}),
        ("d_big", "word(at(key(NEXT)), number(key(LIVE)), 4)", "at(key(NEXT))", {"F6"}),
        ("m_big", "word(at('m_big.NumItems'), 2999, 4)", "at('m_big.NumItems')", {"F1"}),
        ("m_big", "word(at(entry(ITEM)), -8)", "at('m_big.NumTombstones')", {"F1", "F2"}),
        ("m_big", "word(HASH, number(f'*(unsigned *) {HASH}') ^ 2048, 4)",
         "at(entry(ITEM))", {"F5"}),
    ),
}  # fmt: skip
REFUSED = {
    robin: (
        ("r_big", "word(at('r_big.m_ht.m_bucket_count'), 9)", "it counts 3,000 entries in 9"),
        ("r_big", "word(at('r_big.m_ht.m_buckets'), 8)", "cannot read the slots of 'r_big'"),
        ("u_big", "word(at('u_big.m_buckets._M_impl._M_finish'), 8)", "its slots are from"),
        ("u_big", "word(at('u_big.m_values._M_impl._M_finish'), 8)", "its entries are from"),
    ),
    llvm: (
        ("d_big", "word(at('d_big.NumBuckets'), 100, 4)", "it counts 3,000 entries in 100"),
        ("d_big", "word(at('d_big.Buckets'), 8)", "cannot read the slots of 'd_big'"),
        ("m_big", "word(at('m_big.NumBuckets'), 100, 4)", "it counts 3,000 entries in 100"),
        ("m_big", "word(at('m_big.TheTable'), 8)", "cannot read the slots of 'm_big'"),
    ),
}


@pytest.mark.parametrize("program", [robin, llvm], ids=["robin", "llvm"])
def test_faults_are_named_and_walks_end(program, folder: Path) -> None:
    helpers = folder / "helpers.py"
    helpers.write_text(PLANTING + HELPERS + (ROBIN if program is robin else LLVM), encoding="utf-8")
    start = [*STOP, f"source {helpers}"]
    commands = []
    for name, plant, tell, _ in FAULTS[program]:
        commands += [
            f"python {plant}; tell({tell})",
            Tries(f"hmap-check {name}"),
            f"hmap-dump {name}",
            f"hmap-dump {name} --buckets 0-20",
            "python undo()",
            f"hmap-check {name}",
        ]
    for name, plant, _ in REFUSED[program]:
        commands += [f"python {plant}", Fails(f"hmap-check {name}"), "python undo()"]
    exe = program("g++", "-O0") if program is robin else program("clang++", "-O0")
    session = gdb_session(exe, [str(folder / "truth")], commands=[*start, *commands])
    outcomes = list(session[len(start) :])
    for _, plant, _, names in FAULTS[program]:
        planted, check, dump, _, _, sound = outcomes[:6]
        del outcomes[:6]
        found = re.findall(r"(F\d+) (0x[0-9a-f]+): ", check.output + (check.error or ""))
        assert {name for name, _ in found} >= names, (plant, check)
        assert planted.output.split()[1] in {where for _, where in found}, (plant, check)
        assert "entries  " in dump.output and dump.error is None
        assert sound.output.startswith("consistent: 3,000 entries"), plant
    for _, _, text in REFUSED[program]:
        assert text in str(outcomes[1].error), outcomes[1]
        del outcomes[:3]


ASKED = {
    robin: {
        "hmap-find r_big -- 77": r"77 is in slot 77, distance at 0x[0-9a-f]+ \(by its hash\)",
        "hmap-find r_big -- 78": r"78 is absent",
        'hmap-find r_texts -- "key-9"': r"elem  0x[0-9a-f]+  \{x = 9, y = 4\.5\}",
        "hmap-find u_segmented -- 77": r"\(3,000 entries compared\)\n[^$]*  5\.5\n",
        'print $hmap_get(u_texts, "key-7").x': r"= 7\n",
        "print $hmap_len(u_thinned)": r"= 300\n",
        "hmap-dump r_clustered": r"\nverdict    skewed: ",
        "hmap-dump r_thinned": r"live 3\.7%   deleted 0\.0%",
        "hmap-dump r_set --buckets 0-0": r"run 0  0x[0-9a-f]+\n    0  0x00 live",
        "hmap-layout r_big": r"m_dist_from_ideal_bucket",
        "hmap-layout u_big": r"m_dist_and_fingerprint",
    },
    llvm: {
        "hmap-find d_big -- 77": r"77 is in slot [\d,]+, key at 0x[0-9a-f]+ \(3,000 entries",
        "hmap-find d_pairs -- {3, -3}": r"\{first = 3, second = -3\}",
        'hmap-find m_big -- "key-9"': r"key-9 is in slot [\d,]+, pointer at 0x",
        'print $hmap_get(m_points, "point-7").y': r"= 3\.5\n",
        'print $hmap_get(d_refs, "word-7").x': r"= 7\n",
        "print $hmap_len(d_set)": r"= 300\n",
        "hmap-dump d_deleted": r"deleted 54\.9%[^$]*\nverdict    emptied: ",
        "hmap-dump m_deleted --buckets 0-3": r"deleted",
        "hmap-dump s_small": r"entries    3 in 1 run, [^$]*\nmemory     72 bytes held, wasted 0",
        "hmap-layout d_big": r"NumTombstones",
        "hmap-layout m_big": r"ItemSize",
    },
}
FOUND = {
    robin: {"server.counts": 1, "server.shards[1]": 1, 'server.groups["staff"]': 1},
    llvm: {'module.tables["first"]': 1, "module.lists[1]": 1, "module.tables": 1},
}


@pytest.mark.parametrize("program", [robin, llvm], ids=["robin", "llvm"])
def test_maps_are_found_and_keys_looked_up(program, folder: Path) -> None:
    listing = folder / "list.json"
    asked = ASKED[program] | {f"hmap-list --limit 0 --json {listing}": r"\n\d+ maps hold "}
    exe = program("g++", "-O0") if program is robin else program("clang++", "-O0")
    paths = [f"hmap-dump {path}" for path in FOUND[program]]
    session = gdb_session(exe, [str(folder / "truth")], commands=[*STOP, *asked, *paths])
    for (command, pattern), outcome in zip(asked.items(), session[2:]):
        assert re.search(pattern, outcome.output), (command, outcome.output)
    rows = json.loads(listing.read_text("utf-8"))["maps"]
    found = {row["path"]: row["entries"] for row in rows}
    assert found.items() >= FOUND[program].items(), sorted(found)
    for outcome in session[-len(paths) :]:
        assert "\nentries    1 in " in outcome.output
