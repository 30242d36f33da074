"""std::string and std::wstring as the ABI of libc++ fixes them (version 1, and the usual layout),
for programs whose debug info only declares them: clang leaves their definitions out unless it is
told -fstandalone-debug."""

from __future__ import annotations

import re

from ...target import Field, Kind, Type
from ...target.types import array_of, pointer_to

SOURCE = "the ABI of libc++"

_STRING = re.compile(
    r"(?:struct |class )?std::(?P<inline>__1|__ndk1)::basic_string<(?P<unit>char|wchar_t), ?"
    r"std::(?P=inline)::char_traits<(?P=unit)>, ?std::(?P=inline)::allocator<(?P=unit)> ?>\Z"
)
_SIZES = {"char": 1, "wchar_t": 4}


def define(name: str, pointer_size: int) -> Type | None:
    """The string of that name; None for any other type."""
    found = _STRING.match(name)
    if found is None:
        return None
    unit = Type(Kind.INTEGER, found["unit"], _SIZES[found["unit"]], signed=True, character=True)
    word = Type(Kind.INTEGER, "unsigned long", pointer_size)
    byte = Type(Kind.INTEGER, "unsigned char", 1)
    size = 3 * pointer_size
    letters = array_of(unit, (size - unit.size) // unit.size)
    long = _struct(
        "__long",
        size,
        Field("__cap_", 0, word),
        Field("__size_", pointer_size, word),
        Field("__data_", 2 * pointer_size, pointer_to(unit, pointer_size)),
    )
    short = _struct(
        "__short", size, Field("__size_", 0, byte), Field("__data_", unit.size, letters)
    )
    rep = _struct("__rep", size, Field("__l", 0, long), Field("__s", 0, short))
    return _struct(name, size, Field("__rep_", 0, rep))


def _struct(name: str, size: int, *fields: Field) -> Type:
    return Type(Kind.STRUCT, name, size, fields=fields, source=SOURCE)
