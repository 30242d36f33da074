"""What gdb says where it cannot read debug info, with the remedy."""

from __future__ import annotations

import re

_DWARF = re.compile(r"dwarf error: *", re.IGNORECASE)


def explained(text: str) -> str:
    """One line for the user; empty if the text of an error is about something else.

    >>> explained("No symbol table is loaded.")
    ''
    """
    found = _DWARF.search(text)
    if found is None:
        return ""
    what = text[found.end() :].splitlines()[0].rstrip(".")
    remedy = "a file is damaged, or this gdb is too old for it: build it again, or use a newer gdb"
    if "skeleton" in what or "DWO" in what:
        remedy = "its .dwo or .dwp files are missing: put them back to where it was built"
    return f"gdb cannot read the program's debug info: {what}: {remedy}"
