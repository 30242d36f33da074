"""boost::optional: m_initialized, and m_storage, the value or bytes for it."""

from __future__ import annotations

from ...target import Field, Type
from ..cxx.choices import Choice, choice, sole
from ..elements import Access


def recognise(found: Type) -> Choice | None:
    """A struct as such a type; None for any other."""
    holding = sole(found, {"m_initialized", "m_storage"})
    if holding is None:
        return None
    offset, inner = holding
    flag, storage, value = inner.find("m_initialized"), inner.find("m_storage"), found.argument(0)
    assert flag is not None and storage is not None  # or it would not be the one
    if not isinstance(value, Type) or flag.type.size != 1 or value.size != storage.type.size:
        return None
    element = Field("", offset + storage.offset, value)
    return choice(found, Access.POINTEE, offset, flag, (None, element))
