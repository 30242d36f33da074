"""std::string and std::wstring as the ABI of libstdc++ fixes them, for programs whose debug info
only declares them (bits/basic_string.h, bits/cow_string.h)."""

from __future__ import annotations

import re

from ...target import Field, Kind, Type
from ...target.types import pointer_to

SOURCE = "the ABI of libstdc++"

_STRING = re.compile(
    r"(?:struct |class )?std::(?P<new>__cxx11::)?basic_string<(?P<unit>char|wchar_t), ?"
    r"std::char_traits<(?P=unit)>, ?std::allocator<(?P=unit)> ?>"
    r"(?P<holder>::_Alloc_hider)?\Z"
)
_SIZES = {"char": 1, "wchar_t": 4}
_LOCAL = 16  # bytes of a short string, in the string itself


def define(name: str, pointer_size: int) -> Type | None:
    """The string of that name, or the part of one that has the pointer, of which clang leaves out
    the definition alone; None for any other type."""
    found = _STRING.match(name)
    if found is None:
        return None
    unit = Type(Kind.INTEGER, found["unit"], _SIZES[found["unit"]], signed=True, character=True)
    holder = Type(
        Kind.STRUCT,
        "_Alloc_hider",
        pointer_size,
        fields=(Field("_M_p", 0, pointer_to(unit, pointer_size)),),
        source=SOURCE,
    )
    if found["holder"]:
        return holder
    fields = [Field("_M_dataplus", 0, holder)]
    size = pointer_size
    if found["new"]:
        length = Type(Kind.INTEGER, "unsigned long", pointer_size)
        fields.append(Field("_M_string_length", pointer_size, length))
        size = 2 * pointer_size + _LOCAL
    return Type(Kind.STRUCT, name, size, fields=tuple(fields), source=SOURCE)
