"""The layout files loaded into this gdb, the indexes of its programs, and the tables of those of Go
without debug info, for as long as it runs."""

from __future__ import annotations

import re
from collections.abc import Sequence

import gdb

from .gdb_session import output_of
from .gdb_text import file_name
from .go_stripped import StrippedGo
from .layout_files import LayoutFiles
from .program_index import ProgramIndexes

_SECTION = re.compile(r"^\s*0x([0-9a-f]+) - 0x[0-9a-f]+ is \.text(?: in (.*))?$", re.MULTILINE)

_ENTRY = re.compile(r"AT_ENTRY\s.*?0x([0-9a-f]+)")


class GdbPrograms:
    """The files of gdb's program; see layout_files.Programs."""

    def paths(self) -> Sequence[str]:
        own = _main_program()
        names = [file_name(one) for one in gdb.objfiles() if one.owner is None]
        first = [own] if own else []
        return list(dict.fromkeys([*first, *(name for name in names if name)]))

    def has_separate_debug_info(self, path: str) -> bool:
        return any(one.owner is not None and file_name(one.owner) == path for one in gdb.objfiles())

    def text_address(self, path: str) -> int | None:
        return text_addresses().get(path)

    def entry_address(self, path: str) -> int | None:
        try:
            found = _ENTRY.search(output_of("info auxv")) if path == _main_program() else None
        except gdb.error:
            return None
        return None if found is None else int(found[1], 16)

    def read(self, addr: int, size: int) -> bytes | None:
        if size <= 0:  # which gdb 18 refuses
            return b""
        try:
            return bytes(gdb.selected_inferior().read_memory(addr, size))
        except (gdb.error, OverflowError):
            return None


def text_addresses() -> dict[str, int]:
    """Where the .text section of each object file of the process lies, by its path."""
    own = _main_program() or ""
    found = _SECTION.findall(output_of("info files"))
    return {name or own: int(address, 16) for address, name in reversed(found)}


def _main_program() -> str | None:
    """gdb's executable; None: none."""
    space = gdb.current_progspace()
    return file_name(space) or None


LAYOUTS = LayoutFiles(GdbPrograms())
INDEXES = ProgramIndexes(GdbPrograms())
STRIPPED_GO = StrippedGo(GdbPrograms())


def register_value(name: str) -> int | None:
    """A register of the selected frame, or a convenience variable of gdb, as "$rdi"; None if it is
    not a number."""
    try:
        return int(gdb.parse_and_eval(name))
    except gdb.error:
        return None
