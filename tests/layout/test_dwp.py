"""Names in a .dwp of DWARF 4, in any order of the compiler's strings."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from matrix import Row, run
from tool import run_layout

UNITS = 3  # sample.c, other.c, registry.c
INDEX, OFFSETS, STRINGS = ".debug_cu_index", ".debug_str_offsets.dwo", ".debug_str.dwo"
DW_SECT_STR_OFFSETS = 6


def contributions(index: bytes) -> list[int]:
    """Where each unit's string offsets begin, by the index of the units (version 2)."""
    version, columns, units, slots = struct.unpack_from("<4I", index)
    assert (version, units) == (2, UNITS)
    table = 16 + slots * 12  # after the header, the ids of the units and their rows
    rows = [
        struct.unpack_from(f"<{columns}I", index, table + row * columns * 4)
        for row in range(units + 1)
    ]
    column = rows[0].index(DW_SECT_STR_OFFSETS)
    return sorted(row[column] for row in rows[1:])


def make_look_like_a_header(dwp: Path, unit: int) -> None:
    """Moves two strings of a unit so that their offsets look like the header that DWARF 5 has
    there: length and version 5. gcc orders strings by hash, so this also happens by chance."""
    parts = {name: dwp.with_suffix(name) for name in (INDEX, OFFSETS, STRINGS)}
    dump = [f"--dump-section={name}={path}" for name, path in parts.items()]
    run(["objcopy", *dump, str(dwp)], dwp.parent)
    strings = parts[STRINGS].read_bytes()
    offsets = list(
        struct.unpack(f"<{parts[OFFSETS].stat().st_size // 4}I", parts[OFFSETS].read_bytes())
    )
    first = contributions(parts[INDEX].read_bytes())[unit] // 4
    length, version = (
        strings[at : strings.index(b"\0", at) + 1] for at in offsets[first : first + 2]
    )
    moved = b"four\0" + version + length
    offsets = [at + len(moved) for at in offsets]
    offsets[first : first + 2] = len(b"four\0" + version), 5
    parts[STRINGS].write_bytes(moved + strings)
    parts[OFFSETS].write_bytes(struct.pack(f"<{len(offsets)}I", *offsets))
    update = [f"--update-section={name}={parts[name]}" for name in (OFFSETS, STRINGS)]
    run(["objcopy", *update, str(dwp)], dwp.parent)


@pytest.mark.parametrize("unit", range(UNITS))
def test_offsets_of_strings_are_not_taken_for_a_header(unit: int, tmp_path: Path) -> None:
    flags = "-gdwarf-4 -gsplit-dwarf -fdebug-types-section"
    exe = Row("dwp", f"gcc {flags}", ("dwp -e sample", "rm *.dwo")).build(tmp_path)
    before = run_layout(exe, "--json", "-")
    make_look_like_a_header(tmp_path / "sample.dwp", unit)
    assert run_layout(exe, "--json", "-") == before


def test_compressed_offsets_of_strings_are_an_error(tmp_path: Path) -> None:
    compress = "objcopy --compress-debug-sections sample.dwp"
    steps = ("dwp -e sample", "rm *.dwo", compress)
    exe = Row("dwp", "gcc -gdwarf-4 -gsplit-dwarf", steps).build(tmp_path)
    error = run_layout(exe, status=2)
    assert "sample.dwp' are compressed: run 'objcopy --decompress-debug-sections" in error
