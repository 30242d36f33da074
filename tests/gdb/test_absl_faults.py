"""Corrupt maps of Abseil: hmap-check reports the fault by invariant and address; hmap-dump goes on,
and neither hangs. gdb plants the faults in a map of tests/gdb/programs/absl_layouts.cc.

The invariants are those of geometry/control/map.py and docs/absl.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from cpp_programs import compiled
from harness import Fails, Outcome, Tries, gdb_session
from truth import problems_of_check

STOP = ("break fixture_stop", "run")
MAP = "v2024_07_some"
CAPACITY, SIZE, DELETED_SLOTS, WINDOW = 1023, 500, 100, 16
EMPTY, DELETED, SENTINEL = 0x80, 0xFE, 0xFF

HELPERS = f"""
import gdb
INFERIOR = gdb.selected_inferior()
COMMON = gdb.parse_and_eval("{MAP}.settings_.value")
HEAP = COMMON["heap_or_soo_"]["heap"]
CTRL, SLOTS = int(HEAP["control"]), int(HEAP["slot_array"]["p"])
UNDO = []
FIELDS = {{"size": COMMON["size_"], "capacity": COMMON["capacity_"], "control": HEAP["control"],
          "slots": HEAP["slot_array"]["p"]}}
LEFT = CTRL - 8
def field(name): return int(FIELDS[name].address)
def read(at, size=8): return bytes(INFERIOR.read_memory(at, size))
def write(at, data):
    UNDO.append((at, read(at, len(data))))
    INFERIOR.write_memory(at, data)
def add(at, number): word(at, int.from_bytes(read(at), "little") + number)
def word(at, number): write(at, number.to_bytes(8, "little"))
def byte(slot, number): write(CTRL + slot, bytes([number]))
def entry(slot): return SLOTS + slot * 8
def undo():
    while UNDO:
        at, data = UNDO.pop()
        INFERIOR.write_memory(at, data)
CONTROL = read(CTRL, {CAPACITY})
def tell(*numbers): print("planted", *(hex(number) for number in numbers))
"""


@dataclass(frozen=True)
class Fault:
    """A fault (Python in gdb, which tells the addresses that hmap-check must name), and the
    invariants that hmap-check must name."""

    name: str
    plant: str
    named: tuple[str, ...]


FAULTS = (
    Fault("count", "add(field('size'), -2); tell(field('size'))", ("R1",)),
    Fault("room", "add(LEFT, -7); tell(LEFT)", ("R5",)),
    Fault("more_than_it_takes", "add(LEFT, 400); tell(field('size'), LEFT)", ("R2", "R5")),
    Fault("no_control_byte", "byte(700, 0x95); tell(CTRL + 700)", ("R3",)),
    Fault("a_sentinel_inside", f"byte(700, {SENTINEL}); tell(CTRL + 700)", ("R3",)),
    Fault("entry_lost", f"byte(400, {EMPTY}); tell(LEFT, field('size'))", ("R1", "R5")),
    Fault("entry_deleted", f"byte(400, {DELETED}); tell(field('size'))", ("R1",)),
    Fault("no_sentinel", f"byte({CAPACITY}, {EMPTY}); tell(CTRL + {CAPACITY})", ("R4",)),
    Fault("clone", f"byte({CAPACITY + 4}, 1); tell(CTRL + {CAPACITY + 4})", ("R4",)),
    Fault(
        "key_twice",
        "write(entry(7), read(entry(3))); tell(entry(7), entry(3))",
        ("R9",),
    ),
    Fault(
        "no_slot_empty",
        f"write(CTRL, bytes({DELETED} if one == {EMPTY} else one for one in CONTROL));"
        "tell(CTRL, LEFT)",
        ("R5", "R6"),
    ),
)
REFUSED = (
    "word(field('capacity'), 1000)",
    "word(field('capacity'), (1 << 62) - 1)",
    "word(field('capacity'), (1 << 64) - 1 - 50)",
    "word(field('capacity'), 0)",
    "word(field('control'), 8)",
    "word(field('control'), 0xdead0000000)",
    "word(field('slots'), CTRL)",
    "word(field('slots'), 0xdead0000000)",
    "word(field('size'), 1 << 50)",
)
LARGER = "word(field('capacity'), (1 << 34) - 1)"  # than what is in memory


def assert_named(fault: Fault, addresses: list[str], check: Outcome) -> None:
    """Checks what hmap-check says of a fault."""
    problems = problems_of_check(check)
    assert sorted({name for name, _ in problems}) == sorted(fault.named), fault
    assert {address for _, address in problems} <= set(addresses), (fault, check.output)


def test_planted_faults_are_named(folder: Path) -> None:
    helpers = folder / "helpers.py"
    helpers.write_text(HELPERS)
    commands: list[str | Fails | Tries] = [*STOP, f"source {helpers}"]
    for fault in FAULTS:
        commands += [
            f"python {fault.plant}",
            f"hmap-check {MAP}",
            f"hmap-dump {MAP} --entries /dev/null",
            "python undo()",
        ]
    commands.append(f"hmap-check {MAP}")
    for poke in REFUSED:
        commands += [f"python {poke}", Fails(f"hmap-check {MAP}"), "python undo()"]
    commands += [f"python {LARGER}", Tries(f"hmap-check {MAP}"), Tries(f"hmap-dump {MAP}")]
    program = compiled(folder, "g++", "absl_layouts.cc")
    outcomes = gdb_session(program, commands=commands)[3:]
    for index, fault in enumerate(FAULTS):
        plant, check, dump, _ = outcomes[4 * index : 4 * index + 4]
        _, *addresses = plant.output.split()
        assert_named(fault, addresses, check)
        assert dump.error is None
        # What no longer can be found is not only counted: the verdict says what it looks like.
        assert fault.name != "entry_deleted" or "writer inside" in dump.output
    undone, *refused = outcomes[4 * len(FAULTS) :]
    assert undone.output == f"consistent: {SIZE} entries\n"
    for outcome in refused:
        if outcome.error is not None:
            assert "\n" not in outcome.error, outcome
            assert "is not a valid map" in outcome.error or "cannot read" in outcome.error, outcome
    for outcome in refused[-2:]:
        assert outcome.error is not None or re.search(
            r"^(Problem +)?(R\d|fault) 0x", outcome.output, re.M
        )
