"""hmap-twin: names and types of a stripped Go program, from a rebuild of it."""

from __future__ import annotations

from ..arguments import Arguments, UsageError
from ..terminal import write
from .command import HmapCommand


class Twin(HmapCommand):
    """Take names and types of a Go program without debug info from its twin.

    Usage: hmap-twin FILE
           hmap-twin

    The twin is a rebuild of the program with debug info: of the same source, by the same Go, with
    the same flags except those that drop debug info. FILE is compared with the program: code,
    constants and the tables of the runtime must be equal to the byte, variables must be at the same
    addresses, and in a process or core the runtime's record of them must be where the twin has it.
    If FILE is no twin, one line tells what differs and how to build it, and nothing is changed.
    Else all commands work as with debug info, and so do gdb's own: 'hmap-list' has the names of
    variables, 'info locals' and 'list' the source. 'symbol-file PROGRAM' drops the twin.

    Without FILE, prints how to build the twin, from what the program says of its own build.

      -h, --help      show this help

    Example:
      (gdb) hmap-twin build/server.twin
      names and types are of '/srv/build/server.twin', the twin of '/usr/bin/server'"""

    name = "hmap-twin"
    summary = "names and types of a stripped program (Go's), from a rebuild of it"
    file_words = ("",)  # the first word is a file

    def run(self, arguments: Arguments) -> None:
        from ..target.opening import take_twin
        from ..text import printable

        if arguments.rest:
            raise UsageError(f"unexpected '{arguments.rest}' after '--': name one file")
        if not arguments.expression:
            self._tell()
            return
        taken = take_twin(_unquoted(arguments.expression))
        write(printable(f"names and types are of '{taken.twin}', the twin of '{taken.program}'"))
        write("\n")

    def _tell(self) -> None:
        from ..target.go_build import how_to_build
        from ..target.opening import program_file
        from ..text import printable

        for line in how_to_build(program_file()):
            write(f"{printable(line)}\n")


def _unquoted(path: str) -> str:
    """A path that may stand in quotes."""
    quoted = len(path) > 1 and path[0] == path[-1] and path[0] in "'\""
    return path[1:-1] if quoted else path
