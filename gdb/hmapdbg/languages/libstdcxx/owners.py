"""std::shared_ptr<void> and std::weak_ptr<void> of libstdc++: what they own is known by the class
of its counters (bits/shared_ptr_base.h):

    _Sp_counted_ptr_inplace<T, …>   made with the object, which lies in it (make_shared)
    _Sp_counted_ptr<T *, …>         points to the object
    _Sp_counted_deleter<T *, …>     points to the object, and has a deleter
"""

from __future__ import annotations

from ...target import Field, Type
from ..cxx.owners import Owner, owner
from .smart import counted

_INPLACE = "_Sp_counted_ptr_inplace<"
_POINTING = ("_Sp_counted_ptr<", "_Sp_counted_deleter<")


def recognise(found: Type) -> Owner | None:
    """A struct as such a pointer; None for any other type."""
    return owner(found, counted(found), _owned)


def _owned(name: str, found: Type) -> Field | None:
    """See FindOwned."""
    owned = found.argument(0)
    inner = found.find("_M_impl") or Field("", 0, found)
    place = inner.type.find("_M_storage" if _INPLACE in name else "_M_ptr")
    if place is None or not isinstance(owned, Type):
        return None
    if _INPLACE not in name and not any(one in name for one in _POINTING):
        return None
    if _INPLACE not in name and owned.resolve is None:
        return None
    return Field("", inner.offset + place.offset, owned)
