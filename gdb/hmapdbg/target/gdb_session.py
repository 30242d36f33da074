"""gdb's own state: output of its commands, and temporary settings."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import gdb

from .gdb_objects import has_cplusplus
from .gdb_text import decoded


def output_of(command: str) -> str:
    """What a gdb command prints; bytes that are not UTF-8 as os.fsdecode has them. gdb.error."""
    return decoded(lambda: gdb.execute(command, to_string=True) or "")


def types_by_pattern(pattern: str) -> list[str]:
    """The names of types that fit a regular expression, by the machine interface: there each name
    is a string of its own."""
    try:
        # From gdb 14 on. gdb 16.3 dies of the other way, if the program has run since it was used.
        if hasattr(gdb, "execute_mi"):
            found = gdb.execute_mi("-symbol-info-types", "--name", pattern)["symbols"]
            by_file = found.get("debug", [])
            return [one["name"] for file in by_file for one in file["symbols"]]
        quoted = pattern.replace("\\", "\\\\")
        text = output_of(f'interpreter-exec mi "-symbol-info-types --name {quoted}"')
    except gdb.error:
        return []
    names = re.findall(r'\bname="((?:[^"\\]|\\.)*)"', text)
    return [re.sub(r"\\(.)", r"\1", name) for name in names]


def no_calls() -> contextlib.AbstractContextManager[None]:
    """Keeps gdb from calling functions of the program, whatever an expression says; even a string
    literal would call its malloc."""
    return gdb.with_parameter("may-call-functions", False)


def linker_names() -> contextlib.AbstractContextManager[None]:
    """Symbols as the linker has them for a while: gdb takes "main.jobs" of Go for "main[jobs]"."""
    return gdb.with_parameter("print demangle", False)


def language(name: str) -> contextlib.AbstractContextManager[None]:
    """Sets gdb's language for a while."""
    return gdb.with_parameter("language", name)


@contextlib.contextmanager
def steady_language() -> Iterator[None]:
    """Sets gdb's language to that of the program for a while, so that no name or type depends on
    the selected frame's, or on what the user has set."""
    with language(program_language()):
        yield


def program_language() -> str:
    """The language that the program is written in, as gdb calls it: go, c++ or else c."""
    # gdb looks for a name that is not there in all debug info: milliseconds for each command.
    files = tuple(gdb.objfiles())  # each of them, once loaded, is an object of its own
    if _language_of.get(files) is None:
        _language_of.clear()
        _language_of[files] = _find_language()
    return _language_of[files]


_language_of: dict[tuple[gdb.Objfile, ...], str] = {}  # of those that were looked at last


def _find_language() -> str:
    with language("c"):
        try:
            gdb.parse_and_eval("&'runtime.firstmoduledata'")
            return "go"
        except gdb.error:
            pass
    return "c++" if has_cplusplus() else "c"


def function_name() -> str:
    """The selected frame's function; empty if there is none."""
    try:
        return gdb.selected_frame().name() or ""
    except gdb.error:
        return ""
