"""The loaded layout files, and the program of the process that each belongs to."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace
from typing import Protocol

from ..compat import dataclass
from .core_file import NotACore, build_ids_of, section_bytes
from .elf_symbols import Section, read_sections
from .go_build import twin_command
from .layout_file import LayoutFile
from .protocol import TargetError, Variable
from .rebuild import Fit, fit_of, wrong_value
from .types import Kind, Type

BESIDE = ".layout.json"  # behind a program's path: its layout file, loaded by itself


class Programs(Protocol):
    """The files that a process consists of: its executable, and the libraries it has loaded."""

    def paths(self) -> Sequence[str]:
        """Their paths, the executable's first."""

    def has_separate_debug_info(self, path: str) -> bool:
        """Whether the debug info of a program is in a separate file."""

    def text_address(self, path: str) -> int | None:
        """The address of a program's .text section in the process; None: unknown."""

    def entry_address(self, path: str) -> int | None:
        """Where the process has begun to run a program, its executable; None: unknown."""

    def read(self, addr: int, size: int) -> bytes | None:
        """Memory of the process, or of the files where there is none yet; None: unreadable."""


@dataclass
class Loaded:
    """A layout file, and the program it was forced on (empty: it has its identity, or is of a
    rebuild)."""

    file: LayoutFile
    forced_for: str = ""
    fits: dict[tuple[str, int], Fit] = field(default_factory=dict)  # by program and its time
    refusal: str = ""  # why it is not used for the current process

    def fit(self, program: str) -> Fit:
        """How its sections match those of a program."""
        try:
            key = program, os.stat(program).st_mtime_ns
            if key not in self.fits:
                self.fits[key] = fit_of(self.file, program)
            return self.fits[key]
        except OSError as error:
            return Fit(misfits=[f"cannot read '{program}': {error.strerror}"])


@dataclass(frozen=True)
class Placed:
    """A layout file of a program of the process, and that program's load bias."""

    file: LayoutFile
    program: str
    bias: int
    is_stripped: bool  # the program has no debug info, but its libraries may have
    is_rebuild: bool = False  # the file is of a rebuild of the program
    # Of a rebuild: sections from start to end, as linked, and how far each is from there.
    moves: Sequence[tuple[int, int, int]] = ()
    has_values: bool = False  # and its values in memory are those of the file

    def place(self, addr: int) -> int:
        """Where in the process an address of the file is."""
        return addr + next(
            (move for start, end, move in reversed(self.moves) if start <= addr < end), self.bias
        )

    def variable(self, name: str) -> tuple[int, Type] | None:
        """A variable's address, and its type."""
        found = self.file.variable(name)
        return None if found is None else (self.place(found.value), found.type)

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
    """The files that `hmap-layout load` has loaded, and the one beside the executable. They are
    kept when the process changes: the program of each is looked up every time."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._loaded: dict[str, Loaded] = {}  # by path
        self._declined: set[tuple[str, int]] = set()  # not loaded by themselves; see _stamp

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
            raise TargetError(_why_not(candidate, programs[0]))
        placed = self._place(candidate, program)
        self._loaded[file.path] = candidate
        return placed

    def forget(self, path: str = "") -> int:
        """Unloads a file, or all; returns how many. TargetError if it is not loaded."""
        if not path:
            count = len(self._loaded)
            beside = [one + BESIDE for one in self._programs.paths()[:1]]
            self._declined.update(map(_stamp, [*self._loaded, *beside]))
            self._loaded.clear()
            return count
        full = os.path.abspath(os.path.expanduser(path))
        if full not in self._loaded:
            raise TargetError(f"no layout file '{path}' is loaded: see 'hmap-layout info'")
        del self._loaded[full]
        self._declined.add(_stamp(full))
        return 1

    def all_loaded(self) -> Sequence[tuple[Loaded, Placed | None]]:
        """Every loaded file, and its place in the current process: None if it matches no
        program."""
        programs = self._programs.paths()
        self._load_beside(programs)
        out: list[tuple[Loaded, Placed | None]] = []
        for loaded in self._loaded.values():
            program, placed = _program_of(loaded, programs), None
            loaded.refusal = ""
            try:
                placed = None if program is None else self._place(loaded, program)
            except TargetError as error:
                loaded.refusal = str(error)
            out.append((loaded, placed))
        return out

    def placed(self) -> list[Placed]:
        """The files that match a program of the current process. TargetError if the memory of one
        contradicts its file."""
        found = self.all_loaded()
        for loaded, _ in found:
            if loaded.refusal:
                raise TargetError(f"{loaded.refusal}; 'hmap-layout forget' drops the file")
        return [placed for _, placed in found if placed is not None]

    def _load_beside(self, programs: Sequence[str]) -> None:
        """Loads the layout file beside the executable, if that is stripped, of the same build, and
        has no other. Not those of libraries: one stripped file makes all count as stripped."""
        for program in programs[:1]:
            path = program + BESIDE
            stamp = _stamp(path)
            if path in self._loaded or stamp in self._declined or not os.path.isfile(path):
                continue
            if any(_program_of(one, [program]) for one in self._loaded.values()):
                continue
            self._declined.add(stamp)
            with contextlib.suppress(TargetError):  # `hmap-layout load` tells
                candidate = Loaded(LayoutFile(path))
                if self._is_stripped(program) and _is_same_build(candidate, program):
                    self._loaded[path] = candidate

    def _is_stripped(self, program: str) -> bool:
        try:
            return (
                not self._programs.has_separate_debug_info(program)
                and section_bytes(program, ".debug_info") is None
            )
        except (OSError, NotACore):
            return True

    def _place(self, loaded: Loaded, program: str) -> Placed:
        file, stripped = loaded.file, self._is_stripped(program)
        text = self._programs.text_address(program)
        if _is_same_build(loaded, program):
            return Placed(file, program, 0 if text is None else text - file.text, stripped)
        sections = _sections(program)
        own = next((one.address for one in sections if one.name == ".text"), file.text)
        bias = 0 if text is None else text - own  # of all sections of the program
        fit = loaded.fit(program)
        if file.sections and fit.misfits:
            raise TargetError(_refusal(loaded, program, fit.why_not(program)))
        moves = [(start, end, move + bias) for start, end, move in fit.moves]
        placed = Placed(file, program, own + bias - file.text, stripped, True, moves)
        wrong = wrong_value(file, placed.place, sections, bias, self._programs.read)
        if wrong:
            raise TargetError(_refusal(loaded, program, wrong))
        return replace(placed, has_values=wrong is not None)


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


def _stamp(path: str) -> tuple[str, int]:
    """A file as it is now: one that was written anew has another stamp."""
    try:
        return path, os.stat(path).st_mtime_ns
    except OSError:
        return path, 0


def _program_of(loaded: Loaded, programs: Sequence[str]) -> str | None:
    if loaded.forced_for:
        return loaded.forced_for if loaded.forced_for in programs else None
    same = (one for one in programs if _is_same_build(loaded, one))
    rebuilt = (one for one in programs if loaded.file.sections and loaded.fit(one).is_exact)
    return next(same, None) or next(rebuilt, None)


def _is_same_build(loaded: Loaded, program: str) -> bool:
    file = loaded.file
    if identity_of(program, file.identity_kind) != file.identity:
        return False
    # The hash of .text alone does not tell that variables are where they were.
    return file.identity_kind != "text" or not file.sections or loaded.fit(program).is_exact


def _sections(program: str) -> Sequence[Section]:
    try:
        return read_sections(program)
    except OSError:
        return []


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


def _why_not(loaded: Loaded, program: str) -> str:
    """Why a file is not taken for a program, unless by force."""
    file = loaded.file
    kind = "hash of .text" if file.identity_kind == "text" else f"{file.identity_kind} build id"
    own = identity_of(program, file.identity_kind) or "none"
    why = f"{kind} {file.identity}, but '{program}' has {own}"
    fit = loaded.fit(program) if file.sections else Fit()
    if fit.why_not(program):
        why += f"; {fit.why_not(program)}"
    remedy = _remedy(program)
    if not fit.misfits:
        remedy += ", or use --force"
    return f"'{file.path}' is of another build of '{file.program}': {why}: {remedy}"


def _refusal(loaded: Loaded, program: str, why: str) -> str:
    """Why a file cannot be taken for a program, also by force."""
    return f"'{loaded.file.path}' does not fit '{program}': {why}: {_remedy(program)}"


def _remedy(program: str) -> str:
    command = twin_command(program)
    if not command:
        return "recreate it from the same build"
    return f"recreate it from a rebuild by {command}"
