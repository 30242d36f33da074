"""hmap-define: map families from a definition file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..arguments import Arguments, Option, UsageError
from ..terminal import write
from .command import HmapCommand

if TYPE_CHECKING:
    from ..families.declared.loading import Loaded

FORGET = Option("--forget")


class Define(HmapCommand):
    """Declare a map family of your own by a definition file.

    Usage: hmap-define FILE
           hmap-define
           hmap-define --forget [FILE]

    FILE is TOML: it names the fields by which the struct of a map is recognised, and says by
    expressions on fields where its array is, how it ends, where keys and elems are. All commands
    know such maps then, hmap-list finds them, and hmap-check checks them. A file that ends in .py
    is a module of Python, for what TOML cannot say; it is run. docs/own-maps.md has the keys and
    examples. A second load of a file replaces the first. In a process or core whose program has
    the struct, its fields are checked at once, else when a map is opened.

    Without FILE, lists what is loaded, and what hmap-layout(1) must be told to keep for it.
    'set hmap definitions FILE:FILE' loads several files.

      --forget        drop the families of FILE, or all
      -h, --help      show this help

    Example:
      (gdb) hmap-define sessions.toml
      session_table: session_table with heads, bits, count"""

    name = "hmap-define"
    summary = "map families of your own, from a definition file"
    options = (FORGET,)
    file_words = ("", FORGET.name)  # the first word is a file

    def run(self, arguments: Arguments) -> None:
        from ..families import DEFINITIONS

        if arguments.rest:
            raise UsageError(f"unexpected '{arguments.rest}' after '--': name one file")
        path = _unquoted(arguments.expression)
        if FORGET.name in arguments:
            count = DEFINITIONS.forget(path)
            write(f"{count} definition {'file' if count == 1 else 'files'} forgotten\n")
            return
        if path:
            _load(path)
            return
        for loaded in DEFINITIONS.all():
            _tell(loaded, with_path=True)
            _tell_structs(loaded)
        if not DEFINITIONS.all():
            write("no definitions are loaded: 'hmap-define FILE'\n")


def _load(path: str) -> None:
    """Loads a file, and tells what is in it. TargetError: then nothing has changed."""
    from ..families import DEFINITIONS
    from ..target.opening import type_finder

    _tell(DEFINITIONS.load(path, type_finder()), with_path=False)


def _tell(loaded: Loaded, with_path: bool) -> None:
    from ..text import printable

    for one in loaded.families:
        about = getattr(one, "describes", "").replace(f" ({one.name})", "")
        where = f"   ({loaded.path})" if with_path else ""
        write(printable(f"{one.name}: {about}{where}") + "\n")


def _tell_structs(loaded: Loaded) -> None:
    """What a layout file must have for maps of these families."""
    from ..families.declared.checking import structs_of
    from ..families.declared.family import DeclaredFamily
    from ..target.opening import type_finder
    from ..text import printable

    find = type_finder()
    if find is None:
        return
    for one in loaded.families:
        names = structs_of(one.definition, find) if isinstance(one, DeclaredFamily) else []
        if names:
            options = " ".join(f"--also {name}" for name in names)
            write(printable(f"  in a layout file by: {options}") + "\n")


def _unquoted(path: str) -> str:
    """A path that may stand in quotes."""
    quoted = len(path) > 1 and path[0] == path[-1] and path[0] in "'\""
    return path[1:-1] if quoted else path
