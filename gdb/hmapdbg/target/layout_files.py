"""The loaded layout files, and the program of the process that each belongs to."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from ..compat import dataclass
from .core_file import NotACore, build_ids_of, section_bytes
from .layout_file import LayoutFile
from .protocol import TargetError, Variable
from .types import Kind, Type


class Programs(Protocol):
    """The files that a process consists of: its executable, and the libraries it has loaded."""

    def paths(self) -> Sequence[str]:
        """Their paths, the executable's first."""

    def has_separate_debug_info(self, path: str) -> bool:
        """Whether the debug info of a program is in a separate file."""

    def text_address(self, path: str) -> int | None:
        """The address of a program's .text section in the process; None: unknown."""


@dataclass
class Loaded:
    """A layout file, and the program it was forced on (empty: it has its identity)."""

    file: LayoutFile
    forced_for: str = ""


@dataclass(frozen=True)
class Placed:
    """A layout file of a program of the process, and that program's load bias."""

    file: LayoutFile
    program: str
    bias: int
    is_stripped: bool  # the program has no debug info, but its libraries may have

    def variable(self, name: str) -> tuple[int, Type] | None:
        """A variable's address, and its type."""
        found = self.file.variable(name)
        return None if found is None else (found.value + self.bias, found.type)

    def iter_variables(self) -> Iterator[Variable]:
        """The variables that may lead to maps."""
        for name in self.file.global_names:
            found = self.variable(name)
            assert found is not None
            yield Variable(name, found[1], found[0])

    def complete_type(self, name: str) -> Type | None:
        """The type of that name; None where the file has no more than its name."""
        found = self.file.lookup_type(name)
        is_empty = found is not None and found.kind in (Kind.STRUCT, Kind.UNION)
        return None if is_empty and found is not None and not found.fields else found


class LayoutFiles:
    """The files that `hmap-layout load` has loaded. They are kept when the process changes: the
    program of each is looked up every time."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._loaded: dict[str, Loaded] = {}  # by path

    def load(self, path: str, force: bool) -> Placed:
        """Loads a layout file for a program of the process. TargetError if it matches none."""
        file = LayoutFile(os.path.abspath(os.path.expanduser(path)))
        programs = self._programs.paths()
        if not programs:
            raise TargetError("no program: load the executable with 'file PROGRAM' first")
        candidate = Loaded(file)
        program = _program_of(candidate, programs)
        if program is None and force:
            candidate.forced_for = program = programs[0]
        if program is None:
            raise TargetError(_why_not(file, programs))
        self._loaded[file.path] = candidate
        return self._place(file, program)

    def forget(self, path: str = "") -> int:
        """Unloads a file, or all; returns how many. TargetError if it is not loaded."""
        if not path:
            count = len(self._loaded)
            self._loaded.clear()
            return count
        full = os.path.abspath(os.path.expanduser(path))
        if full not in self._loaded:
            raise TargetError(f"no layout file '{path}' is loaded: see 'hmap-layout info'")
        del self._loaded[full]
        return 1

    def all_loaded(self) -> Sequence[tuple[Loaded, Placed | None]]:
        """Every loaded file, and its place in the current process: None if it matches no
        program."""
        programs = self._programs.paths() if self._loaded else []
        out: list[tuple[Loaded, Placed | None]] = []
        for loaded in self._loaded.values():
            program = _program_of(loaded, programs)
            out.append((loaded, None if program is None else self._place(loaded.file, program)))
        return out

    def placed(self) -> list[Placed]:
        """The files that match a program of the current process."""
        return [placed for _, placed in self.all_loaded() if placed is not None]

    def _place(self, file: LayoutFile, program: str) -> Placed:
        try:
            stripped = (
                not self._programs.has_separate_debug_info(program)
                and section_bytes(program, ".debug_info") is None
            )
        except (OSError, NotACore):
            stripped = True
        text = self._programs.text_address(program)
        return Placed(file, program, 0 if text is None else text - file.text, stripped)


class LayoutNames:
    """Names in layout files, for layout_expression. `register` looks up registers and the
    debugger's own variables, "$rdi"."""

    def __init__(
        self,
        lookup_type: Callable[[str], Type | None],
        layouts: Sequence[Placed],
        register: Callable[[str], int | None],
    ) -> None:
        self._lookup_type = lookup_type
        self._layouts = layouts
        self._register = register

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
        return self._register(name)


# ---- which build a file is for


def _program_of(loaded: Loaded, programs: Sequence[str]) -> str | None:
    if loaded.forced_for:
        return loaded.forced_for if loaded.forced_for in programs else None
    for program in programs:
        if identity_of(program, loaded.file.identity_kind) == loaded.file.identity:
            return program
    return None


_identities: dict[tuple[str, str, int], str | None] = {}


def identity_of(program: str, kind: str) -> str | None:
    """The identity of a program's build, as hmap-layout writes it; None: none of that kind."""
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
        f"'{file.path}' is of another build of '{file.program}': {kind} {file.identity}, but "
        f"'{programs[0]}' has {own}: recreate it, or use --force"
    )
