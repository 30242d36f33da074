"""hmap-check: every invariant of one map."""

from __future__ import annotations


from ..arguments import Arguments, UsageError
from ..terminal import write
from .command import TYPES, HmapCommand
from .progress import Progress


class Check(HmapCommand):
    """Check every invariant of a hash map.

    Usage: hmap-check EXPR
           hmap-check --type TYPE ADDRESS

    Prints a line per Problem: the number of the invariant ("fault" for unreadable memory), the
    address, and what is wrong. For a valid map, prints "consistent: N entries". For libhmap the
    numbers are those of hmap_check() and hmap_internal.h; whether a key is in its bucket and has
    the right tophash (I8, I9) is checked if the hash function is one of the library's.

      --type TYPE     read a map of type TYPE at ADDRESS
      --key-type T    read keys that are void * as type T, --elem-type elems; see hmap-dump
      -h, --help      show this help

    Example:
      (gdb) hmap-check sessions
      consistent: 600,000 entries"""

    name = "hmap-check"
    summary = "every invariant of a map; a line per Problem"
    options = TYPES

    def run(self, arguments: Arguments) -> None:
        from ..survey import survey
        from ..text import printable

        if arguments.rest:
            raise UsageError(f"unexpected '{arguments.rest}' after '--': name one map")
        _, opened = self.open_map(arguments)
        with Progress(self.name) as progress:
            stats, problems = survey(opened.header, opened.audit(), progress=progress)
        for problem in problems:
            write(f"{printable(str(problem))}\n")
        if problems:
            count = len(problems)
            write(f"{count:,} {'Problem' if count == 1 else 'Problems'}\n")
        else:
            write(f"consistent: {stats.live:,} entries\n")
        for note in opened.header.notes:
            write(f"note: {printable(note)}\n")
