"""The twin of gdb's program: names and types that gdb takes from another file, once that has been
compared with the program."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator

import gdb

from ..compat import dataclass
from .core_file import NotACore, build_ids_of, core_facts
from .elf_symbols import is_built_by_go, section_address
from .gdb_layouts import GdbPrograms, text_addresses
from .gdb_session import output_of
from .gdb_text import file_name
from .go_twin import remedy, why_not_twin, wrong_place
from .protocol import TargetError

_EXECUTABLE = re.compile(r"Local exec file:\n\s*`(.*)', file type")
_CORE = re.compile(r"Local core dump file:\n\s*`(.*)', file type")


@dataclass(frozen=True)
class Taken:
    """A twin whose names and types gdb has."""

    program: str
    twin: str
    in_memory: bool  # it was also compared with the memory of a process


_taken: dict[tuple[str, int], tuple[str, int]] = {}  # a twin and its time: the program and its


def take_twin(path: str) -> Taken:
    """Has gdb take names and types of its program from a twin. TargetError, which leaves gdb as it
    was, if the file is none."""
    twin = os.path.abspath(os.path.expanduser(path))
    program = program_file()
    symbols = file_name(gdb.current_progspace())
    why = _of_another_build(program) or why_not_twin(program, twin)
    if why:
        raise TargetError(why)
    bias = _bias(program, symbols)
    has_process = gdb.selected_inferior().pid != 0
    wrong = wrong_place(twin, bias, GdbPrograms().read) if has_process else ""
    if wrong:
        raise TargetError(f"'{twin}' does not fit the process: {wrong}: {remedy(program)}")
    _load_symbols(twin)
    if _bias(program, twin) != bias:
        _load_symbols(symbols)
        raise TargetError(f"gdb puts the symbols of '{twin}' elsewhere than those of '{program}'")
    _taken[_stamp(twin)] = _stamp(program)
    return Taken(program, twin, has_process)


def program_file() -> str:
    """gdb's executable, whichever file its symbols are from. TargetError: it has none."""
    found = _EXECUTABLE.search(output_of("info files"))
    # gdb does not count one without section headers as an executable.
    program = file_name(gdb.current_progspace()) if found is None else found[1]
    if not program:
        raise TargetError("no program: load the executable with 'file PROGRAM' first")
    return program


def symbols_mismatch() -> str:
    """Why gdb's names and types cannot be believed, for people; empty: nothing is known against
    them."""
    symbols = file_name(gdb.current_progspace())
    try:
        program = program_file()
        is_taken = _taken.get(_stamp(symbols)) == _stamp(program)
        is_same = symbols in ("", program) or is_taken
        if not is_same and build_ids_of(program).differs(build_ids_of(symbols)):
            return (
                f"names and types are of '{symbols}', which is of another build than '{program}': "
                f"compare them with 'hmap-twin {symbols}'; where they differ, what is shown is "
                "wrong"
            )
        has_process = gdb.selected_inferior().pid != 0
        if not symbols or not has_process or not is_built_by_go(symbols):
            return ""
        wrong = wrong_place(symbols, _bias(symbols, symbols), GdbPrograms().read)
    except (TargetError, OSError, NotACore):
        return ""
    return wrong and f"the process is not of '{symbols}', whose names and types gdb has: {wrong}"


def own_program(symbols: str) -> str:
    """The program that a file with symbols was compared with; else that file itself."""
    return _taken.get(_stamp(symbols), (symbols, 0))[0]


def _stamp(path: str) -> tuple[str, int]:
    """A file as it is now: one that was written anew has another stamp."""
    with contextlib.suppress(OSError):
        return path, os.stat(path).st_mtime_ns
    return path, 0


def _of_another_build(program: str) -> str:
    """Why a core is not of the program; empty: nothing is known against it."""
    core = _CORE.search(output_of("info files"))
    try:
        if core is None or not core_facts(core[1]).build_ids.differs(build_ids_of(program)):
            return ""
    except (OSError, NotACore):
        return ""
    return f"the core is of another build of '{program}': load the program that dumped it first"


def _bias(program: str, symbols: str) -> int:
    """How far the process's addresses are from those of a program. TargetError."""
    address = text_addresses().get(symbols or program)
    try:
        linked = section_address(program, ".text")
    except OSError as error:
        raise TargetError(f"cannot read '{program}': {error.strerror}") from None
    if address is None or linked is None:
        raise TargetError(f"'{program}' has no section .text: a twin cannot be placed")
    return address - linked


def _load_symbols(path: str) -> None:
    with _quiet():
        gdb.execute(f"symbol-file {_escaped(path)}", to_string=True)


def _escaped(path: str) -> str:
    """A path as one word of gdb's command line."""
    return re.sub(r"([^\w./+=@%:-])", r"\\\1", path)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """gdb asks nothing for a while."""
    with gdb.with_parameter("confirm", False):
        yield
