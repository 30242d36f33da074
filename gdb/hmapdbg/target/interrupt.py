"""Ctrl-C, in whichever form it reaches us."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator

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


@contextlib.contextmanager
def kept_interrupts() -> Iterator[None]:
    """Ctrl-C is not lost for a while: where Python drops a generator it can raise nothing, would
    print a traceback and go on."""
    former = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if unraisable.exc_value is not None and is_interrupt(unraisable.exc_value):
            os.kill(os.getpid(), signal.SIGINT)
        else:
            former(unraisable)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = former
