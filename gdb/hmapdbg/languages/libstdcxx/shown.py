"""What types of libstdc++ are shown as: a std::unique_ptr as its pointer, a std::tuple as its
elements in order, a std::chrono::duration with its unit."""

from __future__ import annotations

import re

from ...target import Field, Kind, Type
from ..cxx.wrapped import member_of, unit_of
from ..shown import Shown
from . import smart
from .tuples import elements_of

# Structs that stand for their member of that name, by all the members that they have.
_WRAPPERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("_M_pathname", ("_M_pathname", "_M_cmpts")),  # std::filesystem::path
    ("__d", ("__d",)),  # std::chrono::time_point
    ("_M_i", ("_M_i",)),  # std::atomic
    ("_M_b", ("_M_b",)),  # std::atomic of a pointer
)
_ATOMIC_POINTER = re.compile(r"(?:struct |class )?std::(?:__\w+::)?__atomic_base<")
_NO_ELEMENTS = re.compile(r"(?:struct |class )?std::(?:__\w+::)?tuple<>\Z")
_TYPE_INDEX = re.compile(r"(?:struct |class )?std::(?:__\w+::)?type_index\Z")


def recognise(found: Type) -> Shown | None:
    """A struct as such a type; None for any other."""
    elements = () if _NO_ELEMENTS.match(found.name) else elements_of(found)
    if elements is not None:
        return Shown(elements, "{", "}")
    pointer = smart.recognise(found)
    if pointer is not None:
        # The address alone: what it leads to may be text without an end.
        return Shown((Field("", pointer.pointer, Type(Kind.POINTER, "void *", pointer.width)),))
    ticks = member_of(found, "__r", ("__r",))
    if ticks is not None:
        return Shown((ticks,), after=unit_of(found))
    if _TYPE_INDEX.match(found.name):
        target = found.find("_M_target")
        return None if target is None else Shown((target,), symbol="typeinfo for ")
    if _ATOMIC_POINTER.match(found.name):
        inner = member_of(found, "_M_p", ("_M_p",))
        if inner is not None:
            return Shown((inner,))
    wrapped = (member_of(found, *names) for names in _WRAPPERS)
    return next((Shown((one,)) for one in wrapped if one is not None), None)
