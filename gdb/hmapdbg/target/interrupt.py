"""Ctrl-C, in whichever form it reaches us."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

_QUIT = "Quit"  # gdb's word for it, where it makes an error of it


def is_interrupt(error: BaseException) -> bool:
    """Whether an exception is Ctrl-C, or came of it: a debugger, and C code called by Python, may
    put another in its place."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        if isinstance(at, KeyboardInterrupt) or str(at).strip().rstrip(".") == _QUIT:
            return True
        seen.add(id(at))
        at = at.__cause__ or at.__context__
    return False


_kept: list[Any] = []  # what was raised where Python could not pass it on


@contextlib.contextmanager
def kept_interrupts() -> Iterator[None]:
    """Ctrl-C is not lost for a while: where Python drops a generator it can raise nothing, and
    would print a traceback and go on. `raise_kept` raises it then."""
    former = sys.unraisablehook
    # No function of Python's own: it would be interrupted itself.
    sys.unraisablehook = _kept.append
    try:
        yield
    finally:
        sys.unraisablehook = former
        others = [one for one in _kept if not _is_of_interrupt(one)]
        _kept.clear()
        for one in others:
            former(one)


def raise_kept() -> None:
    """KeyboardInterrupt if there was Ctrl-C that could not be raised."""
    if any(map(_is_of_interrupt, _kept)):
        _kept.clear()
        raise KeyboardInterrupt


def _is_of_interrupt(unraisable: Any) -> bool:
    return unraisable.exc_value is not None and is_interrupt(unraisable.exc_value)
