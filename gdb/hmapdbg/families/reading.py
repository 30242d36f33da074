"""Reading a map's own structs: what every family does first, and what it says where that fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..layout import StructLayout
from ..target import MemoryFault, Target, TargetError, Type

T = TypeVar("T")

WILD = "the pointer is wild, or the core does not hold that memory"


def kept_for_type(target: Target, found: Type, make: Callable[[Target, Type], T]) -> T:
    """The result of `make` for a type: computed once per target, since a program may have very many
    maps of one type."""
    known: dict[tuple[object, int], tuple[Type, T]] = target.kept(_by_type)
    key = make, id(found)
    if key not in known:
        known[key] = found, make(target, found)  # with the type, whose id would else be reused
    return known[key][1]


def _by_type(_: object) -> dict[Any, Any]:
    return {}


def read_struct(
    target: Target, layout: StructLayout, address: int, expression: str, what: str = "map"
) -> dict[str, int]:
    """The numbers of the struct at an address. TargetError where it cannot be read."""
    try:
        data = target.read(address, layout.size)
    except MemoryFault:
        raise cannot_read(f"the {what}", expression, address) from None
    return layout.decode(data, target.byte_order)


def read_number(target: Target, address: int, size: int, expression: str, what: str) -> int:
    """An unsigned number of `size` bytes. TargetError where it cannot be read."""
    try:
        return target.read_uint(address, size)
    except MemoryFault:
        raise cannot_read(what, expression, address) from None


def cannot_read(what: str, expression: str, address: int) -> TargetError:
    """What is said of a part of a map that is not there to be read."""
    return TargetError(f"cannot read {what} of '{expression}' at 0x{address:x}: {WILD}")


def unsound(expression: str, why: str) -> TargetError:
    """What is said of a variable whose map cannot be one."""
    return TargetError(
        f"'{expression}' is not a sound map: {why}: the variable is not set yet in this frame, or "
        "the pointer is wild"
    )
