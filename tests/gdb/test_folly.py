"""folly's F14 maps, in a program of their structs: each layout is read, and faults are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpp_programs import compiled
from harness import Fails, gdb_session
from truth import problems_of_check, read_csv

STOP = ("break fixture_stop", "run")
# What was put into the maps of f14_layouts.cc.
SIZES = {
    "values": 700,
    "one": 1,
    "full": 14,
    "nodes": 90,
    "vectors": 300,
    "set": 75,
    "old_values": 700,
    "old_vectors": 300,
    "empty": 0,
    "old_empty": 0,
}
HELPERS = """
import gdb
INFERIOR, UNDO = gdb.selected_inferior(), []
TABLE = gdb.parse_and_eval("values.table_")
CHUNKS, SIZE = int(TABLE["chunks_"]), int(TABLE["sizeAndChunkShiftAndPackedBegin_"].address)
STRIDE = 128
def read(at, size=1): return bytes(INFERIOR.read_memory(at, size))
def write(at, data):
    UNDO.append((at, read(at, len(data))))
    INFERIOR.write_memory(at, data)
def byte(at, number): write(at, bytes([number]))
def size(number, shift): write(SIZE, (number << 8 | shift).to_bytes(8, "little"))
def undo():
    while UNDO: INFERIOR.write_memory(*UNDO.pop())
FULL = next(at for at in range(CHUNKS, CHUNKS + 14) if read(at)[0])
ITEM = CHUNKS + 16 + 8 * (FULL - CHUNKS)
"""
FAULTS = {
    "size(698, 6)": {"O1"},
    "size(769, 6)": {"O1", "O2"},
    "byte(FULL, 0)": {"O1"},
    "write(ITEM, read(CHUNKS + STRIDE + 16, 4))": {"O6"},
    "[byte(CHUNKS + STRIDE * one + 15, 0) for one in range(64)]": {"O7"},
}
REFUSED = ("size(700, 50)", "size(5000, 6)", "size(700, 0)", "write(SIZE - 8, bytes(8))")


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_maps_of_all_layouts_are_read(compiler: str, folder: Path) -> None:
    program = compiled(folder, compiler, "f14_layouts.cc")
    commands: list[str | Fails] = [*STOP]
    for name in SIZES:
        commands += [f"hmap-dump {name} --entries {folder}/{name}.csv", f"hmap-check {name}"]
    commands += ["hmap-list", "hmap-find nodes -- 77", "print $hmap_get(vectors, 7)"]
    helpers = folder / "helpers.py"
    helpers.write_text(HELPERS)
    commands.append(f"source {helpers}")
    for fault in FAULTS:
        commands += [f"python {fault}", "hmap-check values", "python undo()"]
    for fault in REFUSED:
        commands += [f"python {fault}", Fails("hmap-check values"), "python undo()"]
    session = gdb_session(program, commands=commands)[2:]
    for (name, size), dump, check in zip(SIZES.items(), session[::2], session[1::2]):
        assert check.output == f"consistent: {size} entries\n", (name, check.output)
        assert "Problem" not in dump.output
        found = {int(row["key"]): row["value"] for row in read_csv(folder / f"{name}.csv")}
        assert sorted(found) == list(range(size)), name
        assert name == "set" or all(int(value) == -key for key, value in found.items()), name
    listing, find, got, _, *rest = session[2 * len(SIZES) :]
    assert "folly" not in listing.output and "old_values   int -> int" in listing.output
    assert "77 is in group" in find.output and "(90 entries compared)" in find.output
    assert got.output == "$1 = -7\n"
    for (fault, named), check in zip(FAULTS.items(), rest[1::3]):
        assert {one for one, _ in problems_of_check(check)} == named, (fault, check.output)
    for check in rest[3 * len(FAULTS) + 1 :: 3]:
        assert check.error is not None and "\n" not in check.error, check
