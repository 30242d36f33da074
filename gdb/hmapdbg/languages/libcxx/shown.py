"""What types of libc++ are shown as: a std::unique_ptr as its pointer, a std::tuple as its elements
in order, a std::chrono::duration with its unit."""

from __future__ import annotations

import re

from ...target import Field, Kind, Type
from ..cxx.wrapped import member_of, unit_of
from ..shown import Shown
from . import smart
from .tuples import elements_of

# Structs that stand for their member of that name, by all the members that they have.
_WRAPPERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("__pn_", ("__pn_",)),  # std::filesystem::path
    ("__d_", ("__d_",)),  # std::chrono::time_point
    ("__a_value", ("__a_value",)),  # std::atomic
    ("__a_", ("__a_",)),
)
_TYPE_INDEX = re.compile(r"(?:struct |class )?std::(?:\w+::)?type_index\Z")


def recognise(found: Type) -> Shown | None:
    """A struct as such a type; None for any other."""
    elements = elements_of(found)
    if elements is not None:
        return Shown(elements, "{", "}")
    pointer = smart.recognise(found)
    if pointer is not None:
        # The address alone: what it leads to may be text without an end.
        return Shown((Field("", pointer.pointer, Type(Kind.POINTER, "void *", pointer.width)),))
    target = member_of(found, "__t_", ("__t_",))
    if target is not None and _TYPE_INDEX.match(found.name):
        return Shown((target,), symbol="typeinfo for ")
    ticks = member_of(found, "__rep_", ("__rep_",))
    if ticks is not None and ticks.type.kind in (Kind.INTEGER, Kind.FLOAT):
        return Shown((ticks,), after=unit_of(found))
    wrapped = (member_of(found, *names) for names in _WRAPPERS)
    return next((Shown((one,)) for one in wrapped if one is not None), None)
