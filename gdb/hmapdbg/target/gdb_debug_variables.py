"""Variables of programs that have debug info and no symbol table (Go's -ldflags='-s -w=0'): gdb
lists those that it knows. It reads all of the debug info for that."""

from __future__ import annotations

import os
import re

import gdb

from .elf_symbols import ElfSymbol
from .gdb_session import output_of
from .spelling import declared_name

SECTION = "debug info"  # of variables whose section is unknown

_DECLARATION = re.compile(r"(?:\d+:)?\t(?P<static>static )?(?P<rest>.*);$")


def debug_variables(size: int) -> list[ElfSymbol]:
    """The globals and statics that debug info has, of all files, as if a symbol table had them;
    `size`: what to say of how large each is."""
    # The machine interface has names apart from types, but gdb 13.1 dies of it here at times.
    try:
        text = output_of("info variables -q -n")
    except gdb.error:
        return []
    out: list[ElfSymbol] = []
    file = ""
    for line in text.splitlines():
        if line.startswith("File "):
            file = os.path.basename(line[len("File ") :].rstrip(":"))
            continue
        found = _DECLARATION.match(line)
        name = declared_name(found["rest"]) if found is not None else ""
        if found is not None and name:
            source = file if found["static"] else ""
            out.append(ElfSymbol(name, size, SECTION, source))
    return out
