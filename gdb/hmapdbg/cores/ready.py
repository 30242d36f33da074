"""Makes a core ready for gdb: unpacked if it is compressed, and compared with its program."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator

from ..compat import dataclass
from .match import Program, check_core, check_file, facts_of_core
from .packed import packing_of
from .unpack import Bounds, unpack


@dataclass(frozen=True)
class Ready:
    """A core that gdb can take."""

    path: str  # of a plain file
    program: Program
    notes: list[str]  # for the user


@contextlib.contextmanager
def made_ready(
    path: str, program: Program, any_build: bool, scratch: str, bounds: Bounds
) -> Iterator[Ready]:
    """The core at `path`, ready; what has been unpacked is gone at the end. Unusable where gdb
    could make nothing of it, OSError.

    scratch: a folder, on whose disk it is unpacked."""
    with contextlib.ExitStack() as stack:
        notes = []
        check_file(path)
        packing = packing_of(path)
        if packing is not None:
            prefix = f".{os.path.basename(path)[:60]}."
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix, dir=scratch))
            # Of the same name, by which gdb and the user know it.
            target = os.path.join(os.path.abspath(folder), os.path.basename(path))
            notes.append(str(unpack(path, packing, target, bounds)))
            path = target
        facts = facts_of_core(path)
        notes = check_core(facts, program, any_build) + notes
        yield Ready(path, program, notes)
