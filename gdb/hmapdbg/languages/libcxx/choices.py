"""Types of libc++ that have room for a value and say whether it is there, or which of several, by
field names."""

from __future__ import annotations

from ...target import Field, Kind, Type
from ..cxx.choices import MAX_ALTERNATIVES, Choice, choice, sole
from ..elements import Access


def recognise(found: Type) -> Choice | None:
    """A struct as such a type; None for any other."""
    return _optional(found) or _variant(found) or _expected(found)


def _optional(found: Type) -> Choice | None:
    holding = sole(found, {"", "__engaged_"})
    if holding is None:
        return None
    offset, storage = holding
    flag, value = storage.find("__engaged_"), storage.find("__val_")
    if flag is None or value is None or flag.type.size != 1:
        return None
    element = Field("", offset + value.offset, value.type)
    return choice(found, Access.POINTEE, offset, flag, (None, element))


def _variant(found: Type) -> Choice | None:
    holding = sole(found, {"__impl"}) or sole(found, {"__impl_"})
    if holding is None:
        return None
    impl = holding[1].find("__impl") or holding[1].find("__impl_")
    assert impl is not None  # or it would not be the one
    index, union = impl.type.find("__index"), impl.type.find("__data")
    if index is None or union is None or union.type.kind is not Kind.UNION:
        return None
    offset = holding[0] + impl.offset
    # A union of the first and of a union of the others, and so on; all begin at one place.
    alternatives: list[Field | None] = []
    while len(alternatives) < MAX_ALTERNATIVES:
        first, rest = union.type.find("__head"), union.type.find("__tail")
        value = None if first is None else first.type.find("__value")
        if first is None or value is None:
            break
        at = offset + union.offset + first.offset + value.offset
        named = first.type.argument(1)  # as its users know it
        alternatives.append(Field("", at, named if isinstance(named, Type) else value.type))
        if rest is None:
            break
        union = Field("", union.offset + rest.offset, rest.type)
    return choice(found, Access.ASSERTION, offset, index, tuple(alternatives))


def _expected(found: Type) -> Choice | None:
    flag, union = found.find("__has_val_"), found.find("__union_")
    if flag is None or union is None or flag.type.size not in (0, 1):
        return None
    held = [union.type.find(name) for name in ("__unex_", "__val_")]
    error, value = (
        None if one is None else Field("", union.offset + one.offset, one.type) for one in held
    )
    if error is None:
        return None
    return choice(found, Access.ASSERTION, 0, flag, (error, value))
