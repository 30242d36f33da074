"""Corrupt GHashTables: hmap-check reports the fault by invariant and address; hmap-dump continues,
and neither hangs. gdb plants the faults in a map of fixtures/glib/states.c.

The invariants are those of geometry/flat/map.py, families/glib/family.py and docs/glib.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from glib_programs import STOP, compiled, require_glib
from harness import Fails, Outcome, Tries, gdb_session

require_glib()

MAP = "strings"
ENTRIES = 2000
PROBLEM = re.compile(r"(F\d+|fault) (0x[0-9a-f]+): (\S.*)")

# The program has GLib's struct in its debug info.
HELPERS = f"""
import gdb
INFERIOR = gdb.selected_inferior()
TABLE = gdb.parse_and_eval("*(struct _GHashTable *) {MAP}")
HASHES, KEYS, VALUES = (int(TABLE[name]) for name in ("hashes", "keys", "values"))
SLOTS = int(TABLE["size"])
UNDO = []
def field(name): return int(TABLE[name].address)
def read(at, size): return bytes(INFERIOR.read_memory(at, size))
def write(at, data):
    UNDO.append((at, read(at, len(data))))
    INFERIOR.write_memory(at, data)
def word(at, number, size=4): write(at, (number % (1 << 8 * size)).to_bytes(size, "little"))
def number(at, size=4): return int.from_bytes(read(at, size), "little")
def undo():
    while UNDO:
        at, data = UNDO.pop()
        INFERIOR.write_memory(at, data)
CODES = [number(HASHES + 4 * slot) for slot in range(SLOTS)]
LIVE = [slot for slot in range(SLOTS) if CODES[slot] > 1]
FREE = [slot for slot in range(SLOTS) if CODES[slot] == 0]
def move(slot, to):
    word(HASHES + 4 * to, CODES[slot])
    for array, width in ((KEYS, 8), (VALUES, 4)):
        write(array + width * to, read(array + width * slot, width))
    word(HASHES + 4 * slot, 0)
def far(slot):
    # Where no lookup of its key comes: behind the first slot that is free then.
    return next(free for free in FREE if abs(free - slot) > SLOTS // 3)
def tell(*numbers): print("planted", *(hex(number) for number in numbers))
"""


@dataclass(frozen=True)
class Fault:
    """A fault (Python in gdb, which tells the addresses that hmap-check must name), and the
    invariants that hmap-check must name, in their order, and those that it may."""

    name: str
    plant: str
    named: tuple[str, ...]
    may: tuple[str, ...] = ()


FAULTS = (
    # The tombstones are what is counted as used beyond that.
    Fault(
        "count",
        f"word(field('nnodes'), {ENTRIES - 1}); tell(field('nnodes'), field('noccupied'))",
        ("F1", "F2"),
    ),
    Fault(
        "used",
        f"word(field('noccupied'), {ENTRIES + 5}); tell(field('noccupied'))",
        ("F2",),
    ),
    Fault(
        "entry_lost",
        "word(HASHES + 4 * LIVE[3], 0); tell(field('nnodes'))",
        ("F1",),
        ("F5",),  # of entries that lookups reach only through the slot
    ),
    Fault(
        "entry_deleted",
        "word(HASHES + 4 * LIVE[3], 1); tell(field('nnodes'), field('noccupied'))",
        ("F1", "F2"),
    ),
    Fault(
        "no_slot_empty",
        "[word(HASHES + 4 * slot, 1) for slot in FREE]; tell(HASHES, field('noccupied'))",
        ("F2", "F3"),
    ),
    Fault(
        "another_hash",
        "s = LIVE[5]; word(HASHES + 4 * s, CODES[s] ^ 0x40); tell(HASHES + 4 * s)",
        ("F4",),
        ("F5",),
    ),
    Fault(
        "key_changed_in_place",
        "s = LIVE[6]; write(number(KEYS + 8 * s, 8), b'X'); tell(HASHES + 4 * s)",
        ("F4",),
    ),
    Fault("out_of_reach", "s = LIVE[9]; to = far(s); move(s, to); tell(HASHES + 4 * to)", ("F5",)),
    Fault(
        "key_twice",
        "a, b = LIVE[7:9]; word(KEYS + 8 * b, number(KEYS + 8 * a, 8), 8);"
        "word(HASHES + 4 * b, CODES[a]); tell(HASHES + 4 * b, KEYS + 8 * b, KEYS + 8 * a)",
        ("F6",),
        ("F5",),
    ),
    Fault("mod", "word(field('mod'), 4091); tell(field('mod'))", ("F7",), ("F5",)),
    Fault(
        "fuller_than_it_may_be",
        "word(field('noccupied'), SLOTS - 1); tell(field('noccupied'))",
        ("F2", "F8"),
    ),
    Fault(
        "wild_key", "s = LIVE[4]; word(KEYS + 8 * s, 0xdead0000, 8); tell(0xdead0000)", ("fault",)
    ),
)
REFUSED = (
    "word(field('size'), 1000)",
    "word(field('size'), 1 << 40, 8)",
    "word(field('mask'), 4)",
    "word(field('mod'), 0)",
    "word(field('nnodes'), -1)",
    "word(field('noccupied'), 1 << 30)",
    "word(field('hashes'), 8, 8)",
    "word(field('keys'), 0, 8)",
    "word(field('values'), 0xdead0000000, 8)",
)


def assert_named(fault: Fault, addresses: list[str], check: Outcome) -> None:
    """Checks what hmap-check says of a fault."""
    assert check.error is None and check.messages == "", check
    *lines, last = check.output.splitlines()
    lines = [line for line in lines if not line.startswith("fault: ")]  # how many more
    problems = [PROBLEM.fullmatch(line) for line in lines]
    assert all(problems) and problems, check.output
    names = [one[1] for one in problems if one is not None]
    assert last == "1 Problem" or last.endswith(" Problems")
    assert sorted(one for one in set(names) if one not in fault.may) == sorted(fault.named), fault
    told = {one[2] for one in problems if one is not None and one[1] not in fault.may}
    assert told <= set(addresses), (fault, addresses, check.output)


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
            f"hmap-check {MAP}",
        ]
    for poke in REFUSED:
        commands += [f"python {poke}", Fails(f"hmap-check {MAP}"), "python undo()"]
    program = compiled("clang", "-O2", "-DWITH_LAYOUT")
    outcomes = gdb_session(program, [str(folder / "truth")], commands=commands)[3:]
    for index, fault in enumerate(FAULTS):
        plant, check, dump, _, undone = outcomes[5 * index : 5 * index + 5]
        _, *addresses = plant.output.split()
        assert_named(fault, addresses, check)
        assert dump.error is None
        assert undone.output == f"consistent: {ENTRIES:,} entries\n", fault
    for refused in outcomes[5 * len(FAULTS) + 1 :: 3]:
        assert refused.error is not None and "\n" not in refused.error, refused
        assert "is not a valid map" in refused.error or "cannot read" in refused.error, refused
