"""std::shared_ptr<void> and std::weak_ptr<void> of libc++: what they own is known by the class
of their counters (__memory/shared_ptr.h):

    __shared_ptr_emplace<T, A>        made with the object, which lies in it (make_shared)
    __shared_ptr_pointer<T *, D, A>   points to the object, and has a deleter
"""

from __future__ import annotations

from ...target import Field, Type
from ..cxx.owners import Owner, owner
from .pairs import half_of, is_pair, part
from .smart import counted

_EMPLACE = "__shared_ptr_emplace<"
_POINTER = "__shared_ptr_pointer<"


def recognise(found: Type) -> Owner | None:
    """A struct as such a pointer; None for any other type."""
    return owner(found, counted(found), _owned)


def _owned(name: str, found: Type) -> Field | None:
    """See FindOwned."""
    owned, allocator = found.argument(0), found.argument(1)
    if not isinstance(owned, Type):
        return None
    if _EMPLACE in name:
        storage = found.find("__storage_")
        inner = None if storage is None else storage.type.find("__elem_")
        if storage is None or inner is None and not _is_empty(allocator):
            return None  # the allocator comes first, and debug info does not say how large it is
        return Field("", storage.offset + (0 if inner is None else inner.offset), owned)
    if _POINTER not in name or owned.resolve is None:
        return None
    place = part(found, "__ptr_", "__data_")
    while place is not None and is_pair(place.type):  # a pair in a pair
        place = half_of(place, 0)
    return None if place is None else Field("", place.offset, owned)


def _is_empty(found: object) -> bool:
    return isinstance(found, Type) and next(found.iter_fields(), None) is None
