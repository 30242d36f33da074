"""The process of hmap-plot: what it says where modules are missing, and how it ends."""

from __future__ import annotations

import sys
from typing import NoReturn

from ..requirements import missing_module
from ..termination import tidy_up_on_signals
from . import INTERRUPTED, UNREADABLE


def run() -> NoReturn:
    """Does what the process was started for, and exits."""
    tidy_up_on_signals()
    try:
        # Which needs numpy.
        from .command_line import main

        sys.exit(main(sys.argv[1:]))
    except ModuleNotFoundError as error:
        print(f"hmap-plot: {missing_module(error)}", file=sys.stderr)
        sys.exit(UNREADABLE)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
