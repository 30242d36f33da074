"""What types of libstdc++ are shown as: a std::unique_ptr as its pointer, a std::tuple as its
elements in order, a std::chrono::duration with its unit."""

from __future__ import annotations

import re

from ...target import Field, Kind, Type
from ..shown import Shown
from . import smart
from .choices import sole
from .tuples import elements_of

# Periods of std::chrono::duration, in seconds, and what they are called.
_UNITS = {
    (1, 1): "s",
    (1, 1000): "ms",
    (1, 1_000_000): "us",
    (1, 1_000_000_000): "ns",
    (60, 1): "min",
    (3600, 1): "h",
    (86400, 1): "d",
}
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
    ticks = _member(found, "__r", ("__r",))
    if ticks is not None:
        return Shown((ticks,), after=_unit(found))
    if _TYPE_INDEX.match(found.name):
        target = found.find("_M_target")
        return None if target is None else Shown((target,), symbol="typeinfo for ")
    if _ATOMIC_POINTER.match(found.name):
        inner = _member(found, "_M_p", ("_M_p",))
        if inner is not None:
            return Shown((inner,))
    wrapped = (_member(found, *names) for names in _WRAPPERS)
    return next((Shown((one,)) for one in wrapped if one is not None), None)


def _member(found: Type, name: str, all_names: tuple[str, ...]) -> Field | None:
    """The member of a struct that has those members and no others, behind bases."""
    holding = sole(found, set(all_names))
    member = None if holding is None else holding[1].find(name)
    if holding is None or member is None:
        return None
    return Field("", holding[0] + member.offset, member.type)


def _unit(found: Type) -> str:
    """What a std::chrono::duration counts."""
    period = found.argument(1)
    if not isinstance(period, Type):
        return ""
    ratio = period.argument(0), period.argument(1)
    if not isinstance(ratio[0], int) or not isinstance(ratio[1], int):
        return ""
    numerator, denominator = ratio[0], ratio[1]
    fraction = f"[{numerator}]s" if denominator == 1 else f"[{numerator}/{denominator}]s"
    return _UNITS.get((numerator, denominator), fraction)
