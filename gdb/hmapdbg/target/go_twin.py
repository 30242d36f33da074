"""Whether a file is the twin of a Go program without debug info: a rebuild of it with debug info,
of the same code, with variables in the same places.

A debugger believes the symbols of any file: with those of another build it shows the entries of one
map as those of another. So all that a program has in memory is compared, to the byte where it is
constant. What a build says of itself (versions, settings, Go's build id) is compared first: it
tells best why two files differ, and the id also covers names that leave no trace in a program.
"""

from __future__ import annotations

import functools
import os
import stat
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Optional

from .core_file import NotACore, build_ids_of, processor_of, section_bytes
from .elf_symbols import Place, Section, file_has_debug_info, read_addresses, read_sections
from .go_build import LINKER, BuildInfo, build_info, twin_command, without_stripping

Read = Callable[[int, int], Optional[bytes]]

# Where go1.19 puts these depends on whether the file has a table of symbols. What they tell of is
# elsewhere, and only the module's record leads to them.
MOVABLE = (".typelink", ".itablink", ".gosymtab", ".gopclntab")
RECORD_IN = (".noptrdata", ".go.module")  # the sections that have the module's record
NOTES, FLAGS = ".note.", ".go.buildinfo"  # which differ in any case
MODULE = "runtime.firstmoduledata"
# Consecutive words of the module's record, in all versions (runtime/symtab.go moduledata).
MARKS = (
    *("text", "etext", "noptrdata", "enoptrdata", "data", "edata"),
    *("bss", "ebss", "noptrbss", "enoptrbss"),
)
CONTENT = 2  # the part of Go's build id that is the hash of the main package, compiled


def why_not_twin(program: str, twin: str) -> str:
    """Why a file is not the twin of a program, with the remedy; empty: it is."""
    why = _why_unusable(program) or _why_incomparable(program) or _why_unusable(twin)
    if why:
        return why
    try:
        if file_has_debug_info(program):
            return f"'{program}' has debug info: it needs no twin"
        if not file_has_debug_info(twin):
            return f"'{twin}' has no debug info: {remedy(program)}"
        if MODULE not in _places(twin, os.stat(twin).st_mtime_ns):
            return f"'{twin}' has no table of symbols: {remedy(program)}"
        why = next(_iter_differences(program, twin), "")
    except OSError as error:
        return f"cannot read '{error.filename}': {error.strerror}"
    return why and f"'{twin}' is not the twin of '{program}': {why}: {remedy(program)}"


def wrong_place(twin: str, bias: int, read: Read) -> str:
    """What the memory of a process has elsewhere than the twin of its program says; empty:
    nothing. `bias`: how far the process's addresses are from those of the file. OSError."""
    names = [f"runtime.{name}" for name in MARKS]
    places = _places(twin, os.stat(twin).st_mtime_ns)
    record = places.get(MODULE)
    if record is None or any(name not in places for name in names):
        return ""  # it has no table of symbols
    words = struct.pack(f"<{len(names)}Q", *(places[name].address + bias for name in names))
    held = read(record.address + bias, max(record.size, len(words)))
    if held is None:
        return f"{MODULE} cannot be read at 0x{record.address + bias:x}"
    if words not in held:
        return (
            f"the memory at 0x{record.address + bias:x} is not {MODULE} of that program, unless "
            "it has not begun to run"
        )
    return ""


@functools.lru_cache(16)
def _places(path: str, _changed: int) -> dict[str, Place]:
    return read_addresses(path, [MODULE, *(f"runtime.{name}" for name in MARKS)])


def remedy(program: str) -> str:
    """How to have the twin of a program."""
    command = twin_command(program)
    return (
        f"build it by {command}" if command else "rebuild it from the same source, by the same Go"
    )


def _why_unusable(path: str) -> str:
    """Why a file is no program of Go; empty: it is one."""
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "no regular file"
            return f"'{path}' is {kind}: name a program"
        if build_info(path) is None:
            return f"'{path}' is not a program of go1.18 or later: hmap-twin is for those"
    except OSError as error:
        return f"cannot read '{path}': {error.strerror}"
    return ""


def _why_incomparable(program: str) -> str:
    """Why a program of Go has no twin that could be told from others; empty: it may have one."""
    info = build_info(program)
    why = ""
    if not read_sections(program):
        why = "has no section headers"
    elif info is not None and not info.is_told:
        why = f"does not say which version built it ('{info.version}')"
    return why and f"'{program}' {why}: no file can be compared with it"


# ---- what differs


def _iter_differences(program: str, twin: str) -> Iterator[str]:
    """What a file has otherwise than the program, the most telling first. OSError."""
    own, other = build_info(program), build_info(twin)
    assert own is not None and other is not None
    try:
        processor, others = processor_of(program), processor_of(twin)
        if processor != others:
            yield f"it is of {others}, not {processor}"
        yield from _iter_build_differences(own, other)
        yield from _iter_section_differences(program, twin, own, other)
        contents = {_content_of(program), _content_of(twin)} - {None}
        if len(contents) > 1:
            yield "the hash of the main package in Go's build id differs"
    except NotACore:
        yield "its headers cannot be read"


def _iter_build_differences(own: BuildInfo, other: BuildInfo) -> Iterator[str]:
    if own.version != other.version:
        yield f"it was built by {other.version}, not {own.version}"
    if own.path != other.path:
        yield f"it is of the package '{other.path}', not '{own.path}'"
    mine, theirs = dict(own.settings), dict(other.settings)
    for name in (*mine, *theirs):
        if _comparable(name, mine) != _comparable(name, theirs):
            yield f"it was built {_shown(name, theirs)}, not {_shown(name, mine)}"
    if own.module != other.module or own.dependencies != other.dependencies:
        pairs = ((one.module, *one.dependencies) for one in (other, own))
        yield "it is of other modules: " + _first_difference(*pairs)


def _comparable(name: str, settings: dict[str, str]) -> str | None:
    value = settings.get(name)
    return without_stripping(value) if value and name == LINKER else value


def _shown(name: str, settings: dict[str, str]) -> str:
    return f"with '{name}={settings[name]}'" if name in settings else f"without '{name}'"


def _first_difference(theirs: Sequence[tuple[str, str]], ours: Sequence[tuple[str, str]]) -> str:
    def shown(one: tuple[str, str] | None) -> str:
        return "none" if one is None else " ".join([one[0], *one[1].split()])

    longest = max(len(theirs), len(ours))
    pairs = (
        (theirs[at] if at < len(theirs) else None, ours[at] if at < len(ours) else None)
        for at in range(longest)
    )
    one, other = next((mine, its) for mine, its in pairs if mine != its)
    return f"{shown(one)}, not {shown(other)}"


def _iter_section_differences(
    program: str, twin: str, own: BuildInfo, other: BuildInfo
) -> Iterator[str]:
    mine = {one.name: one for one in read_sections(program) if _counts(one)}
    theirs = {one.name: one for one in read_sections(twin) if _counts(one)}
    for name in (*mine, *theirs):
        if name not in theirs:
            yield f"it has no section {name}"
        elif name not in mine:
            yield f"it has a section {name}, which the program has not"
        elif mine[name].size != theirs[name].size:
            more = theirs[name].size - mine[name].size
            yield f"{name} has {abs(more):,} bytes {'more' if more > 0 else 'less'}"
        elif mine[name].address != theirs[name].address and name not in MOVABLE:
            yield f"{name} lies at 0x{theirs[name].address:x}, not 0x{mine[name].address:x}"
    moved = any(mine[name].address != theirs[name].address for name in MOVABLE if name in mine)
    for name in mine:
        if moved and name in RECORD_IN:
            continue  # has the addresses of what has moved
        one, its = (section_bytes(path, name) or b"" for path in (program, twin))
        if name not in MOVABLE:
            # The text with the flags is also a constant of the runtime.
            one, its = _without(one, own), _without(its, other)
        if one != its:
            count = sum(mine != its for mine, its in zip(one, its))
            yield f"{name} has other bytes ({count:,} of {len(one):,})"


def _counts(section: Section) -> bool:
    return not section.name.startswith(NOTES) and section.name != FLAGS and section.size > 0


def _without(data: bytes, info: BuildInfo) -> bytes:
    return data.replace(info.modules, bytes(len(info.modules))) if info.modules else data


def _content_of(path: str) -> str | None:
    parts = dict(build_ids_of(path).ids).get("Go", "").split("/")
    return parts[CONTENT] if len(parts) == 4 else None
