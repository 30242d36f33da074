"""Corrupt maps of Qt: hmap-check reports the fault by invariant and address; hmap-dump continues.
gdb plants the faults in maps of fixtures/qt/states.cc.

The invariants are those of families/qt/audit.py and docs/qt.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness import Tries, gdb_session
from qt_programs import STOP, compiled, require_qt

require_qt()

PROBLEM = re.compile(r"([FQ]\d+|fault) (0x[0-9a-f]+): (\S.*)")

HELPERS = """
import gdb
INFERIOR = gdb.selected_inferior()
DATA = gdb.parse_and_eval("*thinned.d")
SPANS = int(DATA["spans"])
SIZE = gdb.parse_and_eval("sizeof(*thinned.d->spans)")
UNDO = []
def read(at, size): return bytes(INFERIOR.read_memory(at, size))
def write(at, data):
    UNDO.append((at, read(at, len(data))))
    INFERIOR.write_memory(at, data)
def undo():
    while UNDO:
        INFERIOR.write_memory(*UNDO.pop())
def word(at, number): write(at, number.to_bytes(8, "little"))
def field(name): return int(DATA[name].address)
def at(slot): return SPANS + slot // 128 * int(SIZE) + slot % 128
def number(slot): return read(at(slot), 1)[0]
def byte(slot, value): write(at(slot), bytes([value]))
SLOTS = int(DATA["numBuckets"])
LIVE = [slot for slot in range(SLOTS) if number(slot) != 255]
# Two in one span, and one that no other is beside.
PAIR = next((a, b) for a, b in zip(LIVE, LIVE[1:]) if a // 128 == b // 128 and b - a > 2)
def entry(slot):
    span = gdb.parse_and_eval(f"thinned.d->spans[{slot // 128}]")
    return int(span["entries"]) + number(slot) * int(span["entries"].type.target().sizeof)
def tell(*numbers): print("planted", *(hex(number) for number in numbers))
"""


@dataclass(frozen=True)
class Fault:
    """A fault (Python in gdb, which tells the addresses that hmap-check must name), and the
    invariants that it must name, in their order; `map`: where."""

    name: str
    plant: str
    named: tuple[str, ...]
    map: str = "thinned"


FAULTS = (
    Fault("count", "word(field('size'), 99); tell(field('size'))", ("F1",)),
    Fault("entry_lost", "byte(PAIR[0], 255); tell(field('size'))", ("F1",)),
    Fault("no_such_entry", "byte(PAIR[0], 254); tell(at(PAIR[0]))", ("Q1",)),
    Fault(
        "moved",
        "byte(PAIR[0] + 1, number(PAIR[0])); byte(PAIR[0], 255); tell(at(PAIR[0] + 1))",
        ("F5",),
    ),
    Fault(
        "same_entry",
        "byte(PAIR[1], number(PAIR[0])); tell(at(PAIR[1]), at(PAIR[1]), at(PAIR[1]))",
        ("Q2", "F5", "F6"),
    ),
    Fault(
        "key_twice",
        "write(entry(PAIR[1]), read(entry(PAIR[0]), 4)); tell(at(PAIR[1]), at(PAIR[1]))",
        ("F5", "F6"),
    ),
    Fault(
        "buckets",
        "at_words = int(gdb.parse_and_eval('&no_values.d->numBuckets')); word(at_words, 64);"
        " tell(at_words)",
        ("Q4",),
        "no_values",
    ),
    Fault(
        "values",
        "at_count = int(gdb.parse_and_eval('many.m_size').address); word(at_count, 7);"
        " tell(at_count)",
        ("Q3",),
        "many",
    ),
)
REFUSED = (
    ("word(field('numBuckets'), 100)", "is not a valid map: it has 100 buckets"),
    ("word(field('size'), 1 << 40)", "is not a valid map: it counts 1,099,511,627,776 entries"),
    ("word(field('spans'), 8)", "cannot read the spans of 'thinned'"),
    (
        "word(int(gdb.parse_and_eval('thinned.d').address) if 0 else"
        " int(gdb.parse_and_eval('&thinned')), 16)",
        "cannot read the map of 'thinned'",
    ),
)


def test_faults_are_named_and_the_rest_is_shown(folder: Path) -> None:
    commands = []
    for fault in FAULTS:
        commands += [
            f"python {fault.plant}",
            Tries(f"hmap-check {fault.map}"),
            f"hmap-dump {fault.map}",
            "python undo()",
            f"hmap-check {fault.map}",
        ]
    for plant, _ in REFUSED:
        commands += [f"python {plant}", Tries("hmap-check thinned"), "python undo()"]
    helpers = folder / "helpers.py"
    helpers.write_text(HELPERS, encoding="utf-8")
    start = [*STOP, f"source {helpers}"]
    session = gdb_session(
        compiled("g++", "-O0"), [str(folder / "truth")], commands=[*start, *commands]
    )
    outcomes = list(session[len(start) :])
    for fault in FAULTS:
        planted, check, dump, _, sound = outcomes[:5]
        del outcomes[:5]
        places = planted.output.split()[1:]
        found = PROBLEM.findall(check.output + (check.error or ""))
        assert [one[:2] for one in found] == list(zip(fault.named, places)), fault.name
        assert "entries  " in dump.output and dump.error is None, fault.name
        assert sound.output.startswith("consistent: "), fault.name
    for (_, text), (_, check, _) in zip(REFUSED, zip(*[iter(outcomes)] * 3)):
        assert text in (check.error or ""), check
