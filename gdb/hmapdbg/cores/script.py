"""The process of hmap-cores: its streams and signals, and how it ends."""

from __future__ import annotations

import io
import os
import sys
from typing import NoReturn

from ..requirements import missing_module
from ..termination import tidy_up_on_signals
from . import INTERRUPTED, UNREADABLE, USAGE


def run() -> NoReturn:
    """Does what the process was started for, and exits."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    tidy_up_on_signals()
    try:
        # Which needs numpy.
        from .main import main

        sys.exit(main(sys.argv[1:]))
    except ModuleNotFoundError as error:
        print(f"hmap-cores: {missing_module(error)}", file=sys.stderr)
        sys.exit(USAGE)
    except KeyboardInterrupt:
        print("hmap-cores: interrupted; no summary was written", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has gone, as under `| head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(UNREADABLE)
