"""Debug information damaged in one place: one line names the file and the place; nothing hangs."""

from __future__ import annotations

import re
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from matrix import Row, run
from tool import TOOL, run_layout


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
        assert re.search(r" DIE at 0x[0-9a-f]+: ", error)


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


def test_sections_that_overlap_are_an_error(tmp_path: Path) -> None:
    """Those of one name are joined: overlapping ones would fill any memory."""
    exe = Row("whole", "gcc -g").build(tmp_path)
    data = bytearray(exe.read_bytes())
    (first,) = struct.unpack_from("<Q", data, 40)  # e_shoff
    count = struct.unpack_from("<H", data, 60)[0]  # e_shnum
    headers = [first + 64 * number for number in range(1, count)]
    start, _ = section(exe, ".debug_info")
    (info,) = (at for at in headers if struct.unpack_from("<Q", data, at + 24)[0] == start)
    for at in headers:
        if struct.unpack_from("<I", data, at + 4)[0] == 1 and at < info:  # SHT_PROGBITS
            data[at : at + 4] = data[info : info + 4]  # its name
            struct.pack_into("<QQ", data, at + 24, 0, len(data))
    exe.write_bytes(data)
    error = run_layout(exe, status=2)
    assert error == f"malformed DWARF in '{exe}': section '.debug_info' overlaps another one"


def test_a_program_without_sections_has_no_debug_info(tmp_path: Path) -> None:
    exe = Row("whole", "gcc -g").build(tmp_path)
    data = bytearray(exe.read_bytes())
    for first in (0, len(data) // 2):  # e_shoff
        struct.pack_into("<Q", data, 40, first)
        struct.pack_into("<H", data, 60, 0)  # e_shnum: then the first header has the number
        exe.write_bytes(data)
        assert f"'{exe}'" in run_layout(exe, status=2)


NESTED = """
.section .debug_abbrev,"",@progbits
.byte 1, 0x11, 1, 0x13, 0x0b, 0, 0      # DW_TAG_compile_unit with children: DW_AT_language
.byte 2, 0x0b, 1, 0, 0, 0               # DW_TAG_lexical_block with children
.section .debug_info,"",@progbits
.long 2f - 1f
1: .short 4
.long 0
.byte 8, 1, 0x0c
.fill {depth}, 1, 2
.fill {depth} + 1, 1, 0
2:
"""


def test_blocks_nested_without_end_are_an_error(tmp_path: Path) -> None:
    """The walk through them is recursive."""
    for depth, told in ((900, "no map of a known family in "), (200_000, "are nested too deeply")):
        (tmp_path / "nested.s").write_text(NESTED.format(depth=depth), encoding="utf-8")
        run(["gcc", "-nostdlib", "-shared", "nested.s", "-o", "nested"], tmp_path)
        assert told in run_layout(tmp_path / "nested", status=2)


NAMES = """
.section .debug_abbrev,"",@progbits
.byte 1, 0x11, 1, 0x13, 0x0b, 0, 0      # DW_TAG_compile_unit with children: DW_AT_language
.byte 2, 0x39, 1, 3, 0x0e, 0, 0, 0      # DW_TAG_namespace with children: DW_AT_name, a strp
.section .debug_str,"",@progbits
.fill 1000000, 1, 'x'
.byte 0
.section .debug_info,"",@progbits
.long 2f - 1f
1: .short 4
.long 0
.byte 8, 1, 4
.rept 900
.byte 2
.long 0
.endr
.fill 901, 1, 0
2:
"""


def test_names_that_grow_without_end_are_an_error(tmp_path: Path) -> None:
    """900 namespaces with a name of a megabyte in one another would take 400 GB."""
    (tmp_path / "names.s").write_text(NAMES, encoding="utf-8")
    run(["gcc", "-nostdlib", "-shared", "names.s", "-o", "names"], tmp_path)
    limited = ("sh", "-c", 'ulimit -v 2000000; exec "$0" "$@"', TOOL)
    error = run_layout(tmp_path / "names", status=2, tool=limited)
    assert error.startswith("names and types take over ")


def test_an_index_without_an_empty_slot_is_an_error(tmp_path: Path) -> None:
    """libdwarf 20210528 would search it for ever."""
    steps = ("dwp -e sample", "rm *.dwo")
    exe = Row("dwp", "gcc -gdwarf-4 -gsplit-dwarf", steps).build(tmp_path)
    package = tmp_path / "sample.dwp"
    data = bytearray(package.read_bytes())
    start, _ = section(package, ".debug_cu_index")
    (slots,) = struct.unpack_from("<I", data, start + 12)
    for slot in range(slots):
        if not any(data[start + 16 + 8 * slot : start + 24 + 8 * slot]):
            data[start + 16 + 8 * slot] = 0xAA
    package.write_bytes(data)
    error = run_layout(exe, status=2)
    place = "section '.debug_cu_index' has a table without an empty slot"
    assert error == f"malformed DWARF in '{package}': {place}"
    struct.pack_into("<I", data, start + 12, slots - 1)
    package.write_bytes(data)
    assert f"has a table of {slots - 1} slots" in run_layout(exe, status=2)


def test_a_layout_file_that_is_cut_off_is_told_in_one_line(tmp_path: Path) -> None:
    """The library that reads JSON quotes what it has met, as it is."""
    exe = Row("plain", "gcc -g").build(tmp_path)
    (tmp_path / "old.json").write_text('{"nam\\\n\x1b[31m": 1}', encoding="utf-8")
    error = run_layout(exe, "--check", tmp_path / "old.json", status=2)
    assert "old.json' is not a layout file: " in error
    assert len(error.splitlines()) == 1 and error.rstrip("\n").isprintable()


def test_a_split_unit_whose_name_is_a_folder_names_the_program(tmp_path: Path) -> None:
    exe = Row("split", "gcc -gdwarf-5 -gsplit-dwarf").build(tmp_path)
    name = b"sample-sample.dwo"
    data = exe.read_bytes()
    assert name in data
    exe.write_bytes(data.replace(name, b"/".ljust(len(name), b"\0")))
    for one in tmp_path.glob("*.dwo"):
        one.unlink()
    error = run_layout(exe, status=2)
    assert f"cannot open '/', which holds debug info of '{exe}'" in error
