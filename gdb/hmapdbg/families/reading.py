"""Reading a map's own structs, as every family does first, and the errors if that fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..layout import StructLayout
from ..target import Field, MemoryFault, Target, TargetError, Type, Unreadable

T = TypeVar("T")

WILD = "the pointer is wild, or the core does not hold that memory"


def kept_for_type(target: Target, found: Type, make: Callable[[Target, Type], T]) -> T:
    """The result of `make` for a type: computed once per target, since a program may have very many
    maps of one type."""
    known: dict[tuple[object, int], tuple[Type, T]] = target.kept(_by_type)
    key = make, id(found)
    if key not in known:
        known[key] = found, make(target, found)  # keeps the type, so that its id is not reused
    return known[key][1]


def _by_type(_: object) -> dict[Any, Any]:
    return {}


def read_struct(
    target: Target, layout: StructLayout, address: int, expression: str, what: str = "map"
) -> dict[str, int]:
    """The numbers of the struct at an address. TargetError if it cannot be read."""
    try:
        data = target.read(address, layout.size)
    except MemoryFault:
        raise cannot_read(target, f"the {what}", expression, address) from None
    return layout.decode(data, target.byte_order)


def read_number(target: Target, address: int, size: int, expression: str, what: str) -> int:
    """An unsigned number of `size` bytes. TargetError if it cannot be read."""
    try:
        return target.read_uint(address, size)
    except MemoryFault:
        raise cannot_read(target, what, expression, address) from None


def read_bit(target: Target, field: Field | None, address: int) -> bool:
    """A field of one bit of the struct at an address; False where the struct has none.
    MemoryFault."""
    if field is None:
        return False
    byte = target.read_uint(address + field.bit_offset // 8, 1)
    at = field.bit_offset % 8
    return bool(byte >> (7 - at if target.byte_order == "big" else at) & 1)


def cannot_read(target: Target, what: str, expression: str, address: int) -> Unreadable:
    """The error for a part of a map that cannot be read."""
    why = why_unreadable(target, address)
    return Unreadable(f"cannot read {what} of '{expression}' at 0x{address:x}: {why}", address)


def why_unreadable(target: Target, address: int) -> str:
    """Why memory cannot be read, and what brings it back, as far as that is known."""
    gap = target.gap_at(address)
    return WILD if gap is None else f"{gap.why}: {gap.remedy}"


def unsound(expression: str, why: str) -> TargetError:
    """The error for a variable whose map is not valid."""
    return TargetError(
        f"'{expression}' is not a valid map: {why}: the variable is not set yet in this frame, or "
        "the pointer is wild"
    )
