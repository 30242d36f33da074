"""gdb's surface: arguments, help, progress, wiring of sinks to one walk of a map.

Loading this package imports neither numpy nor matplotlib: a command imports its work when it runs.
"""

from __future__ import annotations

from collections.abc import Sequence

import gdb

from .. import functions, parameters, printers
from ..numpy_threads import keep_signals_from_numpys_threads
from ..terminal import wide_charset
from .check import Check
from .command import HmapCommand
from .define import Define
from .diff import Diff
from .dump import Dump
from .find import Find
from .layout import Layout
from .list import List
from .twin import Twin

COMMANDS: Sequence[type[HmapCommand]] = (Dump, Check, Find, Layout, List, Diff, Twin, Define)


def register() -> None:
    """Makes the commands, parameters, convenience functions and printers known to gdb."""
    lines = "\n".join(f"  {command.name:<12} {command.summary}" for command in COMMANDS)

    class Overview(gdb.Command):
        __doc__ = (
            "Show what is inside a hash map of the program.\n\n"
            f"{lines}\n\n"
            "See 'help hmap-dump' and so on for details; 'show hmap' lists the settings.\n"
            "In expressions: $hmap_len(MAP) and $hmap_get(MAP, KEY)."
        )

        def __init__(self) -> None:
            super().__init__("hmap", gdb.COMMAND_DATA)

        def invoke(self, arguments: str, from_tty: bool) -> None:
            gdb.execute("help hmap")

    with wide_charset():  # gdb encodes help texts here
        Overview()
        for command in COMMANDS:
            command()
        parameters.register()
        functions.register()
    printers.register()
    keep_signals_from_numpys_threads()
