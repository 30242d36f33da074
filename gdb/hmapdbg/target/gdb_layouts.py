"""The layout files that are loaded into this gdb, and which of its programs each is of."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Callable, Iterator, Sequence

import gdb

from ..compat import dataclass
from .core_file import NotACore, build_ids_of, section_bytes
from .layout_file import LayoutFile
from .protocol import TargetError, Variable
from .types import Type

_SECTION = re.compile(r"^\s*0x([0-9a-f]+) - 0x[0-9a-f]+ is \.text(?: in (.*))?$", re.MULTILINE)


@dataclass
class Loaded:
    """A layout file, and the program it was loaded for by force (empty: by its identity)."""

    file: LayoutFile
    forced_for: str = ""


@dataclass(frozen=True)
class Placed:
    """A layout file of a program that gdb has, and how far that was moved when it was loaded."""

    file: LayoutFile
    program: str
    bias: int
    is_stripped: bool  # gdb has no debug info of the program, but may have of its libraries

    def variable(self, name: str) -> tuple[int, Type] | None:
        """Where a variable lies, and its type."""
        found = self.file.variable(name)
        return None if found is None else (found.value + self.bias, found.type)

    def iter_variables(self) -> Iterator[Variable]:
        """The variables that lead to maps."""
        for name in self.file.global_names:
            found = self.variable(name)
            assert found is not None
            yield Variable(name, found[1], found[0])


_loaded: dict[str, Loaded] = {}  # by path


def load(path: str, force: bool) -> Placed:
    """Loads a layout file for a program of gdb's. TargetError where it is of none."""
    file = LayoutFile(os.path.abspath(os.path.expanduser(path)))
    programs = _programs()
    if not programs:
        raise TargetError("no program: name the executable by 'file PROGRAM' first")
    candidate = Loaded(file)
    program = _program_of(candidate, programs)
    if program is None and force:
        candidate.forced_for = program = programs[0]
    if program is None:
        raise TargetError(_why_not(file, programs))
    _loaded[file.path] = candidate
    return _place(file, program)


def forget(path: str = "") -> int:
    """Forgets a layout file, or all; how many those were. TargetError where it is not loaded."""
    if not path:
        count = len(_loaded)
        _loaded.clear()
        return count
    full = os.path.abspath(os.path.expanduser(path))
    if full not in _loaded:
        raise TargetError(f"no layout file '{path}' is loaded: see 'hmap-layout info'")
    del _loaded[full]
    return 1


def all_loaded() -> Sequence[tuple[Loaded, Placed | None]]:
    """Every file loaded, and its place in the program of now: None where it is of none of it."""
    programs = _programs() if _loaded else []
    out: list[tuple[Loaded, Placed | None]] = []
    for loaded in _loaded.values():
        program = _program_of(loaded, programs)
        out.append((loaded, None if program is None else _place(loaded.file, program)))
    return out


def placed_layouts() -> list[Placed]:
    """The layout files that are of the program of now."""
    return [placed for _, placed in all_loaded() if placed is not None]


# ---- programs


def _programs() -> list[str]:
    """The files of the program and its libraries, the program first."""
    space = gdb.current_progspace()
    names = [one.filename or "" for one in gdb.objfiles() if one.owner is None]
    first = [space.filename] if space is not None and space.filename else []
    return list(dict.fromkeys([*first, *(name for name in names if name)]))


def _program_of(loaded: Loaded, programs: Sequence[str]) -> str | None:
    if loaded.forced_for:
        return loaded.forced_for if loaded.forced_for in programs else None
    for program in programs:
        if identity_of(program, loaded.file.identity_kind) == loaded.file.identity:
            return program
    return None


_identities: dict[tuple[str, str, int], str | None] = {}


def identity_of(program: str, kind: str) -> str | None:
    """What tells the build of a file, as hmap-layout writes it; None: it has none of that kind."""
    try:
        key = program, kind, os.stat(program).st_mtime_ns
        if key not in _identities:
            _identities[key] = _read_identity(program, kind)
        return _identities[key]
    except (OSError, NotACore):
        return None


def _read_identity(program: str, kind: str) -> str | None:
    if kind != "text":
        return dict(build_ids_of(program).ids).get(kind)
    if importlib.util.find_spec("xxhash") is None:
        raise TargetError(
            f"'{program}' has no build id, and without the xxhash module its hash cannot be "
            "computed: install python3-xxhash, or use --force"
        )
    import xxhash

    text = section_bytes(program, ".text")
    return None if text is None else str(xxhash.xxh3_128_hexdigest(text))


def _why_not(file: LayoutFile, programs: Sequence[str]) -> str:
    kind = "hash of .text" if file.identity_kind == "text" else f"{file.identity_kind} build id"
    own = identity_of(programs[0], file.identity_kind) or "none"
    return (
        f"'{file.path}' is of another build of '{file.program}': {kind} {file.identity}, and that "
        f"of '{programs[0]}' is {own}: make it anew, or use --force"
    )


def _place(file: LayoutFile, program: str) -> Placed:
    separate = any(
        one.owner is not None and one.owner.filename == program for one in gdb.objfiles()
    )
    try:
        stripped = not separate and section_bytes(program, ".debug_info") is None
    except (OSError, NotACore):
        stripped = True
    return Placed(file, program, _bias(file, program), stripped)


def _bias(file: LayoutFile, program: str) -> int:
    """How far a program was moved from where it was linked: its .text shows it."""
    own = gdb.current_progspace()
    main = own.filename if own is not None else None
    for address, name in _SECTION.findall(gdb.execute("info files", to_string=True) or ""):
        if name == program or (not name and program == main):
            return int(address, 16) - file.text
    return 0


class LayoutNames:
    """What the layout files know by name, for layout_expression."""

    def __init__(
        self, lookup_type: Callable[[str], Type | None], layouts: Sequence[Placed]
    ) -> None:
        self._lookup_type = lookup_type
        self._layouts = layouts

    def variable(self, name: str) -> tuple[int, Type] | None:
        found = (one.variable(name) for one in self._layouts)
        return next((one for one in found if one is not None), None)

    def constant(self, name: str) -> tuple[int, Type] | None:
        for one in self._layouts:
            found = one.file.constant(name)
            if found is not None:
                return found.value, found.type
        return None

    def type(self, name: str) -> Type | None:
        return self._lookup_type(name)

    def register(self, name: str) -> int | None:
        try:
            return int(gdb.parse_and_eval(name))
        except gdb.error:
            return None
