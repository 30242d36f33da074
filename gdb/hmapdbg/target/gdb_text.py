"""Text that gdb gives: paths and names may have any bytes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any


def decoded(ask: Callable[[], str]) -> str:
    """A text of gdb's; bytes that are not text as os.fsdecode has them: gdb has no handler for
    them."""
    try:
        return ask()
    except UnicodeDecodeError as error:
        return os.fsdecode(error.object)


def file_name(owner: Any) -> str:
    """The path of an object file, a symbol table or a program space, as os.fsdecode has it; empty
    if it has none, or there is no owner."""
    return "" if owner is None else decoded(lambda: owner.filename or "")
