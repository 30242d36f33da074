"""Loads the hmap commands into gdb:

    (gdb) source gdb/hmap.py
    (gdb) help hmap
"""

import os
import sys

import gdb

MIN_GDB = 13
MIN_PYTHON = (3, 9)


def _load() -> None:
    version: str = getattr(gdb, "VERSION")  # which the stubs of gdb do not know
    digits = version.split(".")[0]
    if sys.version_info < MIN_PYTHON or (digits.isdigit() and int(digits) < MIN_GDB):
        # An exception would come with a traceback here.
        gdb.write(
            f"hmap needs gdb {MIN_GDB} with Python 3.9, and this is gdb {version} with Python "
            f"{sys.version_info[0]}.{sys.version_info[1]}: install a newer gdb\n",
            gdb.STDERR,
        )
        return
    # Not __file__: a script that sources this file by gdb.execute leaves its own there.
    folder = os.path.dirname(os.path.abspath(_load.__code__.co_filename))
    if folder not in sys.path:
        sys.path.insert(0, folder)
    # Sourced again: what has changed on disk since is taken up.
    for name in [name for name in sys.modules if name.split(".")[0] == "hmapdbg"]:
        del sys.modules[name]
    from hmapdbg.commands import register

    register()


_load()
