"""What an ELF core file really holds, and which program it is of.

gdb (13.1) returns zeros, without an error, for a range that the kernel left out of a core
(MADV_DONTDUMP, coredump_filter): the program header has p_filesz < p_memsz. Zero means "empty" in a
hash map, so such ranges must count as unreadable, unless gdb takes the bytes from a mapped file
(the NT_FILE note).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from itertools import chain
from typing import BinaryIO, Optional

from ..compat import dataclass
from .intervals import merge_ranges, without

ET_CORE = 4
PT_LOAD = 1
PT_NOTE = 4
PF_W = 2
SHT_NULL, SHT_NOTE, SHT_NOBITS = 0, 7, 8
NT_AUXV = 6
NT_FILE = 0x46494C45
AT_PHDR, AT_EXECFN = 3, 31
MAX_PATH = 4096  # bytes
PN_XNUM = 0xFFFF
MAX_NOTES = 16 << 20  # bytes of notes to read
MAX_HEADERS = 1000  # program headers of a program
# Processors by e_machine; others are called by their number.
PROCESSORS = {
    3: "i386",
    8: "MIPS",
    20: "PowerPC",
    21: "PowerPC64",
    22: "S/390",
    40: "ARM",
    62: "x86-64",
    183: "AArch64",
    243: "RISC-V",
    258: "LoongArch",
}
# Notes that identify a build of a program, by (name, type): the linker's, and Go's.
BUILD_IDS = {(b"GNU", 3): "GNU", (b"Go", 4): "Go"}

Read = Callable[[int, int], Optional[bytes]]


class NotACore(Exception):
    """The file is not an ELF file of a known class."""


@dataclass(frozen=True, slots=True)
class BuildIds:
    """What identifies a build of a program; empty if it has none."""

    ids: tuple[tuple[str, str], ...] = ()  # (kind, text): ("GNU", "3a5c…")

    def __str__(self) -> str:
        return self.ids[0][1] if self.ids else "none"

    def __bool__(self) -> bool:
        return bool(self.ids)

    def differs(self, other: BuildIds) -> bool:
        """Whether they are of different programs; False if nothing can be compared."""
        mine, others = dict(self.ids), dict(other.ids)
        return any(mine[kind] != others[kind] for kind in mine.keys() & others.keys())

    def agrees(self, other: BuildIds) -> bool:
        """Whether they are of one program; False if nothing can be compared."""
        return not self.differs(other) and bool(dict(self.ids).keys() & dict(other.ids).keys())


@dataclass(frozen=True, slots=True)
class CoreFacts:
    """What a core says about itself."""

    is_core: bool  # False: an ELF file of another kind
    size: int  # bytes of the file
    whole: int  # bytes according to its headers
    has_notes: bool  # it has registers and the like
    program: str  # path of the executable; empty: unknown
    build_ids: BuildIds  # of the executable
    processor: str = ""  # that it is of; empty: unknown

    @property
    def is_truncated(self) -> bool:
        return self.size < self.whole


def core_facts(path: str) -> CoreFacts:
    """What the core at `path` says about itself. OSError, NotACore."""
    with open(path, "rb") as core:
        return _Reader(core, os.path.getsize(path)).facts()


def build_ids_of(path: str) -> BuildIds:
    """The build ids of the program at `path`. OSError, NotACore."""
    with open(path, "rb") as program:
        reader = _Reader(program, os.path.getsize(path))
        # Go's linker (1.26) has a segment for one of the notes only.
        return reader.build_ids(chain(reader.iter_notes(), reader.iter_section_notes()))


def processor_of(path: str) -> str:
    """The processor that the ELF file at `path` is of. OSError, NotACore."""
    with open(path, "rb") as file:
        return _Reader(file, os.path.getsize(path)).processor()


def section_bytes(path: str, name: str) -> bytes | None:
    """The bytes of a section of the program at `path`; None if it has no such section. OSError,
    NotACore."""
    with open(path, "rb") as program:
        return _Reader(program, os.path.getsize(path)).section_bytes(name.encode())


def held_ranges(path: str, sysroot: str = "") -> list[tuple[int, int]]:
    """The address ranges [start, end) whose bytes are in the core at `path`, or in a mapped file
    that it names and that still exists: sorted and disjoint. OSError, NotACore.

    sysroot: the folder in which gdb looks for mapped files."""
    with open(path, "rb") as core:
        return _Reader(core, os.path.getsize(path), sysroot).held_ranges()


def mapped_builds(path: str) -> list[tuple[str, BuildIds]]:
    """The programs and libraries that were mapped, by path in the process, with the build ids that
    the core at `path` has of them; without those of which it has none. OSError, NotACore."""
    with open(path, "rb") as core:
        return list(_Reader(core, os.path.getsize(path)).iter_mapped_builds())


@dataclass(frozen=True, slots=True)
class Gap:
    """Memory that the process had and its core lacks: addresses [low, high)."""

    low: int
    high: int
    why: str
    remedy: str


def core_gaps(path: str, sysroot: str = "") -> list[Gap]:
    """What the core at `path` lacks, sorted; sysroot: see held_ranges. OSError, NotACore."""
    with open(path, "rb") as core:
        return _Reader(core, os.path.getsize(path), sysroot).gaps()


@dataclass(frozen=True, slots=True)
class _ProgramHeader:
    kind: int
    flags: int
    offset: int
    addr: int
    file_size: int
    memory_size: int


class _Reader:
    def __init__(self, core: BinaryIO, size: int, sysroot: str = "") -> None:
        ident = core.read(16)
        if (
            len(ident) < 16
            or ident[:4] != b"\x7fELF"
            or ident[4] not in (1, 2)
            or ident[5] not in (1, 2)
        ):
            raise NotACore(core.name)
        self.core = core
        self.size = size
        self.loads: list[tuple[int, int, int]] | None = None  # (file offset, address, bytes there)
        self.sysroot = os.fsencode(sysroot).rstrip(b"/")
        self.wide = ident[4] == 2
        self.order = "<" if ident[5] == 1 else ">"

    def unpack(self, layout: str, offset: int) -> tuple[int, ...]:
        size = struct.calcsize(self.order + layout)
        if offset + size > self.size:
            raise NotACore("truncated headers")
        self.core.seek(offset)
        return struct.unpack(self.order + layout, self.core.read(size))

    def held_ranges(self) -> list[tuple[int, int]]:
        held: list[tuple[int, int]] = []
        files: list[tuple[int, int]] = []
        for kind, offset, addr, file_size in self.iter_segments():
            present = max(0, min(file_size, self.size - offset))
            if kind == PT_LOAD and present:
                held.append((addr, addr + present))
            elif kind == PT_NOTE and present:
                files += self.mapped_files(offset, min(present, MAX_NOTES))
        return merge_ranges(held + files)

    def gaps(self) -> list[Gap]:
        """The memory of segments that is neither in the core nor in a mapped file."""
        named: list[tuple[int, int, bytes]] = []
        for _, kind, data in self.iter_notes():
            if kind == NT_FILE:
                named = self._named_files(data)
        held = self.held_ranges()
        out = []
        for one in self.iter_program_headers():
            if one.kind != PT_LOAD:
                continue
            end = one.addr + max(one.memory_size, one.file_size)
            for low, high in without(one.addr, end, held):
                is_cut = low < one.addr + one.file_size
                file = next((name for start, stop, name in named if start <= low < stop), b"")
                why, remedy = _explain_gap(is_cut, os.fsdecode(file))
                out.append(Gap(low, high, why, remedy))
        return sorted(out, key=lambda one: one.low)

    def iter_segments(self) -> list[tuple[int, int, int, int]]:
        """(type, file offset, address, bytes in the file) of each program header."""
        return [
            (one.kind, one.offset, one.addr, one.file_size) for one in self.iter_program_headers()
        ]

    def iter_program_headers(self) -> Iterator[_ProgramHeader]:
        """The program headers. NotACore if they are truncated."""
        word = "Q" if self.wide else "I"
        _, _, _, _, phoff, shoff, _, _, entry, count = self.unpack(f"HHI3{word}IHHH", 16)
        if count == PN_XNUM:  # the number is in section 0's sh_info
            count = self.unpack("I", shoff + (44 if self.wide else 28))[0]
        if entry < (56 if self.wide else 32):
            raise NotACore("program headers too small")
        for index in range(count):
            at = phoff + index * entry
            if self.wide:
                kind, flags, offset, addr, _, in_file, in_memory = self.unpack("IIQQQQQ", at)
            else:
                kind, offset, addr, _, in_file, in_memory, flags = self.unpack("IIIIIII", at)
            yield _ProgramHeader(kind, flags, offset, addr, in_file, in_memory)

    def section_bytes(self, name: bytes) -> bytes | None:
        """The bytes of a section by its name. NotACore if headers are truncated."""
        for label, kind, offset, size in self.iter_sections():
            if label == name and kind not in (SHT_NULL, SHT_NOBITS):
                return self._file_bytes(offset, size)
        return None

    def iter_section_notes(self) -> Iterator[tuple[bytes, int, bytes]]:
        """(name, type, data) of each note in a section."""
        for _, kind, offset, size in self.iter_sections():
            if kind == SHT_NOTE and size <= MAX_NOTES:
                yield from self._split_notes(self._file_bytes(offset, size))

    def iter_sections(self) -> Iterator[tuple[bytes, int, int, int]]:
        """(name, type, file offset, size) of each section. NotACore if headers are truncated."""
        word = "Q" if self.wide else "I"
        shoff, _, _, _, _, entry, count, names = self.unpack(f"{word}I6H", 40 if self.wide else 32)
        if not shoff:
            return
        layout = f"2I4{word}"
        if count == 0:  # too large for the field: the number is section 0's size
            count = self.unpack(layout, shoff)[5]
        if names == PN_XNUM:
            names = self.unpack("I", shoff + (40 if self.wide else 24))[0]
        headers = [self.unpack(layout, shoff + index * entry) for index in range(count)]
        if names >= len(headers):
            return
        table = self._file_bytes(headers[names][4], headers[names][5])
        for label, kind, _, _, offset, size in headers:
            yield table[label : max(table.find(b"\0", label), 0)], kind, offset, size

    def _file_bytes(self, offset: int, size: int) -> bytes:
        if offset + size > self.size:
            raise NotACore("truncated")
        self.core.seek(offset)
        return self.core.read(size)

    def mapped_files(self, offset: int, size: int) -> list[tuple[int, int]]:
        """Ranges of the NT_FILE note that an existing file covers."""
        self.core.seek(offset)
        for _, kind, data in self._split_notes(self.core.read(size)):
            if kind == NT_FILE:
                return self._file_ranges(data)
        return []

    def _split_notes(self, notes: bytes) -> Iterator[tuple[bytes, int, bytes]]:
        """(name, type, data) of each note."""
        at = 0
        while at + 12 <= len(notes):
            name_size, data_size, kind = struct.unpack_from(self.order + "III", notes, at)
            data = at + 12 + (name_size + 3) // 4 * 4
            name = notes[at + 12 : at + 12 + name_size].rstrip(b"\0")
            yield name, kind, notes[data : data + data_size]
            at = data + (data_size + 3) // 4 * 4

    def iter_notes(self) -> Iterator[tuple[bytes, int, bytes]]:
        """(name, type, data) of each note of the file."""
        for kind, offset, _, file_size in self.iter_segments():
            present = min(file_size, self.size - offset)
            if kind == PT_NOTE and present > 0:
                self.core.seek(offset)
                yield from self._split_notes(self.core.read(min(present, MAX_NOTES)))

    # ---- which program it is of

    def facts(self) -> CoreFacts:
        if self.unpack("H", 16)[0] != ET_CORE:
            return CoreFacts(False, self.size, self.size, False, "", BuildIds())
        segments = self.iter_segments()
        notes = list(self.iter_notes())
        auxv = self._auxiliary_vector(next((data for _, k, data in notes if k == NT_AUXV), b""))
        phdr = auxv.get(AT_PHDR, 0)
        files: list[tuple[int, int, bytes]] = next(
            (self._named_files(data) for _, kind, data in notes if kind == NT_FILE), []
        )
        own = next((one for one in files if one[0] <= phdr < one[1]), None)
        start = phdr - phdr % 4096
        if own is not None:  # the first mapping of the file
            start = min(low for low, _, name in files if name == own[2])
        return CoreFacts(
            True,
            self.size,
            max((offset + size for _, offset, _, size in segments), default=0),
            bool(notes),
            os.fsdecode(self._text_in_memory(auxv.get(AT_EXECFN, 0)) if own is None else own[2]),
            self._build_ids_in_memory(start) if phdr else BuildIds(),
            self.processor(),
        )

    def processor(self) -> str:
        """The processor that the file is of, as "x86-64, 64-bit"."""
        machine = self.unpack("H", 18)[0]
        name = PROCESSORS.get(machine, f"ELF machine {machine}")
        order = "" if self.order == "<" else ", big-endian"
        return f"{name}, {64 if self.wide else 32}-bit{order}"

    def build_ids(self, notes: Iterator[tuple[bytes, int, bytes]]) -> BuildIds:
        """The build ids in a program's notes."""
        found: dict[str, str] = {}
        for name, kind, data in notes:
            known = BUILD_IDS.get((name, kind))
            if known is not None and data:
                text = data.hex() if known == "GNU" else data.decode("ascii", "backslashreplace")
                found.setdefault(known, text)
        return BuildIds(tuple((kind, found[kind]) for kind in BUILD_IDS.values() if kind in found))

    def iter_mapped_builds(self) -> Iterator[tuple[str, BuildIds]]:
        """See mapped_builds."""
        for _, kind, data in self.iter_notes():
            if kind != NT_FILE:
                continue
            for start, _, offset, name in self._iter_files(data):
                ids = self._build_ids_in_memory(start) if offset == 0 else BuildIds()
                if ids:
                    yield os.fsdecode(name), ids

    def _auxiliary_vector(self, auxv: bytes) -> dict[int, int]:
        """The entries of NT_AUXV."""
        word = struct.Struct(self.order + ("QQ" if self.wide else "II"))
        usable = len(auxv) // word.size * word.size
        return {key: value for key, value in word.iter_unpack(auxv[:usable])}

    def _build_ids_in_memory(self, start: int) -> BuildIds:
        """The build ids of the program with its ELF header at `start` in memory."""
        return self.build_ids(self._iter_notes_in_memory(self._read_memory, start))

    def _read_memory(self, addr: int, size: int) -> bytes | None:
        """Memory that is in the core."""
        if self.loads is None:
            self.loads = [one[1:] for one in self.iter_segments() if one[0] == PT_LOAD]
        for offset, low, in_file in self.loads:
            if low <= addr and addr + size <= low + max(0, min(in_file, self.size - offset)):
                self.core.seek(offset + addr - low)
                return self.core.read(size)
        return None

    def _text_in_memory(self, addr: int) -> bytes:
        """The text that ends with a zero byte; empty if it is not in the core."""
        # It may stand at the very end of a segment.
        sizes = (MAX_PATH >> shift for shift in range(MAX_PATH.bit_length()))
        found = (self._read_memory(addr, size) for size in sizes) if addr else ()
        return next((data.split(b"\0")[0] for data in found if data and b"\0" in data), b"")

    def _iter_notes_in_memory(self, read: Read, start: int) -> Iterator[tuple[bytes, int, bytes]]:
        header = read(start, 64 if self.wide else 52)
        if header is None or header[:4] != b"\x7fELF":
            return
        word = "Q" if self.wide else "I"
        _, _, _, _, phoff, _, _, _, entry, count = struct.unpack_from(
            f"{self.order}HHI3{word}IHHH", header, 16
        )
        segments = []
        for index in range(min(count, MAX_HEADERS)):
            raw = read(start + phoff + index * entry, 56 if self.wide else 32)
            if raw is None:
                return
            if self.wide:
                kind, _, offset, addr, _, size = struct.unpack_from(self.order + "IIQQQQ", raw)
            else:
                kind, offset, addr, _, size = struct.unpack_from(self.order + "IIIII", raw)
            segments.append((kind, offset, addr, size))
        # The address that the program was linked at; 0 for a PIE.
        base = next((one[2] - one[1] for one in segments if one[0] == PT_LOAD), 0)
        for kind, _, addr, size in segments:
            notes = read(start + addr - base, size) if kind == PT_NOTE and size < 65536 else None
            if notes is not None:
                yield from self._split_notes(notes)

    def _named_files(self, note: bytes) -> list[tuple[int, int, bytes]]:
        """(start, end, path) of each mapping of the NT_FILE note."""
        return [(start, end, name) for start, end, _, name in self._iter_files(note)]

    def _iter_files(self, note: bytes) -> Iterator[tuple[int, int, int, bytes]]:
        """(start, end, offset in bytes, path) of each mapping of the NT_FILE note."""
        word = "Q" if self.wide else "I"
        width = struct.calcsize(self.order + word)
        if len(note) < 2 * width:
            return
        count, page = struct.unpack_from(f"{self.order}2{word}", note)
        table = 2 * width
        if count > (len(note) - table) // (3 * width):
            return
        names = note[table + count * 3 * width :].split(b"\0")
        for index in range(min(count, len(names))):
            start, end, first = struct.unpack_from(
                f"{self.order}3{word}", note, table + index * 3 * width
            )
            yield start, end, first * page, names[index]

    def _file_ranges(self, note: bytes) -> list[tuple[int, int]]:
        files = list(self._iter_files(note))
        # A program's data has changed since it was loaded: the file's bytes are not the process's.
        writable: list[tuple[int, int]] = []
        for start, _, offset, name in files:
            if offset == 0:
                writable += _writable_ranges(self.sysroot + name, start)
        out = []
        for start, end, offset, name in files:
            name = name and self.sysroot + name
            try:
                length = os.path.getsize(name) - offset
            except OSError:
                continue
            if any(low < end and start < high for low, high in writable):
                continue
            if length > 0 and end > start:
                # The last page of a file is mapped whole, zero after the file's end.
                out.append((start, min(end, start + (length + 4095) // 4096 * 4096)))
        return out


def _writable_ranges(path: bytes, start: int) -> list[tuple[int, int]]:
    """The writable ranges of the program or library at `path`, mapped at `start`; empty if it is
    neither."""
    # A core may name anything, for example a FIFO.
    if not os.path.isfile(path):
        return []
    try:
        with open(path, "rb") as file:
            reader = _Reader(file, os.path.getsize(path))
            loads = [one for one in reader.iter_program_headers() if one.kind == PT_LOAD]
    except (OSError, NotACore):
        return []
    base = next((one.addr - one.offset for one in loads), 0)
    return [
        (start + one.addr // 4096 * 4096 - base, start + one.addr + one.memory_size - base)
        for one in loads
        if one.flags & PF_W
    ]


def _explain_gap(is_cut: bool, file: str) -> tuple[str, str]:
    """Why a core lacks memory, and how to have it."""
    if is_cut:
        return "the core file is truncated", "raise 'ulimit -c', or copy the whole file"
    if file:
        return (
            f"it is mapped from '{file}', which is not here",
            "copy that file here, or dump file mappings too (bits 2 and 3 of coredump_filter)",
        )
    return (
        "it was left out of the core (MADV_DONTDUMP, or coredump_filter)",
        "write 0x7f to /proc/PID/coredump_filter, or use gdb's 'set dump-excluded-mappings on' "
        "and 'generate-core-file'",
    )
