"""std::string and std::string_view (bits/basic_string.h, string_view)."""

from __future__ import annotations

from ...target import Field, Type
from ..strings import StringType, counted_string, points_to_text


def find_string(found: Type) -> StringType | None:
    """A struct as a string, by its own fields: a derived class has more to show."""
    pointer = None
    own = {field.name: field for field in found.fields if not field.base}
    length, holder = own.get("_M_string_length"), own.get("_M_dataplus")
    inner = None if holder is None else holder.type.find("_M_p")
    if holder is not None and inner is not None and points_to_text(inner.type):
        pointer = Field(inner.name, holder.offset + inner.offset, inner.type)
    view = own.get("_M_str")
    if view is not None and points_to_text(view.type):
        length, pointer = own.get("_M_len"), view
    return counted_string(found, pointer, length)
