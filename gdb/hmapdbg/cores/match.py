"""What can be known of a core before gdb is started, and whether it is of the program given."""

from __future__ import annotations

import os
import stat

from ..compat import dataclass
from ..target.core_file import BuildIds, CoreFacts, NotACore, build_ids_of, core_facts, processor_of
from .packed import packing_by

ELF = b"\x7fELF"
# Remedies.
WHOLE = "raise 'ulimit -c', or copy the whole file"
NAME_PROGRAM = "name the program that dumped it"
ANOTHER = "name a core that the kernel or gdb has written"


class Unusable(Exception):
    """A file that there is no use starting gdb for; the text is one line for the user."""


@dataclass(frozen=True)
class Program:
    """The executable that the cores should be of."""

    path: str
    build_ids: BuildIds
    processor: str = ""  # empty: unknown


def open_program(path: str) -> Program:
    """The executable at `path`. Unusable."""
    _check_file(path, "name the program that dumped the cores")
    try:
        if core_facts(path).is_core:
            raise Unusable("it is a core: name the executable first")
        return Program(path, build_ids_of(path), processor_of(path))
    except NotACore:
        raise Unusable("not an ELF file: name the program that dumped the cores") from None


def check_file(path: str) -> None:
    """Unusable if `path` is no file that can be read, or an empty one."""
    _check_file(path, f"{WHOLE}, or free disk space")


def facts_of_core(path: str) -> CoreFacts:
    """What the core at `path`, not compressed, says about itself. Unusable if it is none."""
    check_file(path)
    facts = _facts(path)
    if not facts.is_core:
        raise Unusable("not a core file: an executable or library")
    return facts


def check_notes(facts: CoreFacts) -> None:
    """Unusable if the core is cut before its notes, of which gdb's own are at the end."""
    if facts.is_truncated and not facts.has_notes:
        raise Unusable(f"truncated: {_cut(facts)}, the registers and mappings are not: {WHOLE}")


def check_core(
    facts: CoreFacts, program: Program, any_build: bool = False, sysroot: str = ""
) -> list[str]:
    """Compares a core with the program; notes for the user. Unusable where gdb could make nothing
    of it.

    any_build: do not compare build ids; sysroot: the root folder that was searched."""
    if program.processor and facts.processor != program.processor:
        raise Unusable(
            f"of another processor: {facts.processor}, not {program.processor}: "
            "name the program that dumped it"
        )
    notes = [] if any_build else _compare(facts, program, sysroot)
    check_notes(facts)
    if facts.is_truncated:
        notes.insert(0, f"truncated: {_cut(facts)}: {WHOLE}")
    elif not facts.has_notes:
        raise Unusable(f"it has no notes: registers and mappings are missing: {ANOTHER}")
    return notes


def _cut(facts: CoreFacts) -> str:
    return f"{size_text(facts.size)} of {size_text(facts.whole)} are there"


def _check_file(path: str, remedy: str) -> None:
    """Unusable where there is nothing to be read; remedy: for an empty file."""
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise Unusable("a folder: name a file, or a folder with cores in it")
        if not stat.S_ISREG(status.st_mode):
            raise Unusable("not a regular file: copy what it gives into one")
        if status.st_size == 0:
            raise Unusable(f"an empty file: {remedy}")
        with open(path, "rb"):
            pass
    except OSError as error:
        raise Unusable(f"cannot be read: {(error.strerror or str(error)).lower()}") from None


def _facts(path: str) -> CoreFacts:
    try:
        return core_facts(path)
    except NotACore:
        pass
    except OSError as error:
        raise Unusable(f"cannot be read: {(error.strerror or str(error)).lower()}") from None
    with open(path, "rb") as file:
        start = file.read(4096)
    if start[: len(ELF)] == ELF[: len(start)]:
        raise Unusable(f"truncated: only {size_text(os.path.getsize(path))} are there: {WHOLE}")
    raise Unusable(why_no_core(start))


def why_no_core(start: bytes) -> str:
    """What a file is that begins with `start`, and is no ELF file."""
    packing = packing_by(start)
    if packing is not None:
        return f"compressed by {packing.name}: unpack it with {packing.by_hand}"
    kind = "a text file" if _is_text(start[:4096]) else "no ELF file"
    return f"no core: {kind}: {ANOTHER}"


def _compare(facts: CoreFacts, program: Program, sysroot: str) -> list[str]:
    """Notes about whether the core is of the program. Unusable where it is of another."""
    name = os.path.basename(facts.program)
    if facts.build_ids.agrees(program.build_ids):
        return []
    if facts.build_ids.differs(program.build_ids):
        own = os.path.basename(program.path)
        of_what = f"of another build of '{own}'" if name == own else "of another program"
        if name and name != own:
            of_what += f", '{name}'"
        ids = f"build id {_short(facts.build_ids)}, not {_short(program.build_ids)}"
        remedy = NAME_PROGRAM
        if sysroot:
            ids += f" of '{program.path}'"
            remedy = f"use the --sysroot that it ran in, {NAME_PROGRAM}"
        raise Unusable(f"{of_what}: {ids}: {remedy}, or use --any-build")
    where = "the core" if program.build_ids else "the executable"
    told = f"of '{name}' by name" if name else "of an unknown program"
    return [f"{told}; {where} has no build id to tell by"]


def _short(ids: BuildIds) -> str:
    text = str(ids)
    return text if len(text) <= 16 else text[:12] + "…"


def _is_text(start: bytes) -> bool:
    return all(byte >= 32 or byte in b"\t\n\r\f\x1b" for byte in start)


def size_text(size: int) -> str:
    """Bytes for people."""
    amount, unit = float(size), "bytes"
    for larger in ("KiB", "MiB", "GiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{size:,} bytes" if unit == "bytes" else f"{amount:,.1f} {unit}"
