"""Globals and statics of a program as gdb knows them: of files, functions and threads.

The symbol tables of the object files tell which variables there are; gdb reads the debug info of
each that is asked for. A variable is spelled in several ways, each less ambiguous than the one
before: the last one names its object file, and only `iter_globals` gives it a meaning.

gdb.Symbol and gdb.Objfile do not leave this module.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

import gdb

from ..compat import dataclass
from .elf_symbols import (
    ElfSymbol,
    file_has_debug_info,
    is_built_by_go,
    read_exported,
    read_symbols,
    section_address,
)
from .gdb_debug_variables import SECTION, debug_variables
from .gdb_errors import lowered
from .gdb_frames import iter_threads
from .gdb_layouts import text_addresses
from .gdb_left_out import LeftOut
from .gdb_objects import iter_object_files
from .gdb_rust_statics import is_rust, iter_by_unit
from .gdb_session import language
from .gdb_statics import STATICS, Static, StaticsSearch, demangled
from .gdb_text import file_name
from .gdb_values import GdbValues
from .protocol import Variable
from .spelling import Scope

# What Go's compiler has made: debug info knows none of it, and looks for it everywhere.
_OF_COMPILER = re.compile(r"\.\.|^go:|^type:")
_TAG = re.compile(r"\[abi:\w+\]")
MAX_SYMBOLS = 200_000  # per file

# Sections of Go programs that hold no pointers.
NO_POINTERS = (".noptrdata", ".noptrbss")


@dataclass(frozen=True)
class Wanted:
    """Which variables are asked for; empty: all."""

    name: str = ""  # of the variable itself, without namespaces
    object: str = ""  # base name of the object file
    thread: int | None = None


@dataclass(frozen=True)
class _Spelled:
    """A variable's symbol, and its names: plain, and with more of where it is from."""

    symbol: gdb.Symbol
    names: tuple[str, ...]
    linker_name: str
    address: int | None  # None: as gdb has it
    is_thread_local: bool


def iter_globals(
    values: GdbValues,
    wanted: Wanted = Wanted(),
    left_out: LeftOut | None = None,
    indexed: Mapping[str, frozenset[str]] = {},
) -> Iterator[Variable]:
    """Globals, statics of files and of functions, and thread-locals of all threads; each once. Of
    the programs in `indexed`, by path, Go's variables are left out, and those of other languages
    with the names there."""
    left_out = LeftOut() if left_out is None else left_out
    addresses = text_addresses()
    files = [
        _ObjectFile(values, objfile, path, addresses.get(path), indexed.get(path))
        for objfile, path in iter_object_files()
    ]
    exported = _exported_by(files[0]) if files else {}
    for file in files[1:]:
        file.bound = exported
    count = Counter(name for one in files for name in one.names)
    shared = {name for name, often in count.items() if often > 1}
    met: set[tuple[int, str]] = set()
    for file in files:
        if wanted.object in ("", file.base):
            for found in file.iter_variables(wanted, shared, left_out):
                key = found.address or 0, found.type.name
                if key not in met:
                    met.add(key)
                    yield found


def _exported_by(executable: _ObjectFile) -> dict[str, int]:
    """Where the variables lie that an executable defines for its libraries too."""
    if executable.bias is None:
        return {}
    try:
        exported = read_exported(executable.path)
    except OSError:
        return {}
    return {name: address + executable.bias for name, address in exported.items()}


class _ObjectFile:
    """An object file, and its variables that have debug info."""

    def __init__(
        self,
        values: GdbValues,
        objfile: gdb.Objfile,
        path: str,
        text: int | None,
        indexed: frozenset[str] | None,
    ) -> None:
        self._values = values
        self._objfile = objfile
        self.path = path
        self._text = text  # where its code lies
        self.base = os.path.basename(path)
        try:
            variables, self._functions = read_symbols(
                file_name(objfile), without_dots=indexed is not None
            )
        except OSError:
            variables, self._functions = [], []
        if not variables and not self._functions and self._has_only_debug_info():
            variables = debug_variables(values.pointer_size)
        if indexed is not None:  # each name of Go's has its package
            variables = [
                one for one in variables if "." not in one.name and one.name not in indexed
            ]
        self._variables = [
            one
            for one in variables
            if one.size >= values.pointer_size and one.section not in NO_POINTERS
        ]
        self.names = {one.name for one in self._variables}
        # Where the linker has put variables that the executable defines too.
        self.bound: dict[str, int] = {}

    def _has_only_debug_info(self) -> bool:
        try:
            path = file_name(self._objfile)
            return file_has_debug_info(path) and section_address(path, ".symtab") is None
        except OSError:
            return False

    @functools.cached_property
    def _is_go(self) -> bool:
        try:
            return is_built_by_go(self.path)
        except OSError:
            return False

    @functools.cached_property
    def bias(self) -> int | None:
        """How far the file was moved when it was loaded; None: unknown."""
        try:
            own = section_address(self.path, ".text")
        except OSError:
            return None
        return None if own is None or self._text is None else self._text - own

    def _address_of(self, one: ElfSymbol) -> int | None:
        """Where a global variable lies, by its own object file: gdb takes the first of the name.
        None: unknown, or the symbol is local, or of each thread."""
        if one.is_thread_local or one.source or self.bias is None or one.section == SECTION:
            return None
        return self.bound.get(one.name, one.address + self.bias)

    def iter_variables(
        self, wanted: Wanted, shared: set[str], left_out: LeftOut
    ) -> Iterator[Variable]:
        """The variables; those of `shared` names have the object file in their paths."""
        chosen = [one for one in self._variables if wanted.name in one.name]
        if len(chosen) > MAX_SYMBOLS:
            left_out.cuts.append(
                f"only the first {MAX_SYMBOLS:,} of {len(chosen):,} variables of '{self.base}' "
                "were looked at: name one of the others yourself, as in 'hmap-dump NAME'"
            )
        for one in self._iter_spelled(chosen[:MAX_SYMBOLS], left_out):
            scopes = [Scope(object=self.base)] if one.linker_name in shared else self._scopes
            if not one.is_thread_local:
                yield from self._iter_variable(one, scopes)
                continue
            for number in iter_threads():
                if wanted.thread not in (None, number):
                    continue
                try:
                    one.symbol.value()
                except gdb.error as error:
                    left_out.unplaced[one.names[0]] = lowered(error)
                    continue
                of_thread = [replace(scope, thread=number) for scope in scopes]
                yield from self._iter_variable(one, of_thread)

    @property
    def _scopes(self) -> list[Scope]:
        return [Scope(), Scope(object=self.base)]

    def _iter_variable(self, one: _Spelled, scopes: list[Scope]) -> Iterator[Variable]:
        try:
            found_type = one.symbol.type
            if one.address is None or found_type is None:
                value = one.symbol.value()
            else:
                value = gdb.Value(one.address).cast(found_type.pointer()).dereference()
            if value.type.strip_typedefs().code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
                value = value.referenced_value()
            if value.address is None:
                return
            found, address = self._values.type_of(value.type), int(value.address)
        except (gdb.error, RuntimeError):
            return
        paths = [scope.text + name for scope in scopes for name in one.names]
        yield Variable(paths[0], found, address, others=tuple(paths[1:]))

    def _iter_spelled(self, variables: list[ElfSymbol], left_out: LeftOut) -> Iterator[_Spelled]:
        """The symbols of variables."""
        inside: list[ElfSymbol] = []  # statics of functions, and those without debug info
        of_rust: list[ElfSymbol] = []
        met: set[str] = set()
        for one in variables:
            if one.name in met or (self._is_go and _OF_COMPILER.search(one.name)):
                continue
            symbols = [] if one.name.startswith("_ZZ") else self._symbols_of(one)
            if not symbols:
                (of_rust if is_rust(one.name) else inside).append(one)
                continue
            met.add(one.name)
            for symbol in symbols:
                names = _names_in_file(symbol)
                names = names[1:] if len(symbols) > 1 else names
                address = self._address_of(one)
                yield _Spelled(symbol, names, one.name, address, one.is_thread_local)
        if of_rust and self.bias is not None:
            for found in iter_by_unit(of_rust, self._functions, self.bias):
                names = _names_in_file(found.symbol)
                yield _Spelled(found.symbol, names, found.linker_name, None, found.is_thread_local)
        search = StaticsSearch(self.base, self.bias, inside, self._functions, self._is_go)
        for static in search.run(left_out):
            names = _names_in_function(static)
            yield _Spelled(static.symbol, names, static.name, None, static.is_thread_local)

    def _symbols_of(self, one: ElfSymbol) -> list[gdb.Symbol]:
        """The variables of a name that are global, or static to a file, in this object file."""
        tagged = demangled(one.name)
        with language("c++") if tagged != one.name else contextlib.nullcontext():
            lookup_static = getattr(self._objfile, "lookup_static_symbol")  # not in the stubs
            # clang's debug info may lack the tag that it gives the linker.
            for name in dict.fromkeys([tagged, _TAG.sub("", tagged)]):
                found: gdb.Symbol | None = self._objfile.lookup_global_symbol(name)
                found = found or lookup_static(name)
                if found is not None:
                    break
            if found is None:
                return []
            symbols = [found]
            if one.source:
                symbols += [
                    other
                    for other in gdb.lookup_static_symbols(name)
                    if other.symtab is not None
                    and other.symtab.objfile == self._objfile
                    and file_name(other.symtab) != file_name(found.symtab)
                ]
        return [one for one in symbols if one.is_variable and one.addr_class in STATICS]


def _names_in_file(symbol: gdb.Symbol) -> tuple[str, ...]:
    """A variable's name alone, and with its source file."""
    name = spelled(_TAG.sub("", symbol.name))
    quoted = name if name.startswith("'") else f"'{name}'" if "::" in name else name
    path = file_name(symbol.symtab)
    files = dict.fromkeys([os.path.basename(path), path])
    return (name, *(f"'{file}'::{quoted}" for file in files if file))


def _names_in_function(static: Static) -> tuple[str, ...]:
    """A static's name with its function, and with its file and line."""
    symbol, function = static.symbol, spelled(static.function)
    path = file_name(symbol.symtab)
    files = dict.fromkeys([os.path.basename(path), path])
    lines = [f"'{file}'::{function}::{symbol.name}@{symbol.line}" for file in files if file]
    return (f"{function}::{symbol.name}", *lines)


def spelled(name: str) -> str:
    """A name as one types it: Go's package paths may have letters that an expression may not."""
    if re.fullmatch(r"[\w:]+(?:\.\w+)?|(?:[\w.~-]+/)*\w+\.\w+", name):
        return name
    return f'"{name}"' if "'" in name else f"'{name}'"
