"""Boost's smart pointers: shared_ptr and weak_ptr have px and pn, the counters of owners;
scoped_ptr and intrusive_ptr have px alone."""

from __future__ import annotations

from ...target import Kind, Type
from ..cxx.smart import Pointer


def recognise(found: Type) -> Pointer | None:
    """A struct as a smart pointer; None for any other type."""
    pointer = found.find("px")
    if pointer is None or pointer.type.kind is not Kind.POINTER or pointer.type.resolve is None:
        return None
    own = {one.name for one in found.fields if not one.base}
    pointee, named = pointer.type.target, found.argument(0)
    # As its users name it: the member's type is a typedef of the pointer's own.
    if isinstance(named, Type) and named.size == pointee.size:
        pointee = named
    if own == {"px"}:
        return Pointer(pointee, found.size, pointer.offset, pointer.type.size)
    count = found.find("pn") if own == {"px", "pn"} else None
    control = None if count is None else count.type.find("pi_")
    if count is None or control is None or control.type.kind is not Kind.POINTER:
        return None
    uses = None if control.type.resolve is None else control.type.target.find("use_count_")
    return Pointer(
        pointee,
        found.size,
        pointer.offset,
        pointer.type.size,
        count.offset + control.offset,
        uses,
        "weak_count" in count.type.name,
    )
