"""The object files of a process: its executable and the libraries it has loaded."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import gdb

from .elf_symbols import file_has_debug_info, has_mangled_names, is_built_by_go
from .gdb_text import file_name

# Libraries without maps of the program, whose debug info takes seconds to read.
SYSTEM = re.compile(
    r"(ld-linux|libc[.-]|libm[.-]|libpthread|libdl|librt|libgcc_s|libstdc\+\+|libresolv|linux-vdso"
    r"|system-supplied DSO|libasan|libubsan|libtsan)"
)


def iter_object_files() -> Iterator[tuple[gdb.Objfile, str]]:
    """The object files that may have variables of the program, and the path of each: separate debug
    info belongs to its library."""
    for objfile in gdb.objfiles():
        path = file_name(objfile.owner or objfile) if objfile.is_valid() else ""
        if path and not SYSTEM.match(os.path.basename(path)):
            yield objfile, path


def uses_indexes() -> bool:
    """Whether debug info of Go programs is read by hmap-layout, where that is installed."""
    try:
        return bool(gdb.parameter("hmap index"))
    except RuntimeError:  # the extension's parameters are not there
        return True


def has_debug_info() -> bool:
    """Whether an object file that may have variables of the program has debug info; True if a file
    cannot be read."""
    for objfile, _ in iter_object_files():
        try:
            if file_has_debug_info(file_name(objfile)):
                return True
        except OSError:
            return True
    return False


def has_go() -> bool:
    """Whether an object file of the process is Go's, stripped or not."""
    for _, path in iter_object_files():
        try:
            if is_built_by_go(path):
                return True
        except OSError:
            continue
    return False


def has_cplusplus() -> bool:
    """Whether an object file that may have variables of the program has names of C++."""
    for objfile, _ in iter_object_files():
        try:
            if has_mangled_names(file_name(objfile)):
                return True
        except OSError:
            continue
    return False
