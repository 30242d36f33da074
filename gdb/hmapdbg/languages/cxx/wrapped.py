"""Structs of C++'s libraries that stand for one member."""

from __future__ import annotations

from ...target import Field, Type
from .choices import sole

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


def member_of(found: Type, name: str, all_names: tuple[str, ...]) -> Field | None:
    """The member of a struct that has those members and no others, behind bases."""
    holding = sole(found, set(all_names))
    member = None if holding is None else holding[1].find(name)
    if holding is None or member is None:
        return None
    return Field("", holding[0] + member.offset, member.type)


def unit_of(found: Type) -> str:
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
