"""Corrupt containers of libc++: hmap-check reports the fault by invariant and address, hmap-dump
continues, and neither hangs. gdb plants the faults in states of fixtures/cpp.

The invariants are those of families/libcxx/unordered.py, geometry/nodes/map.py and docs/cpp.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness import Fails, Outcome, Tries, gdb_session
from libcxx_programs import states
from test_cpp_fixtures import AT_STOP

PROBLEM = re.compile(r"(U\d|fault) (0x[0-9a-f]+): (\S.*)")
WILD = 0xDEAD0000000

HELPERS = f"""
import gdb
def read(at): return int.from_bytes(gdb.selected_inferior().read_memory(at, 8), "little")
def put(at, value): gdb.selected_inferior().write_memory(at, value.to_bytes(8, "little"))
def write(at, value):
    UNDO.append((at, read(at)))
    put(at, value)
def undo():
    while UNDO:
        put(*UNDO.pop())
UNDO = []
# The members of a table, in the order in which all versions have them.
CELLS, COUNT, HEAD, SIZE, LOAD = 0, 8, 16, 24, 32
# Those of a node.
NEXT, HASH, KEY = 0, 8, 16
def table(name): return int(gdb.parse_and_eval(f"(unsigned long) &{{name}}"))
def cell(name, bucket): return read(table(name) + CELLS) + 8 * bucket
def run(name, bucket):
    # The nodes of a bucket, and the cells of the buckets: by the list and the cells alone.
    at, count = read(table(name) + CELLS), read(table(name) + COUNT)
    befores = {{read(at + 8 * n) for n in range(count)}}
    node = read(read(cell(name, bucket)))
    nodes = [node]
    while node not in befores and read(node):
        node = read(node)
        nodes.append(node)
    return nodes
def bucket_with(name, least):
    count = read(table(name) + COUNT)
    return next(n for n in range(count) if read(cell(name, n)) and len(run(name, n)) >= least)
def tell(*numbers): print("planted", *(hex(number) for number in numbers))
WILD = {WILD}
S = "map_string"
"""


@dataclass(frozen=True)
class Fault:
    """A fault (Python in gdb, which tells the addresses that hmap-check must name), and the
    invariants besides U1 that hmap-check reports for it; `count`: U1 too."""

    name: str
    state: str
    plant: str
    named: tuple[str, ...]
    count: bool = False


FAULTS = (
    Fault("count", "map_string", "at = table(S) + SIZE; write(at, 999); tell(at)", (), True),
    Fault(
        "wrong_stored_code",
        "map_string",
        "n = run(S, bucket_with(S, 2))[1]; write(n + HASH, read(n + HASH) + 1); tell(n + HASH)",
        ("U5",),
    ),
    Fault(
        "key_changed_in_place",
        "map_int",
        "n = run('map_int', bucket_with('map_int', 1))[0];"
        "write(n + KEY, read(n + KEY) + 1); tell(n + KEY)",
        ("U7",),
    ),
    Fault(
        "cycle",
        "map_string",
        "n = run(S, bucket_with(S, 3)); write(n[1], n[0]); tell(n[0])",
        ("U4",),
        True,
    ),
    Fault(
        "wild_link",
        "map_string",
        "n = run(S, bucket_with(S, 2))[0]; write(n, WILD); tell(WILD)",
        ("fault",),
        True,
    ),
    Fault(
        "misaligned_link",
        "map_string",
        "n = run(S, bucket_with(S, 2))[0]; write(n, read(n) + 1); tell(n)",
        ("U4",),
        True,
    ),
    Fault(
        "list_cut",
        "map_string",
        "n = run(S, bucket_with(S, 3)); write(n[0], 0); tell(n[0])",
        ("U4",),
        True,
    ),
    Fault(
        "wild_cell",
        "map_string",
        "c = cell(S, bucket_with(S, 1)); write(c, WILD + 1); tell(c)",
        ("U3",),
    ),
    Fault(
        "two_cells_alike",
        "map_string",
        "b = bucket_with(S, 1); o = next(n for n in range(b + 1, 1000) if not read(cell(S, n)));"
        "write(cell(S, o), read(cell(S, b))); tell(cell(S, b))",
        ("U3",),
    ),
    Fault(
        "more_than_the_load_allows",
        "map_int",
        "write(table('map_int') + SIZE, 5000); tell(table('map_int') + SIZE)",
        ("U6",),
        True,
    ),
    Fault(
        "no_load",
        "map_int",
        "write(table('map_int') + LOAD, 0); tell(table('map_int') + LOAD)",
        ("U6",),
    ),
    Fault(
        "one_bucket",
        "one",
        "write(table('one') + COUNT, 1); tell(table('one') + COUNT)",
        ("U2",),
    ),
)
REFUSED = (
    "write(table('map_int') + CELLS, 0)",
    "write(table('map_int') + CELLS, 8)",
    "write(table('map_int') + CELLS, 0x7ffffffff000)",
    "write(table('map_int') + COUNT, 0)",
    "write(table('map_int') + COUNT, (1 << 64) - 1)",
    "write(table('empty') + SIZE, 3)",
    "write(table('empty') + LOAD, 0)",  # as in memory that is all zero
)


def assert_named(fault: Fault, planted: list[str], check: Outcome) -> None:
    assert planted and check.error is None and check.messages == "", check
    *lines, last = check.output.splitlines()
    found = [PROBLEM.fullmatch(line) for line in lines]
    assert all(found) and last.endswith(("Problem", "Problems")), check.output
    problems = [(one[1], one[2]) for one in found if one]
    others = [one for one in problems if one[0] != "U1"]
    assert {one[0] for one in others} >= set(fault.named), check.output
    assert ("U1" in {one[0] for one in problems}) >= fault.count, check.output
    for address in planted:
        assert address in {one[1] for one in problems}, check.output
    # Consequences of a fault are not reported again.
    assert len(others) <= 1 + len(fault.named), check.output


def test_faults_are_named(folder: Path) -> None:
    helpers = folder / "helpers.py"
    helpers.write_text(HELPERS)
    commands: list[str | Fails | Tries] = [*AT_STOP, f"source {helpers}"]
    for fault in FAULTS:
        commands += [
            f"python {fault.plant}",
            f"hmap-check {fault.state}",
            f"hmap-dump {fault.state} --entries /dev/null",
            "python undo()",
            f"hmap-check {fault.state}",
        ]
    for poke in REFUSED:
        state = re.findall(r"'(\w+)'", poke)[0]
        commands += [f"python {poke}", Fails(f"hmap-check {state}"), "python undo()"]
    used = ("map_int", "map_string", "one", "empty")
    outcomes = gdb_session(states(), [str(folder), *used], commands=commands)[3:]
    for index, fault in enumerate(FAULTS):
        plant, check, dump, _, undone = outcomes[5 * index : 5 * index + 5]
        assert_named(fault, plant.output.split()[1:], check)
        assert re.search(r"^entries +[\d,]+ in ", dump.output, re.MULTILINE), dump.output
        assert undone.output.startswith("consistent: "), (fault, undone)
    for outcome in outcomes[5 * len(FAULTS) + 1 :: 3]:
        assert outcome.error is not None and "\n" not in outcome.error, outcome
        assert "is not a valid map" in outcome.error, outcome
