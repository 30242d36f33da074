"""Layouts of the runtime's structs, types named as Go's users know them."""

from __future__ import annotations

from collections.abc import Iterable

from ...layout import Member, StructLayout
from ...target import Field, TargetError, Type
from .names import go_name


def go_layout(found: Type, required: Iterable[str], optional: Iterable[str] = ()) -> StructLayout:
    """The layout of those fields of a struct, also of fields' fields ("groups.data"), with types
    named as Go's users know them. TargetError."""
    names = [*required, *(name for name in optional if found.find(name))]
    members = []
    for name in names:
        field = required_field(found, *name.split("."))
        size = field.type.size
        members.append(Member(name, field.offset, size, renamed(field.type), found.source))
    return StructLayout(go_name(found.name), found.size, tuple(members))


def renamed(found: Type) -> Type:
    """The type under its name in Go."""
    return found.renamed(go_name(found.name))


def required_field(found: Type, *path: str) -> Field:
    """A field of a field, its offset counted from the outermost struct. TargetError."""
    offset = 0
    member: Field | None = None
    for name in path:
        member = found.find(name)
        if member is None:
            raise TargetError(
                f"'{go_name(found.name)}' has no field '{name}': it is not a map this version "
                f"knows; see what it is with 'ptype {go_name(found.name)}'"
            )
        offset += member.offset
        found = member.type
    assert member is not None
    return Field(member.name, offset, member.type)
