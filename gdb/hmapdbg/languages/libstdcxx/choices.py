"""Types of libstdc++ that have room for a value and say whether it is there, or which of several,
by field names."""

from __future__ import annotations

from ...target import Field, Kind, Type
from ..cxx.choices import MAX_ALTERNATIVES, Choice, choice, sole
from ..elements import Access


def recognise(found: Type) -> Choice | None:
    """A struct as such a type; None for any other."""
    return _optional(found) or _variant(found) or _expected(found)


def _optional(found: Type) -> Choice | None:
    holding = sole(found, {"_M_payload"})
    if holding is None:
        return None
    payload = holding[1].find("_M_payload")
    assert payload is not None  # or it would not be the one
    flag, value = payload.type.find("_M_engaged"), payload.type.find("_M_payload")
    if flag is None or value is None or flag.type.size != 1:
        return None
    inner = value.type.find("_M_value") if value.type.kind is Kind.UNION else None
    base = holding[0] + payload.offset
    at = base + value.offset + (0 if inner is None else inner.offset)
    element = Field("", at, value.type if inner is None else inner.type)
    return choice(found, Access.POINTEE, base, flag, (None, element))


def _variant(found: Type) -> Choice | None:
    holding = sole(found, {"_M_u", "_M_index"})
    if holding is None:
        return None
    offset, storage = holding
    index, union = storage.find("_M_index"), storage.find("_M_u")
    assert index is not None and union is not None  # or it would not be the one
    # A union of the first and of a union of the others, and so on; all begin at one place.
    alternatives: list[Field | None] = []
    while len(alternatives) < MAX_ALTERNATIVES:
        first, rest = union.type.find("_M_first"), union.type.find("_M_rest")
        element = None if first is None else first.type.argument(0)
        if not isinstance(element, Type):
            break
        alternatives.append(Field("", offset + union.offset, element))
        if rest is None:
            break
        union = Field("", union.offset + rest.offset, rest.type)
    return choice(found, Access.ASSERTION, offset, index, tuple(alternatives))


def _expected(found: Type) -> Choice | None:
    if not any(one.name == "_M_has_value" for one in found.fields):
        return None
    flag, error, value = (found.find(name) for name in ("_M_has_value", "_M_unex", "_M_val"))
    if flag is None or error is None or flag.type.size != 1:
        return None
    named = found.argument(0)
    # From gcc 16 on the member's type is named std::remove_cv_t, without arguments.
    if value is not None and isinstance(named, Type) and named.size == value.type.size:
        value = Field("", value.offset, named)
    return choice(found, Access.ASSERTION, 0, flag, (error, value))
