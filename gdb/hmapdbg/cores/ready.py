"""Makes a core ready for gdb: unpacked if it is compressed, its program found, both compared."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator

from ..compat import dataclass
from .match import Program, check_core, check_file, check_notes, facts_of_core
from .packed import packing_of
from .sysroot import library_notes, program_of_core
from .unpack import Bounds, unpack


@dataclass(frozen=True)
class Ready:
    """A core that gdb can take."""

    path: str  # of a plain file
    program: Program
    notes: list[str]  # for the user


@dataclass(frozen=True)
class Wanted:
    """What is to be done to make cores ready."""

    program: Program | None  # None: it is found in sysroot
    sysroot: str  # root folder of the machine or container that the cores are of; empty: this one's
    any_build: bool  # build ids are not compared
    scratch: str  # a folder, on whose disk cores are unpacked


@contextlib.contextmanager
def made_ready(path: str, wanted: Wanted, bounds: Bounds) -> Iterator[Ready]:
    """The core at `path`, ready; what has been unpacked is gone at the end. Unusable where gdb
    could make nothing of it, OSError."""
    with contextlib.ExitStack() as stack:
        notes = []
        check_file(path)
        packing = packing_of(path)
        if packing is not None:
            prefix = f".{os.path.basename(path)[:60]}."
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix=prefix, dir=wanted.scratch)
            )
            # Of the same name, by which gdb and the user know it.
            target = os.path.join(os.path.abspath(folder), os.path.basename(path))
            notes.append(str(unpack(path, packing, target, bounds)))
            path = target
        facts = facts_of_core(path)
        program = wanted.program
        if program is None:
            check_notes(facts)
            program = program_of_core(facts.program, wanted.sysroot)
        notes = check_core(facts, program, wanted.any_build, wanted.sysroot) + notes
        if wanted.sysroot and not wanted.any_build:
            notes += library_notes(path, facts.program, wanted.sysroot)
        yield Ready(path, program, notes)
