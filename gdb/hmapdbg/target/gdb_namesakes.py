"""Whether two of gdb's types of one name are one type.

gdb has a type for each compilation unit that describes it. Units, and object files, may also have
different types of one name: those of C, those in anonymous namespaces and in functions, those of
two plugins. gdb's own comparison goes through all members but not through template arguments, and
no member of a std::unordered_map tells what it holds.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

import gdb

from .gdb_text import file_name

STRUCTS = (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION)
# Words that names of types consist of beside names of the program's own.
_WORDS = re.compile(
    r"(?:::\s*)?\b(?:[A-Za-z_]\w*::)+~?\w+|\b(?:const|volatile|unsigned|signed|char|short|int|long"
    r"|float|double|bool|void|wchar_t|char8_t|char16_t|char32_t|__int128|true|false|\d\w*)\b"
)
MAX_DEPTH = 40


def are_same(one: gdb.Type, other: gdb.Type) -> bool:
    """Whether two types of one name, code and size are one type."""
    return bool(one == other) and (
        _is_certain(one, other) or _have_same_arguments(one, other, 0, set())
    )


def _is_certain(one: gdb.Type, other: gdb.Type) -> bool:
    """Whether the name alone has one meaning in what both types come from."""
    return has_one_meaning(str(one)) and _file_of(one) == _file_of(other)


@functools.lru_cache(100_000)
def has_one_meaning(name: str) -> bool:
    """Whether each name in a type's name is one of a namespace, and so of external linkage: the one
    definition rule holds in an object file."""
    if "(" in name or "{" in name:  # of an anonymous namespace, of a function
        return False
    return re.search(r"[A-Za-z_]", _WORDS.sub("", name)) is None


def _file_of(found: gdb.Type) -> str:
    objfile = found.objfile
    return file_name(objfile)


def _have_same_arguments(
    one: gdb.Type, other: gdb.Type, depth: int, compared: set[tuple[str, str]]
) -> bool:
    """Whether the template arguments of two types, and those of their members, are the same;
    `compared`: the names of those that were looked into already."""
    names = str(one), str(other)
    if names in compared:
        return True
    compared.add(names)
    if "<" in (one.name or "") and _is_certain(one, other):
        return True
    pairs = [*zip(_iter_parts(one, depth), _iter_parts(other, depth))]
    for mine, theirs in zip(iter_arguments(one), iter_arguments(other)):
        if isinstance(mine, gdb.Type) and isinstance(theirs, gdb.Type):
            pairs.append((mine, theirs))
            same = mine == theirs
        else:
            same = str(mine) == str(theirs)
        if not same:
            return False
    return all(_have_same_arguments(mine, theirs, depth + 1, compared) for mine, theirs in pairs)


def _iter_parts(found: gdb.Type, depth: int) -> Iterator[gdb.Type]:
    """The types of members, of elements, and of what is pointed to where that is a template's."""
    found = found.strip_typedefs()
    if depth > MAX_DEPTH:
        return
    if found.code in STRUCTS:
        for member in found.fields():
            if hasattr(member, "bitpos") and member.type is not None:
                yield member.type
    elif found.code == gdb.TYPE_CODE_ARRAY:
        yield found.target()
    elif found.code == gdb.TYPE_CODE_PTR:
        target = found.target().strip_typedefs()
        if depth < 4 and "<" in (target.name or ""):
            yield target


def iter_arguments(found: gdb.Type) -> Iterator[object]:
    """The template arguments of a type: types, and values."""
    found = found.strip_typedefs().unqualified()
    # gcc writes down none of std::allocator, and gdb looks for one of that name, in any file; its
    # base class has them.
    if "<" not in (found.name or "") or (found.name or "").startswith("std::allocator<"):
        return
    for number in range(MAX_DEPTH):
        try:
            yield found.template_argument(number)
        except (gdb.error, RuntimeError, ValueError):
            return
