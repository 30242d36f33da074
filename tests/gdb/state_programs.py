"""Programs of C and C++ that make maps in many states, told by `--list`, and write the truth of
each to a folder of its name."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from harness import gdb_session
from truth import assert_files_same, read_csv

STOP = ("break fixture_stop", "run")

# For Python in gdb: memory of the process, what is written to it and taken back, and addresses and
# numbers by expressions.
PLANTING = """
import gdb
INFERIOR = gdb.selected_inferior()
UNDO = []
def read(at, size): return bytes(INFERIOR.read_memory(at, size))
def write(at, data):
    UNDO.append((at, read(at, len(data))))
    INFERIOR.write_memory(at, data)
def undo():
    while UNDO:
        INFERIOR.write_memory(*UNDO.pop())
def word(at, number, size=8): write(at, (number % (1 << 8 * size)).to_bytes(size, "little"))
def at(text): return int(gdb.parse_and_eval("&(" + text + ")"))
def number(text): return int(gdb.parse_and_eval(text))
def tell(*numbers): print("planted", *(hex(number) for number in numbers))
"""


def names_of(exe: Path) -> list[str]:
    """The states of a program."""
    done = subprocess.run([exe, "--list"], check=True, capture_output=True, text=True)
    return done.stdout.split()


def check_all_states(
    exe: Path, folder: Path, names: Sequence[str] | None = None, from_core: bool = True
) -> None:
    """All states, or those of `names`, are as the program tells, and consistent: in the process,
    and in its core."""
    names = names_of(exe) if names is None else names
    truth, core = folder / "truth", folder / "core"
    commands: dict[str, list[str]] = {view: [] for view in ("live", "dead")[: 1 + from_core]}
    for view, asked in commands.items():
        for name in names:
            stem = folder / view / name
            stem.mkdir(parents=True)
            asked += [
                f"hmap-dump {name} --csv {stem}/occupancy.csv --entries {stem}/entries.csv",
                f"hmap-check {name}",
            ]
    opening = [f"generate-core-file {core}", "kill", f"core-file {core}"] if from_core else []
    dead = [*opening, *commands.get("dead", ())]
    session = gdb_session(exe, [str(truth)], commands=[*STOP, *commands["live"], *dead])
    count = len(commands["live"])
    outcomes = {"live": session[2 : 2 + count], "dead": session[-count:]}
    for view in commands:
        for name, check in zip(names, outcomes[view][1::2]):
            assert_files_same(folder / view / name, truth / name)
            entries = len(read_csv(truth / name / "entries.csv"))
            assert check.output.startswith(f"consistent: {entries:,} entries\n"), (name, check)
