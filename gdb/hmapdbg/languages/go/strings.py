"""Go's strings (internal/unsafeheader String)."""

from __future__ import annotations

from ...target import Kind, Type
from ..strings import StringType, counted_string

FIELDS = ("str", "len")


def find_string(found: Type) -> StringType | None:
    """A struct as a string: `string`, or a string type of the program, such as main.ID, with the
    same fields."""
    if tuple(field.name for field in found.fields) != FIELDS:
        return None
    text, length = found.fields
    is_string = found.name in ("string", "struct string") or (
        text.type.kind is Kind.POINTER
        and text.type.resolve is not None
        and text.type.target.name == "uint8"
        and length.type.name == "int"
        and length.type.size == text.type.size
    )
    return counted_string(found, text, length) if is_string else None
