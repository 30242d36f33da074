"""Corrupt maps of Boost: hmap-check reports the fault by invariant and address; hmap-dump goes on,
and neither hangs. gdb plants the faults in maps of fixtures/boost.

The invariants are those of geometry/overflow/map.py, geometry/lists/map.py, families/boost and
docs/boost.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from boost_programs import OPEN, STOP, builds, compiled
from harness import Fails, Outcome, Tries, gdb_session
from truth import problems_of_check

BUILDS = builds()

HELPERS = """
import gdb
INFERIOR = gdb.selected_inferior()
UNDO = []
def read(at, size=8): return bytes(INFERIOR.read_memory(at, size))
def number(at): return int.from_bytes(read(at), "little")
def write(at, data):
    UNDO.append((at, read(at, len(data))))
    INFERIOR.write_memory(at, data)
def word(at, number): write(at, number.to_bytes(8, "little"))
def add(at, more): word(at, number(at) + more)
def byte(at, number): write(at, bytes([number]))
def undo():
    while UNDO:
        at, data = UNDO.pop()
        INFERIOR.write_memory(at, data)
def tell(*numbers): print("planted", *(hex(number) for number in numbers))
def at(value): return int(value.address)
def member(value, *names):
    return next(value[one] for one in names if one in {field.name for field in value.type.fields()})
"""

GROUPS = """
TABLE = gdb.parse_and_eval("flat_moved_to.table_")
ARRAYS = TABLE["arrays"]
META, SLOTS = (int(member(ARRAYS, one, one + "_")) for one in ("groups", "elements"))
INDEX, MASK = at(ARRAYS["groups_size_index"]), at(ARRAYS["groups_size_mask"])
META_AT, SLOTS_AT = (at(member(ARRAYS, one, one + "_")) for one in ("groups", "elements"))
SIZE, ML = at(TABLE["size_"]), at(TABLE["ml"])
COUNT = number(MASK) + 1
LAST = META + 16 * (COUNT - 1) + 14
FULL = [(g, k) for g in range(COUNT) for k in range(15) if read(META + 16 * g + k, 1)[0] > 1]
EMPTY = next((g, k) for g in range(COUNT) for k in range(15) if not read(META + 16 * g + k, 1)[0])
def meta(place): return META + 16 * place[0] + place[1]
def group(place): return META + 16 * place[0]
def slot(place): return SLOTS + 8 * (15 * place[0] + place[1])
PAST = [g for g in range(COUNT) if read(META + 16 * g + 15, 1)[0]]
"""

LISTS = """
TABLE = gdb.parse_and_eval("list_int.table_")
ARRAY = TABLE["buckets_"]
CELLS, GROUPS, BUCKETS = (int(ARRAY[one]) for one in ("buckets", "groups", "size_"))
CELLS_AT, BUCKETS_AT = at(ARRAY["buckets"]), at(ARRAY["size_"])
SIZE, ML, MLF = at(TABLE["size_"]), at(TABLE["max_load_"]), at(TABLE["mlf_"])
USED = [b for b in range(BUCKETS) if number(CELLS + 8 * b)]
FREE = [b for b in range(BUCKETS) if not number(CELLS + 8 * b)]
def cell(bucket): return CELLS + 8 * bucket
def node(bucket): return number(cell(bucket))
def bits(bucket): return GROUPS + 32 * (bucket // 64) + 8
"""

ONE_LIST = """
TABLE = gdb.parse_and_eval("list_int.table_")
CELLS, BUCKETS = int(TABLE["buckets_"]), int(TABLE["bucket_count_"])
SIZE, ML = at(TABLE["size_"]), at(TABLE["max_load_"])
CELLS_AT, BUCKETS_AT = at(TABLE["buckets_"]), at(TABLE["bucket_count_"])
HEAD = CELLS + 8 * BUCKETS
FIRST = number(HEAD)
"""


@dataclass(frozen=True)
class Fault:
    """A fault (Python in gdb, which tells the addresses that hmap-check must name), and the
    invariants that hmap-check must name."""

    name: str
    plant: str
    named: tuple[str, ...]


OF_GROUPS = (
    Fault("count", "add(SIZE, -2); tell(SIZE)", ("O1",)),
    Fault("load", "add(ML, 5000); tell(ML)", ("O2",)),
    Fault("more_than_it_takes", "word(ML, 10); tell(SIZE)", ("O2",)),
    Fault("no_sentinel", "byte(LAST, 0); tell(LAST - 14)", ("O3",)),
    Fault(
        "a_sentinel_inside",
        "byte(meta(EMPTY), 1); word(slot(EMPTY), (1 << 64) - 1); tell(SIZE, group(EMPTY))",
        ("O1", "O3", "O4"),
    ),
    Fault("entry_lost", "byte(meta(FULL[5]), 0); tell(SIZE)", ("O1",)),
    Fault(
        "byte",
        "old = read(meta(FULL[5]), 1)[0]; byte(meta(FULL[5]), old ^ 0x40); tell(group(FULL[5]))",
        ("O4",),
    ),
    Fault(
        "not_marked",
        "[byte(META + 16 * g + 15, 0) for g in PAST]; tell(*(META + 16 * g for g in range(COUNT)))",
        ("O5",),
    ),
    Fault(
        "key_twice",
        "write(slot(FULL[9]), read(slot(FULL[8]))); tell(slot(FULL[8]), slot(FULL[9]), "
        "group(FULL[9]))",
        ("O4", "O6"),
    ),
)
OF_LISTS = (
    Fault("count", "add(SIZE, -2); tell(SIZE)", ("L1",)),
    Fault("load", "add(ML, 5000); tell(ML)", ("L2",)),
    Fault("more_than_it_takes", "add(SIZE, 600); tell(SIZE)", ("L1", "L2")),
    Fault("wild_link", "word(node(USED[3]), 0x10); tell(0x10)", ("L3",)),
    Fault(
        "cycle", "word(node(USED[3]), node(USED[3])); tell(node(USED[3]), SIZE)", ("L1", "L3", "L4")
    ),
    Fault(
        "shared",
        "word(node(USED[3]), node(USED[4])); tell(node(USED[4]), node(USED[4]) + 8, SIZE)",
        ("L1", "L4", "L5"),
    ),
    Fault(
        "wrong_bucket",
        "word(cell(FREE[0]), node(USED[3])); word(cell(USED[3]), 0); "
        "tell(node(FREE[0]) + 8, bits(USED[3]), bits(FREE[0]))",
        ("L5", "L7"),
    ),
    Fault(
        "key_twice",
        "write(node(USED[3]) + 8, read(node(USED[4]) + 8)); "
        "tell(node(USED[3]) + 8, node(USED[4]) + 8)",
        ("L5", "L6"),
    ),
    Fault("group", "word(bits(USED[3]), 0); tell(bits(USED[3]))", ("L7",)),
)
OF_ONE_LIST = (
    Fault("count", "add(SIZE, -2); tell(SIZE)", ("U1",)),
    Fault("load", "add(ML, 5000); tell(ML)", ("U6",)),
    Fault("number", "add(FIRST + 8, 1); tell(FIRST + 8)", ("U5",)),
    Fault("key", "add(FIRST + 16, 1); tell(FIRST + 16)", ("U7",)),
)
REFUSED_GROUPS = (
    "word(MASK, 1000)",
    "word(INDEX, 3)",
    "word(META_AT, 8)",
    "word(META_AT, 0xdead0000000)",
    "word(SLOTS_AT, 0xdead0000000)",
    "word(SLOTS_AT, 0)",
    "word(SIZE, 1 << 50)",
)
REFUSED_LISTS = (
    "word(CELLS_AT, 0xdead0000000)",
    "word(CELLS_AT, 12)",
    "word(BUCKETS_AT, 1 << 62)",
    "word(CELLS_AT, 0)",
)


def assert_named(fault: Fault, addresses: list[str], check: Outcome) -> None:
    """Checks what hmap-check says of a fault."""
    problems = problems_of_check(check)
    assert sorted({name for name, _ in problems}) == sorted(fault.named), (fault, check.output)
    assert {address for _, address in problems} <= set(addresses), (fault, check.output)


CASES = {
    "groups": (GROUPS, "flat_moved_to", OF_GROUPS, REFUSED_GROUPS),
    "lists": (LISTS, "list_int", OF_LISTS, REFUSED_LISTS),
    "one_list": (ONE_LIST, "list_int", OF_ONE_LIST, REFUSED_LISTS),
}


@pytest.mark.parametrize("kind", CASES)
def test_planted_faults_are_named(kind: str, folder: Path) -> None:
    made = BUILDS[0]
    if kind == "one_list":
        older = [one for one in BUILDS if one.release.number < (1, 80)]
        if not older:
            pytest.skip(f"no Boost before {OPEN}")
        made = older[0]
    names, name, faults, refused = CASES[kind]
    helpers = folder / "helpers.py"
    helpers.write_text(HELPERS + names)
    (folder / "truth").mkdir()
    commands: list[str | Fails | Tries] = [*STOP, f"source {helpers}"]
    for fault in faults:
        commands += [
            f"python {fault.plant}",
            f"hmap-check {name}",
            f"hmap-dump {name} --entries /dev/null",
            "python undo()",
        ]
    commands.append(f"hmap-check {name}")
    for poke in refused:
        commands += [f"python {poke}", Fails(f"hmap-check {name}"), "python undo()"]
    outcomes = gdb_session(compiled(made), [str(folder / "truth")], commands=commands)[3:]
    for index, fault in enumerate(faults):
        plant, check, dump, _ = outcomes[4 * index : 4 * index + 4]
        _, *addresses = plant.output.split()
        assert_named(fault, addresses, check)
        assert dump.error is None
    undone, *rest = outcomes[4 * len(faults) :]
    assert undone.output in ("consistent: 1,000 entries\n", "consistent: 50 entries\n")
    for outcome in rest[1::3]:
        assert outcome.error is not None and "\n" not in outcome.error, outcome
        assert re.search("is not a valid map|cannot read", outcome.error), outcome
