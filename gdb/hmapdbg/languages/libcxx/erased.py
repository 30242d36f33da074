"""std::any of libc++, which holds a value of any type that only a function of its own knows: the
member __h is std::__any_imp::_SmallHandler<T>::__handle, where the value is in the std::any itself,
or _LargeHandler<T>'s, where it is on the heap."""

from __future__ import annotations

from ...target import Kind, Target, Type
from ..cxx.choices import NOTHING
from ..cxx.erased import Erased, Managed
from ..cxx.names import short_name

_SMALL = "_SmallHandler<"
_LARGE = "_LargeHandler<"


def recognise(found: Type) -> Erased | None:
    """A struct as such a type; None for any other."""
    own = {one.name for one in found.fields if not one.base}
    if own not in ({"__h", "__s"}, {"__h_", "__s_"}):
        return None
    handler, room = (found.find(one) or found.find(f"{one}_") for one in ("__h", "__s"))
    if handler is None or room is None or handler.type.kind is not Kind.POINTER:
        return None
    return Erased("std::any", found.size, handler.offset, room, NOTHING, _value_of)


def _value_of(target: Target, kind: Erased, manager: int, _invoker: int) -> Managed | None:
    owner = target.class_of_function(manager)
    if owner is None or _SMALL not in owner.name and _LARGE not in owner.name:
        return None
    found = owner.argument(0)
    if not isinstance(found, Type):
        return None
    name = short_name(found.name)
    is_inside = _SMALL in owner.name and found.size <= kind.storage.type.size
    return Managed(found, name, is_inside)
