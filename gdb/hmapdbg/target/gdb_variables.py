"""The variables of a program as gdb knows them: globals and statics, and the locals of all frames.

gdb.Symbol and gdb.Frame do not leave this module.
"""

from __future__ import annotations

import collections
import contextlib
import os
import re
from collections.abc import Iterator

import gdb

from .gdb_debug_variables import debug_variables, has_debug_info
from .elf_symbols import ElfSymbol, read_symbols
from .gdb_values import GdbValues
from .protocol import TargetError, Variable
from .types import Kind

MAX_THREADS = 2000
MAX_FRAMES = 250  # of one thread, the innermost ones
MAX_SYMBOLS = 200_000  # of one file
MAX_FUNCTIONS = 20_000  # searched for statics

# Libraries that hold no maps of the program, and whose debug information takes seconds to read.
SYSTEM = re.compile(
    r"(ld-linux|libc[.-]|libm[.-]|libpthread|libdl|librt|libgcc_s|libstdc\+\+|libresolv|linux-vdso"
    r"|system-supplied DSO|libasan|libubsan|libtsan)"
)
# The registers of the program counter and the stack, by gdb's names of architectures.
REGISTERS = {"i386:x86-64": ("rip", "rsp"), "aarch64": ("pc", "sp")}
# Sections of Go programs without pointers.
NO_POINTERS = (".noptrdata", ".noptrbss")
_STATIC = re.compile(r"(?:(?P<function>\w+)\.)?(?P<name>[A-Za-z_]\w*)(?:\.\d+)?\Z")


def iter_globals(values: GdbValues) -> Iterator[Variable]:
    """Globals, then statics of files, then statics of functions; each once."""
    met: set[tuple[int, str]] = set()
    for objfile in gdb.objfiles():
        if not objfile.is_valid():
            continue
        path = objfile.filename or ""
        # Debug information in a separate file belongs to a library.
        library = (objfile.owner or objfile).filename or ""
        if SYSTEM.match(os.path.basename(library)):
            continue
        try:
            variables, functions = read_symbols(path)
            if not variables and not functions and has_debug_info(path):
                variables = debug_variables(values.pointer_size)
        except OSError:
            continue
        for found in _iter_of_file(values, objfile, variables[:MAX_SYMBOLS], functions):
            key = found.address or 0, found.type.name
            if key not in met:
                met.add(key)
                yield found


def is_debug_info_there() -> bool:
    """Whether there is debug info of the program, or of a library that is not the system's; also
    where the file cannot be looked into."""
    for objfile in gdb.objfiles():
        path = objfile.filename or ""
        if SYSTEM.match(os.path.basename((objfile.owner or objfile).filename or "")):
            continue
        try:
            if has_debug_info(path):
                return True
        except OSError:
            return True
    return False


def _iter_of_file(
    values: GdbValues, objfile: gdb.Objfile, variables: list[ElfSymbol], functions: list[ElfSymbol]
) -> Iterator[Variable]:
    inside: list[ElfSymbol] = []  # statics of functions, and those without debug information
    count = collections.Counter(one.name for one in variables)
    for one in variables:
        if one.size < values.pointer_size or one.section in NO_POINTERS:
            continue
        name = _demangled(one.name)
        symbol = _symbol_of(objfile, name)
        if symbol is None:
            inside.append(one)
            continue
        symbols = [symbol]
        if one.source and count[one.name] > 1:
            symbols = [
                other
                for other in gdb.lookup_static_symbols(name)
                if os.path.basename(other.symtab.filename) == os.path.basename(one.source)
            ]
        for symbol in symbols:
            spelled = _spelled(name)
            if len(symbols) > 1 or count[one.name] > 1:
                spelled = f"'{os.path.basename(symbol.symtab.filename)}'::{name}"
            yield from _iter_static(values, symbol, spelled)
    yield from _iter_in_functions(values, objfile, inside, functions)


def _iter_in_functions(
    values: GdbValues, objfile: gdb.Objfile, inside: list[ElfSymbol], functions: list[ElfSymbol]
) -> Iterator[Variable]:
    """Statics of functions: gcc's linker names are NAME.NUMBER, clang's FUNCTION.NAME; in C++ both
    have the function in them."""
    names = {
        part
        for one in inside
        for found in [_STATIC.match(one.name)]
        if found is not None and (found["function"] or "." in one.name)
        for part in (found["name"], found["function"])
    }
    for one in inside:
        function, colons, name = _demangled(one.name).rpartition("::")
        if one.name.startswith("_ZZ") and colons:
            names.add(name)
    if not names:
        return
    sources = {one.source for one in inside}
    near = [one for one in functions if not one.source or one.source in sources]
    for one in near[:MAX_FUNCTIONS]:
        name = _demangled(one.name)
        symbol = _symbol_of(objfile, name)
        if symbol is None or not symbol.is_function:
            continue
        try:
            block = gdb.block_for_pc(int(symbol.value().address))
        except (gdb.error, RuntimeError, TypeError):
            continue
        while block is not None and block.function is None:
            block = block.superblock
        for local in _symbols_in(block):
            if local.name in names and local.addr_class == gdb.SYMBOL_LOC_STATIC:
                quoted = name if re.fullmatch(r"\w+", name) else f"'{name}'"
                yield from _iter_static(values, local, f"{quoted}::{local.name}")


def _iter_static(values: GdbValues, symbol: gdb.Symbol, path: str) -> Iterator[Variable]:
    """The variable of a symbol, if it has an address; thread-locals are with the frames."""
    if not symbol.is_variable or symbol.addr_class != gdb.SYMBOL_LOC_STATIC:
        return
    try:
        value = symbol.value()
        address = value.address
        if address is not None:
            yield Variable(path, values.type_of(value.type), int(address))
    except (gdb.error, RuntimeError):
        return


def _symbol_of(objfile: gdb.Objfile, name: str) -> gdb.Symbol | None:
    """A global or static of a file; reads its debug information if necessary."""
    lookup_static = getattr(objfile, "lookup_static_symbol")  # not in the stubs
    found: gdb.Symbol | None = objfile.lookup_global_symbol(name) or lookup_static(name)
    return found


def _symbols_in(block: gdb.Block | None) -> list[gdb.Symbol]:
    found: list[gdb.Symbol] = [] if block is None else list(block)  # type: ignore[call-overload]
    return found


def _demangled(name: str) -> str:
    if not name.startswith("_Z"):
        return name
    try:
        return (gdb.execute(f"demangle -- {name}", to_string=True) or name).strip()
    except gdb.error:
        return name


def _spelled(name: str) -> str:
    """A name as one types it: Go's package paths may have characters that expressions may not."""
    if re.fullmatch(r"[\w:]+(?:\.\w+)?|(?:[\w.~-]+/)*\w+\.\w+", name):
        return name
    return f"'{name}'"


# ---- frames


def iter_locals(values: GdbValues, is_go: bool) -> Iterator[Variable]:
    """The locals and arguments of all frames of all threads, the selected thread first. Of Go,
    whose registers survive no call, only what lies in memory in frames that wait for one."""
    with selection_kept():
        chosen = gdb.selected_thread()
        threads = sorted(gdb.selected_inferior().threads(), key=lambda one: one.num)[:MAX_THREADS]
        for thread in threads:
            if thread is not None and chosen is not None and thread.num == chosen.num:
                threads.remove(thread)
                threads.insert(0, thread)
                break
        for thread in threads:
            try:
                thread.switch()
                frame: gdb.Frame | None = gdb.newest_frame()
            except gdb.error:
                continue
            is_chosen = chosen is not None and thread.num == chosen.num
            before = "" if is_chosen else f"thread {thread.num} "
            for level in range(MAX_FRAMES):
                if frame is None:
                    break
                in_memory = is_go and level > 0
                yield from iter_frame(values, frame, f"{before}frame {level}: ", True, in_memory)
                try:
                    frame = frame.older()
                except gdb.error:
                    break


def innermost_places() -> list[tuple[int, int]]:
    """The program counter and the stack pointer of each thread."""
    out = []
    with selection_kept():
        for thread in gdb.selected_inferior().threads()[:MAX_THREADS]:
            try:
                thread.switch()
                frame = gdb.newest_frame()
                name = REGISTERS.get(frame.architecture().name(), ("pc", "sp"))[1]
                out.append((int(frame.pc()), int(frame.read_register(name))))
            except (gdb.error, ValueError):
                continue
    return out


def iter_frame(
    values: GdbValues,
    frame: gdb.Frame,
    prefix: str,
    follows: bool = True,
    in_memory: bool = False,
) -> Iterator[Variable]:
    """The variables of a frame, each path with `prefix` before its name. `follows`: a variable of
    Go's that has escaped to the heap is given as it is there, not as the pointer to it, "&name".
    `in_memory`: without those in registers."""
    try:
        block: gdb.Block | None = frame.block()
    except (gdb.error, RuntimeError):
        return
    met: set[str] = set()  # an inner block's variable hides an outer one's
    while block is not None and not block.is_static and not block.is_global:
        for symbol in _symbols_in(block):
            if symbol.name in met or not (symbol.is_variable or symbol.is_argument):
                continue
            met.add(symbol.name)
            if symbol.addr_class != gdb.SYMBOL_LOC_STATIC:
                yield from _iter_local(values, symbol, frame, prefix, follows, in_memory)
        if block.function is not None:
            break
        block = block.superblock


def _iter_local(
    values: GdbValues,
    symbol: gdb.Symbol,
    frame: gdb.Frame,
    prefix: str,
    follows: bool,
    in_memory: bool,
) -> Iterator[Variable]:
    name = symbol.name
    try:
        value = symbol.value(frame)
        if value.is_optimized_out or (in_memory and value.address is None):
            return
        if value.type.strip_typedefs().code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
            value = value.referenced_value()
        if follows and name.startswith("&"):  # Go: it escaped to the heap
            name, value = name[1:], value.dereference()
        neutral = values.type_of(value.type)
        if value.address is not None:
            yield Variable(prefix + name, neutral, int(value.address))
        elif neutral.kind is Kind.POINTER:
            data = values.integer_bytes(value, neutral.size)
            yield Variable(prefix + name, neutral, None, data)
    except (gdb.error, RuntimeError):
        return


@contextlib.contextmanager
def selection_kept() -> Iterator[None]:
    """Restores the thread and the frame that the user had selected."""
    thread = gdb.selected_thread()
    try:
        frame: gdb.Frame | None = gdb.selected_frame()
    except gdb.error:
        frame = None
    try:
        yield
    finally:
        if thread is not None and thread.is_valid():
            thread.switch()
        if frame is not None and frame.is_valid():
            frame.select()


@contextlib.contextmanager
def frame_selected(thread: int | None, level: int) -> Iterator[None]:
    """Selects a frame, of the selected thread or of another. TargetError."""
    with selection_kept():
        if thread is not None:
            found = [one for one in gdb.selected_inferior().threads() if one.num == thread]
            if not found:
                raise TargetError(f"no thread {thread}: 'info threads' lists them")
            found[0].switch()
        try:
            frame: gdb.Frame | None = gdb.newest_frame()
            for _ in range(level):
                frame = frame.older() if frame is not None else None
        except gdb.error as error:
            raise TargetError(f"cannot unwind to frame {level}: {error}") from None
        if frame is None:
            raise TargetError(f"no frame {level}: 'backtrace' lists them")
        frame.select()
        yield
