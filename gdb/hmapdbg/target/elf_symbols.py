"""The symbol table of an ELF file: which variables and functions a program has, without reading
debug information. Debuggers read the debug information of a compilation unit when a name in it is
looked up; this tells which names are worth it.
"""

from __future__ import annotations

import functools
import mmap
import os
import struct
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np

from ..compat import dataclass

T = TypeVar("T")

SHT_SYMTAB, SHT_DYNSYM = 2, 11
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 1, 2, 4
STT_OBJECT, STT_FUNC, STT_FILE, STT_TLS = 1, 2, 4, 6
SHN_LORESERVE = 0xFF00


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


def is_built_by_go(path: str) -> bool:
    """Whether the ELF file at `path` is Go's, stripped or not. OSError."""
    return section_address(path, ".go.buildinfo") is not None


def has_mangled_names(path: str) -> bool:
    """Whether the symbol table of the ELF file at `path` has names of C++ or Rust. OSError."""
    return _has_mangled_names(path, os.stat(path).st_mtime_ns)


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
    table = next((one for one in sections if one.kind == kind), None)
    if table is None:
        return
    strings = sections[table.link]
    text = data[strings.offset : strings.offset + strings.size]
    rows = np.frombuffer(
        data[table.offset : table.offset + table.size], _symbol_dtype(*_format(data))
    )
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


def _section_names(data: mmap.mmap, sections: list[_Section]) -> list[str]:
    wide, order = _format(data)
    (index,) = struct.unpack_from(order + "H", data, 62 if wide else 50)
    table = sections[index]
    text = data[table.offset : table.offset + table.size]
    return [
        text[one.name : text.index(b"\0", one.name)].decode("ascii", "replace") for one in sections
    ]
