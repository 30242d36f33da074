"""Corrupt maps of Rust: hmap-check reports the fault by invariant and address; hmap-dump continues,
and neither hangs. gdb plants the faults in a map of fixtures/rust/states.rs.

The invariants are those of geometry/control/map.py and docs/rust.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness import Fails, Outcome, Tries, gdb_session
from rust_programs import SOURCE, STOP, compiled, toolchains

RUSTS = toolchains()
MAP = "states::STATES.map_u64"
PROBLEM = re.compile(r"(R\d+|fault) (0x[0-9a-f]+): (\S.*)")
SIZE = 16  # of an entry
EMPTY, DELETED = 0xFF, 0x80

HELPERS = f"""
import gdb
gdb.execute("set language c++")
INFERIOR = gdb.selected_inferior()
TABLE = gdb.parse_and_eval("{MAP}.base.table.table")
CTRL = int(TABLE["ctrl"]["pointer"])
SLOTS = int(TABLE["bucket_mask"]) + 1
PAIR = gdb.lookup_type("(u64, u64)")
KEY = next(one.bitpos // 8 for one in PAIR.fields() if one.name == "__0")
UNDO = []
def field(name): return int(TABLE[name].address)
def read(at, size=8): return bytes(INFERIOR.read_memory(at, size))
def write(at, data):
    UNDO.append((at, read(at, len(data))))
    INFERIOR.write_memory(at, data)
def add(at, number): write(at, (int.from_bytes(read(at), "little") + number).to_bytes(8, "little"))
def word(at, number): write(at, number.to_bytes(8, "little"))
def byte(slot, number): write(CTRL + slot, bytes([number]))
def entry(slot): return CTRL - (slot + 1) * {SIZE}
def undo():
    while UNDO:
        at, data = UNDO.pop()
        INFERIOR.write_memory(at, data)
CONTROL = read(CTRL, SLOTS)
# Behind those that have clones.
FULL = [slot for slot in range(64, SLOTS) if CONTROL[slot] < 0x80]
FREE = [slot for slot in range(64, SLOTS) if CONTROL[slot] == {EMPTY}]
def move(slot):
    # Far from its home, to where lookups of its key do not come: each window before has an empty
    # slot.
    to = min(FREE, key=lambda free: abs((free - slot) % SLOTS - SLOTS // 2))
    write(entry(to), read(entry(slot), {SIZE}))
    byte(to, CONTROL[slot])
    byte(slot, {EMPTY})
    return to
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
    Fault("count", "add(field('items'), -1); tell(field('items'))", ("R1",)),
    Fault("room", "add(field('growth_left'), -7); tell(field('growth_left'))", ("R5",)),
    Fault(
        "more_than_the_table_takes",
        "add(field('growth_left'), 100); tell(field('items'), field('growth_left'))",
        ("R2", "R5"),
    ),
    Fault(
        "another_control_byte",
        "s = FULL[0]; byte(s, CONTROL[s] ^ 0x15); tell(CTRL + s)",
        ("R7",),
    ),
    Fault("no_control_byte", "s = FREE[0]; byte(s, 0x95); tell(CTRL + s)", ("R3",)),
    Fault(
        "entry_lost",
        f"byte(FULL[3], {EMPTY}); tell(field('growth_left'), field('items'))",
        ("R1", "R5"),
        ("R8",),  # of entries that lookups reach only through the window
    ),
    Fault("entry_deleted", f"byte(FULL[3], {DELETED}); tell(field('items'))", ("R1",)),
    Fault(
        "clone",
        "at = CTRL + SLOTS + 3; write(at, bytes([read(at, 1)[0] ^ 1])); tell(at)",
        ("R4",),
    ),
    Fault(
        "key_changed_in_place",
        "s = FULL[5]; add(entry(s) + KEY, 1 << 40); tell(CTRL + s)",
        (),
        ("R7", "R8"),
    ),
    Fault(
        "key_twice",
        "a, b = FULL[7:9]; write(entry(b), read(entry(a), 16));"
        "tell(CTRL + b, max(entry(a), entry(b)) + KEY, min(entry(a), entry(b)) + KEY)",
        ("R9",),
        ("R7", "R8"),
    ),
    Fault("out_of_reach", "s = move(FULL[9]); tell(CTRL + s)", ("R8",)),
    Fault(
        "no_slot_empty",
        f"write(CTRL, bytes({DELETED} if one == {EMPTY} else one for one in CONTROL));"
        "tell(CTRL, field('growth_left'), *range(CTRL + SLOTS, CTRL + SLOTS + 16))",
        ("R5", "R6"),
        ("R4",),
    ),
)
REFUSED = (
    "word(field('bucket_mask'), 1000)",
    "word(field('bucket_mask'), (1 << 62) - 1)",
    "word(field('bucket_mask'), 0)",
    "word(field('ctrl'), 8)",
    "word(field('ctrl'), 0)",
    "word(field('ctrl'), 0xdead0000000)",
    "word(field('items'), 1 << 50)",
)
LARGER = "word(field('bucket_mask'), (1 << 34) - 1)"  # than what is in memory


def assert_named(fault: Fault, addresses: list[str], check: Outcome) -> None:
    """Checks what hmap-check says of a fault."""
    assert check.error is None and check.messages == "", check
    *lines, last = check.output.splitlines()
    problems = [PROBLEM.fullmatch(line) for line in lines]
    assert all(problems) and problems, check.output
    names = [one[1] for one in problems if one is not None]
    assert last == ("1 Problem" if len(lines) == 1 else f"{len(lines):,} Problems")
    assert sorted(one for one in set(names) if one not in fault.may) == sorted(fault.named)
    told = {one[2] for one in problems if one is not None and one[1] != "R8"}
    assert told <= set(addresses) or fault.named == ("R8",), (fault, addresses, check.output)


def test_planted_faults_are_named(folder: Path) -> None:
    helpers = folder / "helpers.py"
    helpers.write_text(HELPERS)
    commands: list[str | Fails | Tries] = [*STOP, f"source {helpers}"]
    for fault in FAULTS:
        commands += [
            f"python {fault.plant}",
            f"hmap-check {MAP}",
            f"hmap-dump {MAP} --entries /dev/null",
            f"generate-core-file {folder}/{fault.name}.core",
            "python undo()",
            f"hmap-check {MAP}",
        ]
    commands.append("kill")
    for fault in FAULTS:
        commands += [f"core-file {folder}/{fault.name}.core", f"hmap-check {MAP}"]
    program = compiled(RUSTS[-1], SOURCE / "states.rs")
    outcomes = gdb_session(program, [str(folder / "truth")], commands=commands)[3:]
    live, core = outcomes[: 6 * len(FAULTS)], outcomes[6 * len(FAULTS) + 1 :]
    for index, fault in enumerate(FAULTS):
        plant, check, dump, _, _, undone = live[6 * index : 6 * index + 6]
        _, *addresses = plant.output.split()
        assert_named(fault, addresses, check)
        assert dump.error is None
        assert undone.output == "consistent: 1,000 entries\n", fault
        assert_named(fault, addresses, core[2 * index + 1])
        # What no longer can be found is not only counted: the verdict says what it looks like.
        assert ("writer inside" in dump.output) == (fault.name == "entry_deleted")


def test_garbage_in_the_header_is_refused_or_told(folder: Path) -> None:
    helpers = folder / "helpers.py"
    helpers.write_text(HELPERS)
    commands: list[str | Fails | Tries] = [*STOP, f"source {helpers}"]
    for poke in REFUSED:
        commands += [
            f"python {poke}",
            Fails(f"hmap-check {MAP}"),
            Fails(f"hmap-dump {MAP}"),
            "python undo()",
        ]
    commands += [f"python {LARGER}", Tries(f"hmap-check {MAP}"), Tries(f"hmap-dump {MAP}")]
    program = compiled(RUSTS[-1], SOURCE / "states.rs")
    outcomes = gdb_session(program, [str(folder / "truth")], commands=commands)
    for outcome in outcomes:
        if outcome.error is not None:
            assert "\n" not in outcome.error, outcome
            assert "is not a valid map" in outcome.error or "cannot read" in outcome.error, outcome
    for outcome in outcomes[-2:]:
        assert outcome.error is not None or re.search(
            r"^(Problem +)?(R\d|fault) 0x", outcome.output, re.M
        )
