"""gdb's errors about expressions, as one line with the remedy."""

from __future__ import annotations

import re

import gdb

from .protocol import TargetError

_MISSING = re.compile(r'No symbol "(.*?)" in current context')
_NO_DEBUG_INFO = re.compile(r"No symbol table is loaded|has unknown type")

CANNOT_READ = "the pointer is wild, or the core does not hold that memory"


def missing_name(error: gdb.error) -> str:
    """The name that gdb does not know; empty for other errors."""
    found = _MISSING.search(str(error))
    return found.group(1) if found else ""


def is_without_debug_info(error: gdb.error) -> bool:
    """Whether the error is that there is no debug info."""
    return _NO_DEBUG_INFO.search(str(error)) is not None


def unreadable(expression: str, why: str) -> TargetError:
    """The error for an expression whose memory cannot be read."""
    return TargetError(f"cannot read '{expression}': {why}: {CANNOT_READ}")


def explained(expression: str, error: gdb.error) -> TargetError:
    """gdb's error about what the user typed."""
    return TargetError(_explanation(expression, error))


def _explanation(expression: str, error: gdb.error) -> str:
    text = str(error)
    missing = missing_name(error)
    if missing:
        return (
            f"no symbol '{missing}' in the current context: check the name, "
            "or select the frame that has it ('frame N', 'up')"
        )
    if "No symbol table is loaded" in text:
        return (
            f"cannot evaluate '{expression}': no symbol table is loaded: "
            "use 'file PROGRAM' with a program built with -g, or "
            "'hmap-layout load FILE' if it is stripped"
        )
    if "has unknown type" in text:
        return (
            f"type of '{expression}' is unknown: the program has no debug info for it: build with "
            "-g, or name the map by 'hmap-dump --type \"struct hmap\" ADDRESS'"
        )
    if "calling functions" in text or "Cannot call functions" in text:
        return f"expression '{expression}' would call a function in the program: name a variable"
    return f"cannot evaluate '{expression}': {lowered(error)}: check the expression with 'print'"


def lowered(error: Exception) -> str:
    """gdb's text in our style: no capital, no full stop."""
    text = str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else "failed"
    return text[0].lower() + text[1:]
