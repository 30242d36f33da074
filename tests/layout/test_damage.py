"""Debug information damaged in one place: one line names the file and the place, and nothing hangs."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from matrix import Row
from tool import run_layout


def readelf(*words: str | Path) -> str:
    """The output of readelf."""
    return subprocess.run(
        ["readelf", "-W", *map(str, words)], check=True, capture_output=True, text=True
    ).stdout


def section(exe: Path, name: str) -> tuple[int, int]:
    """Where a section is in the file, and its size."""
    found = re.search(rf"\] {re.escape(name)}\s+\S+\s+\S+ (\S+) (\S+)", readelf("-S", exe))
    assert found is not None, name
    return int(found[1], 16), int(found[2], 16)


@dataclass(frozen=True)
class Sibling:
    """A DIE with DW_AT_sibling; offsets count from the start of .debug_info."""

    unit: int
    die: int
    end: int  # where the next DIE begins
    target: int


def siblings(exe: Path) -> list[Sibling]:
    """All DIEs with DW_AT_sibling."""
    out, unit, die, target = [], 0, 0, 0
    for line in readelf("--debug-dump=info", exe).splitlines():
        if found := re.search(r"Compilation Unit @ offset (?:0x)?([0-9a-f]+)", line):
            unit = int(found[1], 16)
        elif found := re.match(r" <[0-9a-f]+><([0-9a-f]+)>:", line):
            if target:
                out.append(Sibling(unit, die, int(found[1], 16), target))
            die, target = int(found[1], 16), 0
        elif found := re.search(r"DW_AT_sibling\s*: \S+ <0x([0-9a-f]+)>", line):
            target = int(found[1], 16)
    return out


def test_a_sibling_that_leads_back_is_an_error(tmp_path: Path) -> None:
    exe = Row("whole", "gcc -g").build(tmp_path)
    data, (start, _) = exe.read_bytes(), section(exe, ".debug_info")
    all_of_them = siblings(exe)
    first = all_of_them[0]
    last = [one for one in all_of_them if one.unit == first.unit][-1]
    value = (last.target - last.unit).to_bytes(4, "little")
    at = data.index(value, start + last.die, start + last.end)
    for back in (first.die, last.die):
        damaged = bytearray(data)
        damaged[at : at + 4] = (back - last.unit).to_bytes(4, "little")
        exe.write_bytes(damaged)
        error = run_layout(exe, status=2)
        assert error.startswith(f"malformed DWARF in '{exe}': ")
        if back == last.die:
            place = f"unit at 0x{last.unit:x}, DIE at 0x{last.die:x}: it is a child of the DIE at 0x"
            assert place in error


def test_broken_range_lists_are_never_read(tmp_path: Path) -> None:
    """libdwarf 20210528 frees what it has of them twice, and starts again, for ever."""
    exe = Row("whole", "gcc -gdwarf-5 -O2").build(tmp_path)
    whole = run_layout(exe, "--json")
    for name in (".debug_rnglists", ".debug_loclists"):
        offset, _ = section(exe, name)
        damaged = bytearray(exe.read_bytes())
        damaged[offset + 4 : offset + 6] = b"\x09\x00"  # the version
        exe.write_bytes(damaged)
        assert run_layout(exe, "--json") == whole, name
