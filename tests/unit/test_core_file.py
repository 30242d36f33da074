"""The contents of ELF cores: small cores built with struct."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmapdbg.target import core_file
from hmapdbg.target.core_file import NT_FILE, PT_LOAD, PT_NOTE, NotACore, held_ranges

KINDS = pytest.mark.parametrize("bits", [32, 64])
ORDERS = pytest.mark.parametrize("order", ["<", ">"])


@dataclass
class Core:
    """Builds an ELF core: loads of (address, bytes in the file, bytes in memory), and notes."""

    bits: int = 64
    order: str = "<"
    loads: Sequence[tuple[int, int, int]] = ()
    notes: list[tuple[bytes, int, bytes]] = field(default_factory=list)  # name, kind, data
    xnum: bool = False

    @property
    def word(self) -> str:
        return "Q" if self.bits == 64 else "I"

    def pack(self, layout: str, *values: int) -> bytes:
        return struct.pack(self.order + layout, *values)

    def add_files(self, files: Sequence[tuple[int, int, int, bytes]], page: int = 4096) -> None:
        """The NT_FILE note: (start, end, offset in pages, path)."""
        data = self.pack(f"2{self.word}", len(files), page)
        for start, end, offset, _ in files:
            data += self.pack(f"3{self.word}", start, end, offset)
        data += b"".join(path + b"\0" for *_, path in files)
        self.notes.append((b"CORE\0", NT_FILE, data))

    def build(self) -> bytes:
        wide = self.bits == 64
        header, entry, section = (64, 56, 64) if wide else (52, 32, 40)
        note = b""
        for name, kind, data in self.notes:
            note += self.pack("III", len(name), len(data), kind)
            note += name + bytes(-len(name) % 4) + data + bytes(-len(data) % 4)
        count = len(self.loads) + 1
        at = header + entry * count + section
        segments, body = [(PT_NOTE, at, 0, len(note), 0)], note
        for addr, in_file, in_memory in self.loads:
            segments.append((PT_LOAD, at + len(body), addr, in_file, in_memory))
            body += bytes(in_file)
        table = b""
        for kind, offset, addr, in_file, in_memory in segments:
            if wide:
                table += self.pack("IIQQQQQQ", kind, 0, offset, addr, 0, in_file, in_memory, 0)
            else:
                table += self.pack("IIIIIIII", kind, offset, addr, 0, in_file, in_memory, 0, 0)
        sections = header + len(table)
        # Section 0: sh_info is used if there are too many segments for the header.
        info = 44 if wide else 28
        first = bytes(info) + self.pack("I", count) + bytes(section - info - 4)
        ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if self.order == "<" else 2, 1]) + bytes(9)
        number = 0xFFFF if self.xnum else count
        rest = self.pack(
            f"HHI3{self.word}I6H",
            4,
            62,
            1,
            0,
            header,
            sections,
            0,
            header,
            entry,
            number,
            section,
            1,
            0,
        )
        assert len(ident + rest) == header
        return ident + rest + table + first + body

    def write(self, folder: Path, size: int | None = None) -> str:
        path = folder / "core"
        path.write_bytes(self.build()[:size])
        return str(path)


@KINDS
@ORDERS
@pytest.mark.parametrize("xnum", [False, True])
def test_segments_with_bytes_in_the_file_are_held(
    bits: int, order: str, xnum: bool, tmp_path: Path
) -> None:
    loads = [(0x1000, 0x1000, 0x1000), (0x8000, 0x800, 0x2000), (0x20000, 0, 0x1000)]
    core = Core(bits, order, loads, xnum=xnum)
    assert held_ranges(core.write(tmp_path)) == [(0x1000, 0x2000), (0x8000, 0x8800)]


def test_ranges_are_sorted_and_joined(tmp_path: Path) -> None:
    loads = [
        (0x5000, 0x1000, 0x1000),
        (0x3000, 0x2000, 0x2000),
        (0x1000, 0x10, 0x10),
        (0x5800, 8, 8),
    ]
    assert held_ranges(Core(loads=loads).write(tmp_path)) == [(0x1000, 0x1010), (0x3000, 0x6000)]


def test_high_addresses(tmp_path: Path) -> None:
    top = (1 << 64) - 0x1000
    assert held_ranges(Core(loads=[(top, 0x1000, 0x1000)]).write(tmp_path)) == [(top, 1 << 64)]


@KINDS
@ORDERS
def test_mapped_files_are_held_as_far_as_they_reach(bits: int, order: str, tmp_path: Path) -> None:
    library, short = tmp_path / "lib.so", tmp_path / "short.so"
    library.write_bytes(bytes(0x3000))
    short.write_bytes(bytes(0x1800))
    core = Core(bits, order, [(0x10000, 0, 0x3000)])
    core.add_files(
        [
            (0x10000, 0x13000, 0, bytes(library)),
            (0x20000, 0x21000, 2, bytes(library)),
            (0x28000, 0x29000, 3, bytes(library)),  # at its end: not mapped
            (0x30000, 0x34000, 0, bytes(short)),  # its last page is mapped as a whole
            (0x40000, 0x42000, 1, bytes(short)),
            (0x50000, 0x51000, 0, bytes(tmp_path / "gone.so")),
            (0x60000, 0x61000, 0, b""),
            (0x70000, 0x70000, 0, bytes(library)),
        ]
    )
    assert held_ranges(core.write(tmp_path)) == [
        (0x10000, 0x13000),
        (0x20000, 0x21000),
        (0x30000, 0x32000),
        (0x40000, 0x41000),
    ]


def test_mapped_files_are_looked_for_in_the_sysroot(tmp_path: Path) -> None:
    sysroot = tmp_path / "merged"
    inner = Path(f"{sysroot}{tmp_path}/inside.so")
    inner.parent.mkdir(parents=True)
    inner.write_bytes(bytes(0x1000))
    (tmp_path / "outside.so").write_bytes(bytes(0x1000))
    core = Core(loads=[(0x10000, 0, 0x1000), (0x20000, 0, 0x1000)])
    core.add_files(
        [
            (0x10000, 0x11000, 0, bytes(tmp_path / "inside.so")),
            (0x20000, 0x21000, 0, bytes(tmp_path / "outside.so")),
            (0x30000, 0x31000, 0, b""),
        ]
    )
    path = core.write(tmp_path)
    assert held_ranges(path) == [(0x20000, 0x21000)]
    for folder in (str(sysroot), f"{sysroot}/"):
        assert held_ranges(path, folder) == [(0x10000, 0x11000)]
        (gap,) = core_file.core_gaps(path, folder)
        assert (gap.low, gap.why) == (
            0x20000,
            f"it is mapped from '{tmp_path}/outside.so', which is not here",
        )
    assert held_ranges(path, "/") == held_ranges(path)


def test_offsets_in_the_files_note_count_its_own_pages(tmp_path: Path) -> None:
    library = tmp_path / "lib.so"
    library.write_bytes(bytes(0x20000))
    core = Core()
    core.add_files([(0x100000, 0x200000, 1, bytes(library))], page=0x10000)
    assert held_ranges(core.write(tmp_path)) == [(0x100000, 0x110000)]


def test_files_note_behind_others(tmp_path: Path) -> None:
    library = tmp_path / "lib.so"
    library.write_bytes(bytes(10))
    core = Core(notes=[(b"CORE\0", 1, b"prstatus"), (b"LINUX\0", 0x200, b"12345"), (b"", 7, b"")])
    core.add_files([(0x1000, 0x2000, 0, bytes(library))])
    assert held_ranges(core.write(tmp_path)) == [(0x1000, 0x2000)]


@pytest.mark.parametrize("count", [5, 1 << 60])
def test_files_note_with_a_wrong_count(count: int, tmp_path: Path) -> None:
    core = Core(loads=[(0x1000, 16, 16)])
    core.notes.append((b"CORE\0", NT_FILE, struct.pack("<5Q", count, 4096, 0, 0x9000, 0) + b"/x\0"))
    assert held_ranges(core.write(tmp_path)) == [(0x1000, 0x1010)]


@pytest.mark.parametrize("size", [0, 8, 15])
def test_files_note_that_is_too_short(size: int, tmp_path: Path) -> None:
    core = Core(loads=[(0x1000, 16, 16)], notes=[(b"CORE\0", NT_FILE, bytes(size))])
    assert held_ranges(core.write(tmp_path)) == [(0x1000, 0x1010)]


@KINDS
def test_core_that_is_cut_off_holds_what_is_left(bits: int, tmp_path: Path) -> None:
    core = Core(bits, "<", [(0x1000, 0x1000, 0x1000), (0x8000, 0x1000, 0x1000)])
    whole = len(core.build())
    assert held_ranges(core.write(tmp_path, whole - 0x800)) == [(0x1000, 0x2000), (0x8000, 0x8800)]
    assert held_ranges(core.write(tmp_path, whole - 0x1000)) == [(0x1000, 0x2000)]
    assert held_ranges(core.write(tmp_path, whole - 0x1FFF)) == [(0x1000, 0x1001)]
    assert held_ranges(core.write(tmp_path, whole - 0x2000)) == []


@KINDS
@pytest.mark.parametrize("xnum", [False, True])
def test_core_cut_off_in_its_headers(bits: int, xnum: bool, tmp_path: Path) -> None:
    core = Core(bits, "<", [(0x1000, 0x10, 0x10)], xnum=xnum)
    # The last fields of the table are not read.
    table_end = (64 + 2 * 56 - 16) if bits == 64 else (52 + 2 * 32 - 12)
    for size in range(0, table_end, 3):
        with pytest.raises(NotACore):
            held_ranges(core.write(tmp_path, size))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x7f",
        b"\x7fELF",
        b"\x7fELF\2",
        b"\x7fELF\2\1",
        b"#!/bin/sh\n" * 20,
        b"\x7fELF\3\1" + bytes(90),
    ],
)
def test_other_files_are_no_cores(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(NotACore):
        held_ranges(str(path))


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        held_ranges(str(tmp_path / "gone"))


@pytest.mark.parametrize(
    ("offset", "layout", "value"),
    [
        (32, "<Q", 1 << 63),  # e_phoff
        (32, "<Q", (1 << 64) - 1),
        (40, "<Q", (1 << 64) - 1),  # e_shoff
        (54, "<H", 0),  # e_phentsize: 2^32 segments at one place
        (54, "<H", 8),
        (64 + 8, "<Q", (1 << 64) - 1),  # the note's offset
        (64 + 32, "<Q", (1 << 64) - 1),  # and size
    ],
)
def test_header_fields_that_make_no_sense(
    offset: int, layout: str, value: int, tmp_path: Path
) -> None:
    data = bytearray(Core(loads=[(0x1000, 0x10, 0x10)], xnum=True).build())
    section = 64 + 2 * 56
    if offset == 54:
        struct.pack_into("<I", data, section + 44, 0xFFFFFFFF)
    struct.pack_into(layout, data, offset, value)
    path = tmp_path / "core"
    path.write_bytes(data)
    try:
        assert held_ranges(str(path)) == [(0x1000, 0x1010)]
    except NotACore:
        pass


def test_notes_are_looked_at_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = tmp_path / "lib.so"
    library.write_bytes(bytes(10))
    core = Core(notes=[(b"CORE\0", 1, bytes(100))])
    core.add_files([(0x1000, 0x2000, 0, bytes(library))])
    monkeypatch.setattr(core_file, "MAX_NOTES", 130)
    assert held_ranges(core.write(tmp_path)) == []


BASE = Core(loads=[(0x1000, 0x40, 0x40), (0x8000, 0x10, 0x2000)], xnum=True)
BASE.add_files([(0x10000, 0x13000, 0, b"/bin/sh"), (0x20000, 0x21000, 0, b"/gone")])
SOUND = BASE.build()


@given(
    st.lists(st.tuples(st.integers(4, 420), st.integers(0, 255)), min_size=1, max_size=8),
    st.integers(0, len(SOUND)),
)
@settings(max_examples=600, derandomize=True, deadline=None)
def test_garbage_is_ranges_or_no_core(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], size: int
) -> None:
    data = bytearray(SOUND)
    for at, byte in changes:
        data[at] = byte
    path = tmp_path_factory.getbasetemp() / "garbage.core"
    path.write_bytes(data[: size if size % 4 == 0 else len(data)])
    try:
        found = held_ranges(str(path))
    except NotACore:
        return
    assert found == sorted(found)
    assert all(low < high for low, high in found)
    assert all(first[1] < second[0] for first, second in zip(found, found[1:]))


# ---- the program of a core -----------------------------------------------------------------------


def program(core: Core, build_id: bytes, start: int = 0) -> bytes:
    """An ELF file of a program linked at `start`, with a build id."""
    wide = core.bits == 64
    header, entry = (64, 56) if wide else (52, 32)
    note = core.pack("III", 4, len(build_id), 3) + b"GNU\0" + build_id
    at = header + 2 * entry
    table = b""
    for kind, offset, size in ((PT_LOAD, 0, 0x1000), (PT_NOTE, at, len(note))):
        if wide:
            table += core.pack("IIQQQQQQ", kind, 4, offset, start + offset, 0, size, size, 0)
        else:
            table += core.pack("IIIIIIII", kind, offset, start + offset, 0, size, size, 4, 0)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if core.order == "<" else 2, 1]) + bytes(9)
    rest = core.pack(f"HHI3{core.word}I6H", 3, 62, 1, 0, header, 0, 0, header, entry, 2, 64, 0, 0)
    return (ident + rest + table + note).ljust(0x1000, b"\0")


@KINDS
@ORDERS
@pytest.mark.parametrize("start", [0, 0x10000])
def test_core_tells_the_build_id_of_its_program(
    bits: int, order: str, start: int, tmp_path: Path
) -> None:
    core = Core(bits, order, [(0x40000, 0x1000, 0x1000), (0x80000, 0x1000, 0x1000)])
    image = program(core, b"\xab" * 20, start)
    (tmp_path / "server").write_bytes(image)
    header = 64 if bits == 64 else 52
    auxv = core.pack(f"4{core.word}", core_file.AT_PHDR, 0x40000 + header, 0, 0)
    core.notes.append((b"CORE\0", core_file.NT_AUXV, auxv))
    core.add_files([(0x40000, 0x41000, 0, b"/srv/server"), (0x80000, 0x81000, 0, b"/lib/c.so")])
    data = bytearray(core.build())
    at = len(data) - 0x2000  # where the loads begin
    data[at : at + len(image)] = image
    path = tmp_path / "core"
    path.write_bytes(data)
    facts = core_file.core_facts(str(path))
    assert facts.is_core and facts.has_notes and not facts.is_truncated
    assert facts.program == "/srv/server"
    assert facts.build_ids.ids == (("GNU", "ab" * 20),)
    assert facts.build_ids.agrees(core_file.build_ids_of(str(tmp_path / "server")))
    # Of the other mapping the core has no ELF header.
    assert core_file.mapped_builds(str(path)) == [("/srv/server", facts.build_ids)]
    path.write_bytes(data[:-1])
    assert core_file.core_facts(str(path)).is_truncated


def test_build_ids_are_compared_kind_by_kind() -> None:
    gnu, other = (core_file.BuildIds((("GNU", text),)) for text in ("ab", "cd"))
    go = core_file.BuildIds((("Go", "x/y"),))
    both = core_file.BuildIds((("GNU", "ab"), ("Go", "x/y")))
    none = core_file.BuildIds()
    assert gnu.agrees(both) and go.agrees(both) and gnu.differs(other)
    for one, another in ((gnu, go), (gnu, none), (none, none)):
        assert not one.agrees(another) and not one.differs(another)


@KINDS
@ORDERS
def test_core_without_files_has_the_path_that_was_executed(
    bits: int, order: str, tmp_path: Path
) -> None:
    """A kernel leaves NT_FILE out if it is too large."""
    for text, program_path in (
        (b"/srv/server\0PATH=/", "/srv/server"),
        (b"/srv/without an end", ""),
    ):
        core = Core(bits, order, [(0x40000, len(text), 0x1000)])
        auxv = core.pack(f"4{core.word}", core_file.AT_EXECFN, 0x40000, 0, 0)
        core.notes.append((b"CORE\0", core_file.NT_AUXV, auxv))
        data = core.build()
        path = tmp_path / "core"
        path.write_bytes(data[: len(data) - len(text)] + text)
        assert core_file.core_facts(str(path)).program == program_path


def test_core_without_its_programs_first_page_has_no_build_id(tmp_path: Path) -> None:
    core = Core(loads=[(0x40000, 0, 0x1000)])
    auxv = core.pack("4Q", core_file.AT_PHDR, 0x40040, 0, 0)
    core.notes.append((b"CORE\0", core_file.NT_AUXV, auxv))
    core.add_files([(0x40000, 0x41000, 0, b"/srv/server")])
    facts = core_file.core_facts(core.write(tmp_path))
    assert facts.program == "/srv/server" and not facts.build_ids


def test_data_of_a_mapped_program_is_not_had_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "server"
    image = bytearray(program(Core(), b"\xab"))
    # The second program header becomes a writable PT_LOAD of the page at 0x1000.
    struct.pack_into("<IIQQQQ", image, 64 + 56, PT_LOAD, 6, 0x1000, 0x2000, 0, 0x1000)
    struct.pack_into("<Q", image, 64 + 56 + 40, 0x3000)
    file.write_bytes(bytes(image) + bytes(0x1000))
    core = Core(loads=[(0x40000, 0, 0x1000)])
    name = bytes(file)
    core.add_files([(0x40000, 0x41000, 0, name), (0x42000, 0x43000, 1, name)])
    assert held_ranges(core.write(tmp_path)) == [(0x40000, 0x41000)]


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.data())
def test_facts_of_a_damaged_core_end_in_order(data: st.DataObject) -> None:
    core = Core(loads=[(0x40000, 0x200, 0x1000)])
    auxv = core.pack("4Q", core_file.AT_PHDR, 0x40040, 0, 0)
    core.notes.append((b"CORE\0", core_file.NT_AUXV, auxv))
    core.add_files([(0x40000, 0x41000, 0, b"/srv/server")])
    image = bytearray(core.build())
    image[-0x200:] = program(core, b"\xab" * 20)[:0x200]
    for _ in range(data.draw(st.integers(1, 8))):
        image[data.draw(st.integers(4, len(image) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "core"
        path.write_bytes(image[: data.draw(st.integers(0, len(image)))])
        try:
            core_file.core_facts(str(path))
        except NotACore:
            pass
