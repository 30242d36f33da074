"""Programs in a root folder: of a container's image, or of another machine."""

from __future__ import annotations

import os
import stat

from ..target.core_file import NotACore, build_ids_of, core_facts, mapped_builds
from .match import Program, Unusable, open_program

MOST_LINKS = 40  # that are followed, as in Linux
DELETED = " (deleted)"  # behind the path of a file that was replaced while it ran


def inside(root: str, path: str) -> str | None:
    """The regular file that has the path `path` where `root` is the root folder; None if there is
    none. Links are followed as they would be there, and so do not lead out of it."""
    todo = path.split("/")[::-1]
    found: list[str] = []
    links = 0
    while todo:
        part = todo.pop()
        if part in ("", "."):
            continue
        if part == "..":
            del found[-1:]
            continue
        here = os.path.join(root, *found, part)
        try:
            to = os.readlink(here) if os.path.islink(here) else None
        except OSError:
            return None
        if to is None:
            found.append(part)
            continue
        links += 1
        if links > MOST_LINKS:
            return None
        if to.startswith("/"):
            found.clear()
        todo += to.split("/")[::-1]
    at = os.path.join(root, *found)
    try:
        return at if stat.S_ISREG(os.stat(at).st_mode) else None
    except (OSError, ValueError):
        return None


def named_program(path: str, root: str) -> str | None:
    """The path here of the executable that somebody has named, as a path in the root folder or as
    one here; None if `path` is of a core, or a folder of them."""
    found = inside(root, path) if path.startswith("/") else None
    if found is not None:
        return found
    if os.path.isdir(path):
        return None
    try:
        # What is no ELF file is a core that cannot be used: not every core can.
        return None if core_facts(path).is_core else path
    except NotACore:
        return None
    except OSError:
        return path


def program_of_core(path: str, root: str) -> Program:
    """The executable of a core, by its path in the process, in a root folder. Unusable."""
    remedy = "name the executable before the core, or another --sysroot"
    if not path.startswith("/"):
        what = f"of a program called '{path}'" if path else "of an unknown program"
        raise Unusable(f"{what}, of which it has no path: name the executable before the core")
    found = inside(root, path)
    if found is None and path.endswith(DELETED):
        found = inside(root, path[: -len(DELETED)])
    if found is None:
        raise Unusable(f"its executable '{path}' is not in '{root}': {remedy}")
    try:
        return open_program(found)
    except Unusable as problem:
        raise Unusable(f"its executable '{found}': {problem}") from None


def library_notes(core: str, own: str, root: str) -> list[str]:
    """Notes about the libraries that a core names and the root folder lacks, or has of another
    build. NotACore, OSError.

    own: the path of the core's executable, as the core has it."""
    missing, others = [], []
    for path, build_ids in dict(mapped_builds(core)).items():
        if path == own:
            continue
        found = inside(root, path)
        try:
            if found is None:
                missing.append(path)
            elif build_ids.differs(build_ids_of(found)):
                others.append(path)
        except (OSError, NotACore):
            others.append(path)
    notes = []
    remedy = "use the root folder of the image that it ran in"
    for paths, what in ((others, f"of another build in '{root}'"), (missing, f"not in '{root}'")):
        if paths:
            more = f" and {len(paths) - 1:,} more" if len(paths) > 1 else ""
            notes.append(f"'{paths[0]}'{more} {what}: {remedy}")
    return notes
