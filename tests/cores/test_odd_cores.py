"""Cores as people find them: cut anywhere, sparse, of other processors, of many threads or maps."""

from __future__ import annotations

import gzip
import os
import re
import struct
import subprocess
from pathlib import Path

import pytest

from harness import Tries, gdb_session
from rig import (
    PT_LOAD,
    PT_NOTE,
    ROOT,
    Cores,
    hmap_cores,
    iter_segments,
    notes_first,
    take_cores,
)

PROGRAMS = Path(__file__).resolve().parents[1] / "gdb" / "programs"
QUICK = ("--no-entries", "--no-plots")
WHOLE = "raise 'ulimit -c', or copy the whole file"
HUGE = 100 << 30  # bytes
E_MACHINE, AARCH64 = 18, 183


@pytest.fixture(scope="module")
def whole(cores: Cores) -> bytes:
    """A core with its notes first, as the kernel writes it."""
    return notes_first(cores.evening.read_bytes())


def cuts_of(core: bytes) -> dict[str, int]:
    """A size for each kind of place where a core may be cut."""
    (note,) = (one for one in iter_segments(core) if one.kind == PT_NOTE)
    first = next(one for one in iter_segments(core) if one.kind == PT_LOAD and one.in_file)
    return {
        "in-magic": 3,
        "in-ident": 10,
        "in-header": 40,
        "behind-header": 64,
        "in-program-headers": 200,
        "before-notes": note.offset,
        "in-first-note": note.offset + 8,
        "in-notes": note.offset + note.in_file // 2,
        "behind-notes": note.offset + note.in_file - 1,
        "in-first-segment": first.offset + 100,
        "in-the-middle": len(core) // 2,
        "in-last-byte": len(core) - 1,
    }


def test_core_that_is_cut_anywhere(whole: bytes, cores: Cores, tmp_path: Path) -> None:
    folder = tmp_path / "crashes"
    folder.mkdir()
    sizes = cuts_of(whole)
    for name, size in sizes.items():
        (folder / name).write_bytes(whole[:size])
    # gdb's own cores have the notes behind the memory.
    gdbs = cores.evening.read_bytes()
    (note,) = (one for one in iter_segments(gdbs) if one.kind == PT_NOTE)
    (folder / "at-end-of-memory").write_bytes(gdbs[: note.offset])
    run = hmap_cores(*QUICK, cores.program, folder, output=tmp_path / "out")
    assert run.status == 2
    for name in ("in-magic", "in-ident", "in-header", "behind-header", "in-program-headers"):
        assert run.detail_of(name) == f"truncated: only {sizes[name]} bytes are there: {WHOLE}"
    for name in ("before-notes", "in-first-note", "at-end-of-memory"):
        detail = run.detail_of(name)
        assert detail.startswith("truncated: ")
        assert detail.endswith(f" are there, the registers and mappings are not: {WHOLE}")
    for name in ("in-notes", "behind-notes", "in-first-segment"):
        detail = run.detail_of(name)
        assert detail.startswith("truncated: ") and f" are there: {WHOLE}; " in detail
    half = {row["map"]: row for row in run.of("in-the-middle")}
    assert half["cache"]["status"] == "ok" and half["sessions"]["status"] == "unreadable"
    last = run.of("in-last-byte")
    assert len(last) == 6 and {row["status"] for row in last} == {"ok"}
    assert all(row["notes"].startswith("truncated: ") for row in last)


@pytest.mark.parametrize("place", ["in-header", "in-notes", "in-first-segment", "in-the-middle"])
def test_commands_on_a_core_that_is_cut(
    place: str, whole: bytes, cores: Cores, tmp_path: Path
) -> None:
    core = tmp_path / "core"
    core.write_bytes(whole[: cuts_of(whole)[place]])
    commands = (
        "hmap-list",
        "hmap-dump server.sessions",
        "hmap-check server.sessions",
        "hmap-find server.sessions -- 1",
        "hmap-layout server.sessions",
        "print $hmap_len(server.sessions)",
    )
    session = gdb_session(cores.program, core=core, commands=[Tries(one) for one in commands])
    for outcome in session:
        assert "\n" not in (outcome.error or ""), outcome
        assert "failed inside" not in (outcome.error or ""), outcome
    listed, dumped, checked = session[:3]
    assert listed.error or "incomplete: " in listed.output
    assert dumped.error or "incomplete" in dumped.output
    assert checked.error or "consistent" not in checked.output


def test_huge_sparse_core_is_not_read_whole(whole: bytes, cores: Cores, tmp_path: Path) -> None:
    data = bytearray(whole)
    *_, last = (one for one in iter_segments(whole) if one.kind == PT_LOAD and one.in_file)
    offset = -(-len(whole) // 4096) * 4096
    struct.pack_into("<5Q", data, last.at + 8, offset, 1 << 44, 0, HUGE, HUGE)
    core = tmp_path / "core"
    core.write_bytes(data)
    os.truncate(core, offset + HUGE)
    run = hmap_cores(*QUICK, cores.program, core, output=tmp_path / "out")
    assert run.status == 0, run
    assert {row["status"] for row in run.rows} == {"ok"} and len(run.rows) == 6


def core_of_32_bits() -> bytes:
    """An empty core of an i386: its header, and a note."""
    note = struct.pack("<III", 5, 0, 1) + b"CORE\0\0\0\0"
    ident = b"\x7fELF\x01\x01\x01".ljust(16, b"\0")
    header = struct.pack("<HHIIIIIHHHHHH", 4, 3, 1, 0, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    return ident + header + struct.pack("<8I", PT_NOTE, 84, 0, 0, len(note), 0, 0, 4) + note


def test_core_of_another_processor(whole: bytes, cores: Cores, tmp_path: Path) -> None:
    data = bytearray(whole)
    struct.pack_into("<H", data, E_MACHINE, AARCH64)
    (tmp_path / "arm").write_bytes(data)
    (tmp_path / "small").write_bytes(core_of_32_bits())
    given = (tmp_path / "arm", tmp_path / "small")
    run = hmap_cores(*QUICK, "--any-build", cores.program, *given, output=tmp_path / "out")
    assert run.status == 2
    for name, processor in (("arm", "AArch64, 64-bit"), ("small", "i386, 32-bit")):
        assert run.detail_of(name) == (
            f"of another processor: {processor}, not x86-64, 64-bit: "
            "name the program that dumped it"
        )


@pytest.mark.parametrize(
    ("magic", "name", "tool"),
    [
        (b"\x1f\x8b\x08", "gzip", "gunzip"),
        (b"\xfd7zXZ\0", "xz", "unxz"),
        (b"\x28\xb5\x2f\xfd", "zstd", "unzstd"),
        (b"BZh9", "bzip2", "bunzip2"),
        (b"\x04\x22\x4d\x18", "lz4", "unlz4"),
    ],
)
def test_compressed_core(magic: bytes, name: str, tool: str, cores: Cores, tmp_path: Path) -> None:
    """One that is not what its first bytes say; and one that is compressed twice."""
    (tmp_path / "core").write_bytes(magic + bytes(100))
    (tmp_path / "twice").write_bytes(gzip.compress(magic + bytes(100)))
    given = (tmp_path / "core", tmp_path / "twice")
    run = hmap_cores(*QUICK, cores.program, *given, output=tmp_path / "out")
    assert run.status == 2
    damaged = rf"compressed by {name}, and damaged \('.+'\): copy the whole file again"
    assert re.fullmatch(damaged, run.detail_of("core")), run
    assert run.detail_of("twice") == (
        f"unpacked by gzip: compressed by {name}: unpack it with {tool}"
    )


def test_executable_that_is_none(cores: Cores, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "empty").write_bytes(b"")
    for name, what in (
        ("fifo", "not a regular file: copy what it gives into one"),
        ("empty", "an empty file: name the program that dumped the cores"),
        ("gone", "cannot be read: no such file or directory"),
        ("", "a folder: name a file, or a folder with cores in it"),
    ):
        given = f"{tmp_path}/{name}".rstrip("/")
        run = hmap_cores(*QUICK, given, cores.evening, output=tmp_path / "out")
        assert (run.status, run.messages) == (3, f"hmap-cores: '{given}': {what}\n")


def test_empty_folder(cores: Cores, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    run = hmap_cores(*QUICK, cores.program, tmp_path / "none", output=tmp_path / "out")
    assert run.status == 2
    assert run.detail_of("none") == "a folder: name a file, or a folder with cores in it"


def test_many_threads_and_maps(tmp_path: Path) -> None:
    """64 threads, each with maps of its own; 10^4 maps, of which the largest are examined."""
    program, core, library = tmp_path / "crowd", tmp_path / "core", ROOT / "libhmap"
    archive = ROOT / "build" / "dev" / "libhmap" / "libhmap.a"
    flags = ["-g", f"-I{library}/include", "-pthread"]
    subprocess.run(["gcc", "-o", program, PROGRAMS / "crowd.c", archive, *flags], check=True)
    take_cores(program, [], "break stop", "run", f"generate-core-file {core}")
    run = hmap_cores(*QUICK, "--most", "3", program, core, output=tmp_path / "out")
    assert run.status == 0, run
    assert len(run.rows) == 3 and {row["status"] for row in run.rows} == {"ok"}
    assert "3 maps; the 3 largest of 10,000 maps: '--most 0' examines all" in run.output
    listed = (tmp_path / "out" / "core" / "maps.txt").read_text(encoding="utf-8")
    assert "10,000 maps hold " in listed
