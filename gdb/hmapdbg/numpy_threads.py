"""numpy in a debugger: the threads that it starts take no signals that are gdb's."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import signal
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

# Those that gdb blocks in threads of its own (gdbsupport/block-signals.h).
_GDBS = {signal.SIGCHLD, signal.SIGINT, signal.SIGALRM, signal.SIGTERM, signal.SIGWINCH}


def keep_signals_from_numpys_threads() -> None:
    """From here on, an import of numpy blocks gdb's signals meanwhile. OpenBLAS starts its threads
    then, and they inherit the mask. A SIGCHLD that came to one of them would leave gdb waiting for
    ever, as it suspends its main thread until that signal comes."""
    sys.meta_path[:] = [one for one in sys.meta_path if not hasattr(one, "hmap_numpy_finder")]
    sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
    """Finds numpy as Python does, and lets it load with gdb's signals blocked."""

    hmap_numpy_finder = True

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "numpy":
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            # On the loader itself: a wrapper would have to be one in every other respect, too.
            loader: Any = spec.loader
            execute = loader.exec_module

            def execute_blocked(module: ModuleType) -> None:
                former = signal.pthread_sigmask(signal.SIG_BLOCK, _GDBS)
                try:
                    execute(module)
                finally:
                    signal.pthread_sigmask(signal.SIG_SETMASK, former)

            loader.exec_module = execute_blocked
        return spec
