"""Signals that end a script: it tidies up first."""

from __future__ import annotations

import signal
from typing import NoReturn


def tidy_up_on_signals() -> None:
    """From here on SIGTERM and SIGHUP raise KeyboardInterrupt, as Ctrl-C does, so that files that
    are half written go, and so do the programs that were started. A signal that the caller has
    ignored, as nohup does, stays so."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
