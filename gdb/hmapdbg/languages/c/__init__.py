"""C, which has no strings with a length: only a definition of a map can say that two members are
one."""

from __future__ import annotations

from ...target import Field, Kind, Type
from ...target.types import pointer_to
from ..language import Language
from ..strings import StringType, counted_string

NAME = "text with a length"  # which no struct of C is called
_LETTER = Type(Kind.INTEGER, "char", 1, signed=True, character=True)


class C(Language):
    """Texts of a declared map."""

    name = "C"

    def find_string(self, found: Type) -> StringType | None:
        if not is_counted_text(found):
            return None
        return counted_string(found, found.fields[0], found.fields[1])


def counted_text(pointer_size: int) -> Type:
    """The type of a text as its address and its length, each of the size of a pointer."""
    length = Type(Kind.INTEGER, "size_t", pointer_size)
    fields = (
        Field("text", 0, pointer_to(_LETTER, pointer_size)),
        Field("length", pointer_size, length),
    )
    return Type(Kind.STRUCT, NAME, 2 * pointer_size, fields=fields)


def is_counted_text(found: Type) -> bool:
    """Whether a type is one of these, which no debugger knows."""
    return found.name == NAME and len(found.fields) == 2


LANGUAGE = C()
