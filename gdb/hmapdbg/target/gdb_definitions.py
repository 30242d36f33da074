"""Which types a name has: files, functions and object files may each have their own of it, and gdb
looks up one of them.

Those private to a file are found by the file where they, or the types in their template arguments,
are declared; those of several object files by the object file. A name is then spelled with either:
`'file.cc'::NAME`, `object plugin.so: NAME`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

import gdb

from ..compat import dataclass
from .elf_symbols import read_symbols
from .gdb_namesakes import STRUCTS, are_same, has_one_meaning
from .gdb_objects import iter_object_files
from .gdb_session import output_of
from .gdb_statics import symbols_in
from .gdb_text import file_name
from .gdb_types import type_named
from .protocol import TargetError
from .spelling import Scope, split_scope, template_arguments

MAX_FILES = 100  # to look for one type in
_OF_START = ("crtstuff.c", "crt1.o", "crti.o", "crtn.o")  # what compilers link to each program

_IN_FILE = re.compile(r"'(?P<file>[^']+)'::(?P<name>.*)\Z", re.DOTALL)
_ADDRESS = re.compile(r"\b0x[0-9a-f]+\b")
_FILE = re.compile(r"^File (.*):$", re.MULTILINE)
_AROUND = re.compile(r"\b(?:const|volatile|struct|class|union|enum)\b|[*&]+$|\[\d*\]$")
# Of a function's own type: the function.
_FUNCTION = re.compile(r"(?P<function>.*(?<!namespace)\))(?: const)?::\w+\Z", re.DOTALL)


@dataclass(frozen=True)
class _Definition:
    """One of the types of a name, and where it is."""

    found: gdb.Type
    file: str  # path; empty: any of the object file
    object: str  # base name of the object file

    def matches(self, file: str, object_file: str) -> bool:
        """Whether it is in that file and object file; empty: in any."""
        return file in ("", self.file, os.path.basename(self.file)) and object_file in (
            "",
            self.object,
        )


class Definitions:
    """The types of a program by their names."""

    def __init__(self) -> None:
        self._known: dict[str, list[list[_Definition]]] = {}
        self._unseen: set[str] = set()  # names that files have that cannot be looked into

    def find(self, spelled: str) -> gdb.Type | None:
        """The type of a name with a file or object file before it; None if it has neither, and gdb
        is to look it up. TargetError, also of a name without them that several types have."""
        scope, rest = split_scope(spelled)
        in_file = _IN_FILE.match(rest)
        name, file = (in_file["name"], in_file["file"]) if in_file else (rest, "")
        if not file and not scope.object:
            self._refuse_several(name)
            return None
        chosen = [group for group in self._groups(name) if _is_in(group, file, scope.object)]
        if len(chosen) == 1:
            return chosen[0][0].found
        if chosen:
            raise _several(name, self.spellings(name))
        where = file or scope.object
        raise TargetError(f"no type '{name}' in '{where}': 'info types NAME' lists types by file")

    def spellings(self, name: str) -> Sequence[str]:
        """What each of the types of a name is spelled; empty if the name has one type."""
        groups = self._groups(name)
        if len(groups) < 2:
            return ()
        return [text for group in groups for text in _iter_spellings(group, groups, name)][:100]

    def _refuse_several(self, name: str) -> None:
        spellings = self.spellings(name)
        if spellings:
            raise _several(name, spellings)
        if name in self._unseen:
            raise TargetError(
                f"several files have a type '{name}', and gdb finds only one of them: name a "
                "variable that leads to the map"
            )

    def _groups(self, name: str) -> list[list[_Definition]]:
        """Where the types of a name are, by type."""
        if name not in self._known:
            groups: list[list[_Definition]] = []
            for one in self._iter_definitions(name):
                for group in groups:
                    if are_same(group[0].found, one.found):
                        group.append(one)
                        break
                else:
                    groups.append([one])
            self._known[name] = groups
        return self._known[name]

    def _iter_definitions(self, name: str) -> Iterator[_Definition]:
        found = type_named(name)
        own = str(found.strip_typedefs()) if found is not None else name
        files: set[str] = set()
        unseen = 0
        for part in _parts(own):
            declaring = _files_of(part)
            # One local to a function: clang may leave that out of the name, and the function may
            # have been inlined everywhere.
            if not declaring and found is not None:
                declaring = _all_sources()
                unseen += len(declaring) > MAX_FILES
            files.update(declaring[:MAX_FILES])
        for file in sorted(files):
            symtabs = list(_symtabs_of(file))
            unseen += not symtabs and len(files) > 1
            for symtab in symtabs:
                for block in (symtab.global_block(), symtab.static_block()):
                    for symbol in symbols_in(block):
                        defined = _type_of(symbol) if symbol.name == own else None
                        if defined is not None:
                            yield _Definition(defined, file_name(symtab), _object_of(symtab))
        if unseen:
            self._unseen.add(name)
        for objfile, _ in iter_object_files():
            look_up_static = getattr(objfile, "lookup_static_symbol")  # not in the stubs
            look_up = objfile.lookup_global_symbol, look_up_static
            for symbol in (one(own, gdb.SYMBOL_STRUCT_DOMAIN) for one in look_up):
                defined = _type_of(symbol)
                if defined is not None and symbol.symtab is not None:
                    yield _Definition(defined, "", _object_of(symbol.symtab))


_kept: list[tuple[list[gdb.Objfile], Definitions]] = []


def definitions() -> Definitions:
    """The types of the object files that are loaded now: kept until others are, since looking for a
    name takes gdb half a second."""
    now = gdb.objfiles()
    if not _kept or _kept[0][0] != now or not all(one.is_valid() for one in _kept[0][0]):
        _kept[:] = [(now, Definitions())]
    return _kept[0][1]


def _is_in(group: Sequence[_Definition], file: str, object_file: str) -> bool:
    return any(one.matches(file, object_file) for one in group)


def _several(name: str, spellings: Sequence[str]) -> TargetError:
    count = f"{len(spellings)} types are" if spellings else "several types are"
    return TargetError(
        f"{count} named '{name}': say which, as in --type \"{spellings[0] if spellings else name}\""
    )


def _iter_spellings(
    group: Sequence[_Definition], groups: Sequence[Sequence[_Definition]], name: str
) -> Iterator[str]:
    """The shortest spelling that only one group has; none where there is no such."""
    for one in sorted(group, key=lambda one: not one.file):
        files = ("", os.path.basename(one.file), one.file) if one.file else ("",)
        for scope in (Scope(), Scope(object=one.object)):
            for file in files:
                own = [each for each in groups if _is_in(each, file, scope.object)]
                if len(own) == 1:
                    yield f"{scope.text}'{file}'::{name}" if file else f"{scope.text}{name}"
                    return


def _type_of(symbol: gdb.Symbol | None) -> gdb.Type | None:
    """The complete struct or union that a symbol names; None where it names something else."""
    if symbol is None or symbol.addr_class != gdb.SYMBOL_LOC_TYPEDEF or symbol.type is None:
        return None
    found = symbol.type.strip_typedefs()
    is_struct = found.code in STRUCTS
    return found if is_struct and (found.sizeof or found.fields()) else None


def _object_of(symtab: gdb.Symtab) -> str:
    objfile = symtab.objfile.owner or symtab.objfile
    return os.path.basename(file_name(objfile))


def _parts(name: str) -> Iterator[str]:
    """The names in a type's name of which there may be several: its own, and those of its template
    arguments."""
    bare = name.strip()
    while _AROUND.search(bare):
        bare = _AROUND.sub("", bare).strip()
    # Others are constants, and functions' types.
    if not has_one_meaning(bare) and re.match(r"(?:[A-Za-z_]|\(anonymous)[^*&]*\Z", bare):
        yield bare
        for argument in template_arguments(bare):
            yield from _parts(argument)


def _files_of(name: str) -> list[str]:
    """The files that declare a type, or the function that it is local to."""
    function = _FUNCTION.match(name)
    wanted = name if function is None else function["function"]
    if not wanted.isprintable():
        return []
    pattern = re.sub(r"[][.*^$\\]", r"\\\g<0>", wanted)
    kind = "types" if function is None else "functions -n"
    try:
        return _FILE.findall(output_of(f"info {kind} -q ^{pattern}$"))
    except gdb.error:
        return []


def _all_sources() -> list[str]:
    """The base names of the program's source files, as its symbol tables have them."""
    sources: dict[str, None] = {}
    for objfile, _ in iter_object_files():
        try:
            variables, functions = read_symbols(file_name(objfile))
        except OSError:
            continue
        sources.update(dict.fromkeys(one.source for one in (*variables, *functions)))
    return [source for source in sources if source and source not in _OF_START]


def _symtabs_of(file: str) -> Iterator[gdb.Symtab]:
    """The symbol tables of a file with code."""
    met = set()
    for place in _first_places(file):
        symtab = place.symtab
        if symtab is None:
            continue
        key = file_name(symtab.objfile), symtab.static_block().start, symtab.global_block().end
        if key not in met:
            met.add(key)
            yield symtab


def _first_places(file: str) -> Sequence[gdb.Symtab_and_line]:
    """Where the code of a file begins, in each of its symbol tables."""
    try:
        return gdb.decode_line(f"'{file}':1")[1] or ()
    except gdb.error:
        pass
    # From a line before a function, gdb 18 no longer goes on to that function's.
    try:
        start = _ADDRESS.search(output_of(f"info line '{file}':1"))
        line = 0 if start is None else gdb.find_pc_line(int(start[0], 16)).line
        return gdb.decode_line(f"'{file}':{line}")[1] or () if line else ()
    except gdb.error:
        return ()
