"""What an ELF core file really holds.

gdb (13.1) answers with zeros, without an error, for a range that the kernel left out of a core
(MADV_DONTDUMP, coredump_filter): the program header has p_filesz < p_memsz. Zero is "empty" to a
hash map, so such ranges must count as unreadable, unless a mapped file stands behind them (the
NT_FILE note), from which gdb takes the bytes.
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

PT_LOAD = 1
PT_NOTE = 4
NT_FILE = 0x46494C45
PN_XNUM = 0xFFFF
MAX_NOTES = 16 << 20  # bytes of notes looked at


class NotACore(Exception):
    """The file is no ELF file of a known class."""


def held_ranges(path: str) -> list[tuple[int, int]]:
    """The address ranges [start, end) whose bytes the core at `path`, or a mapped file that it
    names and that still exists, can give: sorted and disjoint. OSError, NotACore."""
    with open(path, "rb") as core:
        return _Reader(core, os.path.getsize(path)).held_ranges()


class _Reader:
    def __init__(self, core: BinaryIO, size: int) -> None:
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
        self.wide = ident[4] == 2
        self.order = "<" if ident[5] == 1 else ">"

    def unpack(self, layout: str, offset: int) -> tuple[int, ...]:
        size = struct.calcsize(self.order + layout)
        if offset + size > self.size:
            raise NotACore("cut off in its headers")
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
        return _union(held + files)

    def iter_segments(self) -> list[tuple[int, int, int, int]]:
        """(type, file offset, address, bytes in the file) of each program header."""
        word = "Q" if self.wide else "I"
        _, _, _, _, phoff, shoff, _, _, entry, count = self.unpack(f"HHI3{word}IHHH", 16)
        if count == PN_XNUM:  # the number stands in section 0's sh_info instead
            count = self.unpack("I", shoff + (44 if self.wide else 28))[0]
        if entry < (56 if self.wide else 32):
            raise NotACore("program headers of no size")
        out = []
        for index in range(count):
            at = phoff + index * entry
            if self.wide:
                kind, _, offset, addr, _, file_size = self.unpack("IIQQQQ", at)
            else:
                kind, offset, addr, _, file_size = self.unpack("IIIII", at)
            out.append((kind, offset, addr, file_size))
        return out

    def mapped_files(self, offset: int, size: int) -> list[tuple[int, int]]:
        """Ranges of the NT_FILE note whose file exists and reaches that far."""
        self.core.seek(offset)
        notes = self.core.read(size)
        at = 0
        while at + 12 <= len(notes):
            name_size, data_size, kind = struct.unpack_from(self.order + "III", notes, at)
            data = at + 12 + (name_size + 3) // 4 * 4
            if kind == NT_FILE:
                return self._file_ranges(notes[data : data + data_size])
            at = data + (data_size + 3) // 4 * 4
        return []

    def _file_ranges(self, note: bytes) -> list[tuple[int, int]]:
        word = "Q" if self.wide else "I"
        width = struct.calcsize(self.order + word)
        if len(note) < 2 * width:
            return []
        count, page = struct.unpack_from(f"{self.order}2{word}", note)
        table = 2 * width
        if count > (len(note) - table) // (3 * width):
            return []
        names = note[table + count * 3 * width :].split(b"\0")
        out = []
        for index in range(min(count, len(names))):
            start, end, first = struct.unpack_from(
                f"{self.order}3{word}", note, table + index * 3 * width
            )
            try:
                length = os.path.getsize(names[index]) - first * page
            except OSError:
                continue
            if length > 0 and end > start:
                # The last page of a file is mapped whole, zero behind the file's end.
                out.append((start, min(end, start + (length + 4095) // 4096 * 4096)))
        return out


def _union(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if out and low <= out[-1][1]:
            out[-1] = (out[-1][0], max(high, out[-1][1]))
        else:
            out.append((low, high))
    return out
