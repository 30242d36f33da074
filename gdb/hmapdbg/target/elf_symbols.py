"""The symbol table of an ELF file: which variables and functions a program has, without reading
debug information. Debuggers read the debug information of a compilation unit when a name in it is
looked up; this tells which names are worth it.
"""

from __future__ import annotations

import functools
import mmap
import os
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import numpy as np

from ..compat import dataclass

T = TypeVar("T")

SHT_SYMTAB, SHT_DYNSYM = 2, 11
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 1, 2, 4
STT_OBJECT, STT_FUNC, STT_FILE, STT_TLS = 1, 2, 4, 6
SHN_LORESERVE = 0xFF00
PT_LOAD, PF_X, PF_W = 1, 1, 2
# What Go's linker puts before all other data (debug/buildinfo).
GO_BUILD_INFO, GO_MAGIC, GO_ALIGNMENT = ".go.buildinfo", b"\xff Go buildinf:", 16


@dataclass(frozen=True, slots=True)
class ElfSymbol:
    """A variable or function with an address."""

    name: str  # as the linker writes it
    size: int
    section: str  # ".bss"; empty for functions
    source: str  # base name of a local symbol's source file; empty for others
    address: int = 0  # as the file has it; of a thread-local variable, in its block
    is_thread_local: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a program that it has in memory."""

    name: str
    address: int  # as linked
    size: int
    is_writable: bool
    is_code: bool
    crc32: int | None = None  # of the bytes in the file; None: unknown


def read_symbols(path: str, without_dots: bool = False) -> tuple[list[ElfSymbol], list[ElfSymbol]]:
    """The variables in writable sections, and the functions, of the ELF file at `path`; both empty
    if it has no symbol table. `without_dots`: only those without a "." in their names. OSError."""
    found: list[ElfSymbol] = _read(
        path, lambda data: list(_iter_symbols(data, without_dots=without_dots)), []
    )
    return [one for one in found if one.section], [one for one in found if not one.section]


def read_exported(path: str) -> dict[str, int]:
    """The variables of the ELF file at `path` that are there for other object files, and their
    addresses. OSError."""
    found: list[ElfSymbol] = _read(path, lambda data: list(_iter_symbols(data, SHT_DYNSYM)), [])
    return {one.name: one.address for one in found if one.section and not one.is_thread_local}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a symbol is, as linked, and its size in bytes."""

    address: int
    size: int


def read_addresses(path: str, names: Iterable[str]) -> dict[str, Place]:
    """Where symbols of any kind are, by their names, in the symbol table of the ELF file at `path`;
    without those that are not in it. OSError."""

    def find(data: mmap.mmap) -> dict[str, Place]:
        rows, text = _symbol_table(data, SHT_SYMTAB)
        found = {}
        for name in names:
            # A linker may have a name as the end of another one.
            starts = [one.start() for one in re.finditer(re.escape(name.encode() + b"\0"), text)]
            inside = np.isin(rows["name"], starts) & (rows["section"] != 0)
            for row in rows[inside][:1]:
                found[name] = Place(int(row["value"]), int(row["size"]))
        return found

    return _read(path, find, {})


def read_sections(path: str) -> list[Section]:
    """What the ELF file at `path` has in memory. OSError."""

    def find(data: mmap.mmap) -> list[Section]:
        sections = _sections(data)
        return [
            Section(
                *(name, one.address, one.size),
                bool(one.flags & SHF_WRITE),
                bool(one.flags & SHF_EXECINSTR),
            )
            for one, name in zip(sections, _section_names(data, sections))
            if one.flags & SHF_ALLOC
        ]

    return _read(path, find, [])


def read_segments(path: str) -> list[Section]:
    """What the ELF file at `path` has in memory by its program headers, which are also there where
    section headers were cut off; without names. OSError."""

    def find(data: mmap.mmap) -> list[Section]:
        return [one for one, _ in _iter_segments(data)]

    return _read(path, find, [])


def entry_address(path: str) -> int | None:
    """Where the program at `path` begins to run, as linked; None: it is no program. OSError."""

    def find(data: mmap.mmap) -> int | None:
        wide, order = _format(data)
        return int(struct.unpack_from(order + ("Q" if wide else "I"), data, 24)[0]) or None

    return _read(path, find, None)


def data_from(path: str, mark: bytes, alignment: int, size: int) -> bytes:
    """Up to `size` bytes of what the ELF file at `path`, if without section headers, has as data,
    from a mark on; empty: it has none, or section headers. OSError."""

    def find(data: mmap.mmap) -> bytes:
        if _sections(data):
            return b""
        for one, offset in _iter_segments(data):
            end = min(offset + one.size, len(data))
            at = data.find(mark, offset, end) if one.is_writable else -1
            while at >= 0 and (one.address + at - offset) % alignment:
                at = data.find(mark, at + 1, end)
            if at >= 0:
                return data[at : min(at + size, end)]
        return b""

    return _read(path, find, b"")


def section_address(path: str, name: str) -> int | None:
    """Where a section of the ELF file at `path` says that it lies; None: there is none. OSError."""

    def find(data: mmap.mmap) -> int | None:
        sections = _sections(data)
        names = _section_names(data, sections)
        return next((one.address for one, own in zip(sections, names) if own == name), None)

    return _read(path, find, None)


DEBUG_INFO = (".debug_info", ".zdebug_info")  # the second: compressed as before ELF had that


def file_has_debug_info(path: str) -> bool:
    """Whether the ELF file at `path` has debug info in it. OSError."""
    return any(section_address(path, one) is not None for one in DEBUG_INFO)


def is_packed(path: str) -> bool:
    """Whether the file at `path` is a program that UPX has packed: only it can be seen before it
    runs, and its sections never. OSError."""
    with open(path, "rb") as file:
        return PACKED in file.read(PACKED_WITHIN)


def is_built_by_go(path: str) -> bool:
    """Whether the ELF file at `path` is Go's, stripped or not. OSError."""
    if section_address(path, GO_BUILD_INFO) is not None:
        return True
    return bool(data_from(path, GO_MAGIC, GO_ALIGNMENT, 1))


def has_mangled_names(path: str) -> bool:
    """Whether the symbol table of the ELF file at `path` has names of C++ or Rust. OSError."""
    return _has_mangled_names(path, os.stat(path).st_mtime_ns)


PACKED, PACKED_WITHIN = b"UPX!", 512  # behind the program headers

MANGLED = (b"\0_Z", b"\0_RN", b"\0_RI")  # the beginnings of names: of C++, and of Rust's second way


@functools.lru_cache(100)
def _has_mangled_names(path: str, _changed: int) -> bool:
    def find(data: mmap.mmap) -> bool:
        sections = _sections(data)
        tables = [sections[one.link] for one in sections if one.kind == SHT_SYMTAB]
        return any(
            data.find(start, one.offset, one.offset + one.size) >= 0
            for one in tables
            for start in MANGLED
        )

    return _read(path, find, False)


def _read(path: str, read: Callable[[mmap.mmap], T], default: T) -> T:
    """What `read` makes of the ELF file at `path`; `default` for a file that is truncated, or
    another one. OSError."""
    if os.path.getsize(path) < 64:
        return default
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:4] != b"\x7fELF" or data[4] not in (1, 2) or data[5] not in (1, 2):
            return default
        try:
            return read(data)
        except (struct.error, IndexError, ValueError):
            return default


@dataclass(frozen=True, slots=True)
class _Section:
    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int


def _iter_symbols(
    data: mmap.mmap, kind: int = SHT_SYMTAB, without_dots: bool = False
) -> Iterator[ElfSymbol]:
    sections = _sections(data)
    names = _section_names(data, sections)
    rows, text = _symbol_table(data, kind)
    kinds = rows["info"] & 15
    writable = np.array([bool(one.flags & SHF_WRITE) for one in sections], np.bool_)
    inside = np.minimum(rows["section"].astype(np.int64), len(sections) - 1)
    thread_local = kinds == STT_TLS
    variables = ((kinds == STT_OBJECT) | thread_local) & writable[inside] & (rows["section"] != 0)
    functions = (kinds == STT_FUNC) & (rows["section"] != 0)
    wanted = (rows["section"] < SHN_LORESERVE) & (rows["size"] > 0) & (variables | functions)
    source = ""
    for place in np.flatnonzero(wanted | (kinds == STT_FILE)).tolist():
        row = rows[place]
        start = int(row["name"])
        if without_dots and kinds[place] != STT_FILE:
            if text.find(b".", start, text.index(b"\0", start)) >= 0:
                continue
        name = text[start : text.index(b"\0", start)].decode("utf-8", "backslashreplace")
        if kinds[place] == STT_FILE:
            source = name
            continue
        section = names[int(row["section"])] if variables[place] else ""
        local = not int(row["info"]) >> 4
        yield ElfSymbol(
            name,
            int(row["size"]),
            section,
            source if local else "",
            int(row["value"]),
            bool(thread_local[place]),
        )


def _symbol_table(data: mmap.mmap, kind: int) -> tuple[np.ndarray[Any, np.dtype[np.void]], bytes]:
    """The rows of a table of symbols, and the text with their names; both empty: there is none."""
    sections = _sections(data)
    table = next((one for one in sections if one.kind == kind), None)
    layout = _symbol_dtype(*_format(data))
    if table is None:
        return np.empty(0, layout), b""
    strings = sections[table.link]
    text = data[strings.offset : strings.offset + strings.size]
    return np.frombuffer(data[table.offset : table.offset + table.size], layout), text


def _symbol_dtype(wide: bool, order: str) -> np.dtype[np.void]:
    if wide:
        fields = [("name", "u4"), ("info", "u1"), ("other", "u1"), ("section", "u2")]
        fields += [("value", "u8"), ("size", "u8")]
    else:
        fields = [("name", "u4"), ("value", "u4"), ("size", "u4"), ("info", "u1"), ("other", "u1")]
        fields += [("section", "u2")]
    return np.dtype([(name, order + kind) for name, kind in fields])


def _format(data: mmap.mmap) -> tuple[bool, str]:
    """Whether an ELF file is one of 64 bits, and its byte order, as struct has it."""
    return data[4] == 2, "<" if data[5] == 1 else ">"


def _sections(data: mmap.mmap) -> list[_Section]:
    wide, order = _format(data)
    (start,) = struct.unpack_from(order + ("Q" if wide else "I"), data, 40 if wide else 32)
    entry, count = struct.unpack_from(order + "HH", data, 58 if wide else 46)
    out = []
    for at in range(start, start + entry * count, entry):
        layout = "IIQQQQI" if wide else "IIIIIII"
        out.append(_Section(*struct.unpack_from(order + layout, data, at)))
    return out


def _iter_segments(data: mmap.mmap) -> Iterator[tuple[Section, int]]:
    """The loaded segments, and the offset of each in the file."""
    wide, order = _format(data)
    (start,) = struct.unpack_from(order + ("Q" if wide else "I"), data, 32 if wide else 28)
    entry, count = struct.unpack_from(order + "HH", data, 54 if wide else 42)
    for at in range(start, start + entry * count, entry):
        if wide:
            kind, flags, offset, address, _, _, size = struct.unpack_from(
                order + "IIQQQQQ", data, at
            )
        else:
            kind, offset, address, _, _, size, flags = struct.unpack_from(order + "7I", data, at)
        if kind == PT_LOAD and size:
            yield Section("", address, size, bool(flags & PF_W), bool(flags & PF_X)), offset


def _section_names(data: mmap.mmap, sections: list[_Section]) -> list[str]:
    wide, order = _format(data)
    (index,) = struct.unpack_from(order + "H", data, 62 if wide else 50)
    if not sections:  # cut off
        return []
    table = sections[index]
    text = data[table.offset : table.offset + table.size]
    return [
        text[one.name : text.index(b"\0", one.name)].decode("ascii", "replace") for one in sections
    ]
