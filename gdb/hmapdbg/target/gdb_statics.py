"""Statics of functions: of templates, members, constructors, lambdas, of inner blocks, and of
functions that were inlined everywhere.

gdb has them in the blocks of the code, by place and not by name. The symbol table tells where each
static lies and, in C++, of which function it is. So the blocks at each line of those functions are
looked at, and those of all functions where that has not led to it: an inlined function's blocks
are in its callers'.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterable, Iterator

import gdb

from ..compat import dataclass
from .elf_symbols import ElfSymbol
from .gdb_left_out import LeftOut
from .gdb_rust_statics import is_rust, rust_name
from .gdb_session import output_of
from .gdb_text import file_name

MAX_FUNCTIONS = 20_000  # searched for statics
MAX_ADDRESSES = 1_500_000  # of code that is looked at

_COMPUTED = gdb.SYMBOL_LOC_COMPUTED
STATICS = (gdb.SYMBOL_LOC_STATIC, _COMPUTED)  # computed: of a thread
_MANGLED = re.compile(r"_ZZ(?P<rest>.*)\Z")
_OF_GCC = re.compile(r"[A-Za-z_]\w*\.\d+")
# Guards, vtables and type information.
_OF_COMPILER = re.compile(r"_ZGV|_ZT[VTISC]")
# Statics of the standard library, which has no maps of the program's.
_OF_STD = re.compile(r"_ZZ+N?K?(?:St|9__gnu_cxx|10__cxxabiv1)")
_STATIC = re.compile(r"(?:(?P<function>\w+)\.)?(?P<name>[A-Za-z_]\w*)(?:\.\d+)?\Z")


@dataclass(frozen=True)
class Static:
    """A static of a function."""

    symbol: gdb.Symbol
    function: str  # its name
    name: str  # the linker's
    is_thread_local: bool


class StaticsSearch:
    """The search of an object file for the statics of functions among the variables `inside`, some
    of which may be none; `bias`: how far the file was moved when it was loaded. Go's functions have
    none, but those of C in its programs may."""

    def __init__(
        self,
        file: str,
        bias: int | None,
        inside: list[ElfSymbol],
        functions: list[ElfSymbol],
        is_go: bool,
    ) -> None:
        wanted = [one for one in inside if not _OF_COMPILER.match(one.name)]
        if is_go:
            wanted = [one for one in inside if _OF_GCC.fullmatch(one.name)]
        self._file = file
        self._bias = bias or 0
        self._functions = functions
        self._wanted = [] if bias is None else wanted
        self._fixed = {
            one.address + self._bias: one for one in self._wanted if not one.is_thread_local
        }
        self._of_threads: dict[str, list[ElfSymbol]] = {}
        for one in self._wanted:
            if one.is_thread_local:
                self._of_threads.setdefault(_last_name(one), []).append(one)
        self._left = MAX_ADDRESSES
        self._last: tuple[int, int] | None = None  # the block that was looked at last

    def run(self, left_out: LeftOut) -> Iterator[Static]:
        """The statics; what was not searched for to the end is told of."""
        owners = (function for one in self._wanted for function in self._owners(one))
        yield from self._search(dict.fromkeys(owners), _lines)
        sources = {one.source for one in self._missing()}
        near = [one for one in self._functions if not one.source or one.source in sources]
        for pcs in (_start, _lines, _bytes):
            yield from self._search(near[:MAX_FUNCTIONS], pcs)
        missing = [one for one in self._missing() if _is_of_function(one)]
        limit = f"{MAX_FUNCTIONS:,} of {len(near):,} functions" if len(near) > MAX_FUNCTIONS else ""
        limit = f"{MAX_ADDRESSES:,} addresses of code" if self._left < 0 else limit
        if missing and limit:
            left_out.cuts.append(
                f"{_statics(missing, self._file)} not found, the search ended after {limit}: maps "
                "among them are missing; name one yourself, as in 'hmap-dump FUNCTION::NAME'"
            )
        if not limit:
            self._tell_inlined(missing, near, left_out)

    def _tell_inlined(
        self, missing: list[ElfSymbol], near: list[ElfSymbol], left_out: LeftOut
    ) -> None:
        """Tells of statics that clang's debug info has in no function: those of functions that it
        has inlined everywhere."""
        missing = [one for one in missing if not _OF_STD.match(one.name) and not self._owners(one)]
        by_clang = self._sources_by_clang(near) if missing else set()
        # Inline functions are of no one source.
        hidden = [one for one in missing if one.source in by_clang or by_clang and not one.source]
        if hidden:
            left_out.notes.append(
                f"{_statics(hidden, self._file)} not found: clang's debug info lacks those of "
                "functions that it has inlined everywhere; maps among them are missing; build "
                "with -fno-inline, or with gcc"
            )

    def _sources_by_clang(self, functions: list[ElfSymbol]) -> set[str]:
        """The base names of sources that clang has compiled, with debug info."""
        sources = set()
        for function in functions:
            symtab = gdb.find_pc_line(function.address + self._bias).symtab
            producer = getattr(symtab, "producer", None) or ""  # not in the stubs
            if symtab is not None and "clang" in producer:
                sources.add(os.path.basename(file_name(symtab)))
        return sources

    @functools.cached_property
    def _functions_by_name(self) -> dict[str, list[ElfSymbol]]:
        by_name: dict[str, list[ElfSymbol]] = {}
        for function in self._functions:
            by_name.setdefault(_unified(function.name.split(".")[0]), []).append(function)
        return by_name

    def _owners(self, static: ElfSymbol) -> list[ElfSymbol]:
        """The functions that a static's linker name tells of."""
        names = map(_unified, _iter_owner_names(static.name))
        return [one for name in names for one in self._functions_by_name.get(name, ())]

    def _missing(self) -> list[ElfSymbol]:
        """The variables that have not been found."""
        return [*self._fixed.values(), *(one for some in self._of_threads.values() for one in some)]

    def _search(self, functions: Iterable[ElfSymbol], pcs: _Addresses) -> Iterator[Static]:
        """The statics of functions: those that the code at some addresses sees."""
        for function in functions:
            if not self._fixed and not any(self._of_threads.values()):
                return
            for pc in pcs(function.address + self._bias, function.size):
                self._left -= 1
                if self._left < 0:
                    return
                yield from self._at(pc)

    def _at(self, pc: int) -> Iterator[Static]:
        """The statics that the code at an address sees."""
        try:
            block: gdb.Block | None = gdb.block_for_pc(pc)
        except (gdb.error, RuntimeError):
            return
        # The block of the address before is the same one, nearly always.
        place = None if block is None else (block.start, block.end)
        if place == self._last:
            return
        self._last = place
        while block is not None and not block.is_static and not block.is_global:
            for symbol in symbols_in(block):
                if symbol.is_variable and symbol.addr_class in STATICS:
                    found = self._take(symbol)
                    if found is not None:
                        function = _function_of(found, block)
                        yield Static(symbol, function, found.name, found.is_thread_local)
            block = block.superblock

    def _take(self, symbol: gdb.Symbol) -> ElfSymbol | None:
        """The variable of a symbol, if it is looked for."""
        if symbol.addr_class == _COMPUTED:
            of_name = self._of_threads.get(symbol.name)
            return of_name.pop() if of_name else None
        try:
            address = symbol.value().address
        except (gdb.error, RuntimeError):
            return None
        return None if address is None else self._fixed.pop(int(address), None)


_Addresses = Callable[[int, int], Iterable[int]]  # in a function: from its start and size


def _start(start: int, _size: int) -> Iterable[int]:
    return (start,)


def _lines(start: int, size: int) -> Iterator[int]:
    """Where lines begin."""
    pc, end = start, start + max(size, 1)
    while pc < end:
        yield pc
        line = gdb.find_pc_line(pc)
        if line.symtab is None or line.last is None or line.last < pc:
            return
        pc = line.last + 1


def _bytes(start: int, size: int) -> Iterable[int]:
    """All addresses: a block need not begin where a line does."""
    return range(start, start + size) if gdb.find_pc_line(start).symtab is not None else ()


def symbols_in(block: gdb.Block | None) -> list[gdb.Symbol]:
    """The symbols of a block itself."""
    found: list[gdb.Symbol] = [] if block is None else list(block)  # type: ignore[call-overload]
    return found


def demangled(name: str) -> str:
    """A linker's name as C++ or Rust has it; one that is not mangled as it is."""
    if is_rust(name):
        return rust_name(name)
    if not name.startswith("_Z"):
        return name
    try:
        return (output_of(f"demangle -l c++ -- {name}") or name).strip()
    except gdb.error:
        return name


def _iter_owner_names(name: str) -> Iterator[str]:
    """The linker names that the function of a static may have, by the static's own: _ZZ FUNCTION E
    NAME in C++, clang's FUNCTION.NAME in C."""
    mangled = _MANGLED.match(name)
    if mangled is not None:
        yield from (
            f"_Z{mangled['rest'][: found.start()]}" for found in re.finditer("E", mangled["rest"])
        )
        # `main` and functions of C have names as they are: _ZZ4mainE.
        plain = re.match(r"\d+([A-Za-z_]\w*?)(?=E)", mangled["rest"])
        if plain is not None:
            yield plain.group(1)
        return
    static = _STATIC.match(name)
    if static is not None and static["function"]:
        yield static["function"]


def _unified(name: str) -> str:
    """A mangled name without the kind of constructor or destructor: statics are of all kinds."""
    return re.sub(r"([CD])[0-9](?=E|I)", r"\1_", name)


def _is_of_function(one: ElfSymbol) -> bool:
    """Whether a variable is a static of a function, by its linker name: others are there too, of
    files without debug info."""
    static = _STATIC.match(one.name)
    has_dot = static is not None and "." in one.name
    return one.name.startswith("_ZZ") or has_dot


def _statics(some: list[ElfSymbol], file: str) -> str:
    """So many statics, for people."""
    first = demangled(some[0].name)
    if len(some) == 1:
        return f"1 static of a function of '{file}', '{first}', was"
    return f"{len(some):,} statics of functions of '{file}', the first is '{first}', were"


def _last_name(one: ElfSymbol) -> str:
    if one.name.startswith("_ZZ"):
        return demangled(one.name).rpartition("::")[2]
    static = _STATIC.match(one.name)
    return one.name if static is None else static["name"]


def _function_of(one: ElfSymbol, block: gdb.Block) -> str:
    """The name of the function of a static that was found in a block."""
    name, colons, _ = demangled(one.name).rpartition("::")
    if colons:
        return name
    at: gdb.Block | None = block
    while at is not None and at.function is None:
        at = at.superblock
    return at.function.name if at is not None and at.function is not None else "?"
