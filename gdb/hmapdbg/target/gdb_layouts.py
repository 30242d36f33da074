"""The layout files loaded into this gdb, for as long as it runs."""

from __future__ import annotations

import re
from collections.abc import Sequence

import gdb

from .elf_symbols import section_address
from .gdb_session import output_of
from .layout_files import LayoutFiles

_SECTION = re.compile(r"^\s*0x([0-9a-f]+) - 0x[0-9a-f]+ is \.text(?: in (.*))?$", re.MULTILINE)


class GdbPrograms:
    """The files of gdb's program; see layout_files.Programs."""

    def paths(self) -> Sequence[str]:
        own = _main_program()
        names = [one.filename or "" for one in gdb.objfiles() if one.owner is None]
        first = [own] if own else []
        return list(dict.fromkeys([*first, *(name for name in names if name)]))

    def has_separate_debug_info(self, path: str) -> bool:
        return any(one.owner is not None and one.owner.filename == path for one in gdb.objfiles())

    def text_address(self, path: str) -> int | None:
        own = _main_program()
        for address, name in _SECTION.findall(output_of("info files")):
            if name == path or (not name and path == own):
                return int(address, 16)
        return None


def _main_program() -> str | None:
    """gdb's executable; None: none."""
    space = gdb.current_progspace()
    return space.filename if space is not None else None


def load_bias(path: str) -> int | None:
    """How far an object file of the process was moved when it was loaded; None: unknown."""
    try:
        own, loaded = section_address(path, ".text"), GdbPrograms().text_address(path)
    except OSError:
        return None
    return None if own is None or loaded is None else loaded - own


LAYOUTS = LayoutFiles(GdbPrograms())


def register_value(name: str) -> int | None:
    """A register of the selected frame, or a convenience variable of gdb, as "$rdi"; None if it is
    not a number."""
    try:
        return int(gdb.parse_and_eval(name))
    except gdb.error:
        return None
