"""Layouts of the runtime's structs, with types named as in Go."""

from __future__ import annotations

from collections.abc import Iterable

from ...layout import Member, StructLayout, no_field
from ...target import Field, TargetError, Type
from .names import go_name


def go_layout(found: Type, required: Iterable[str], optional: Iterable[str] = ()) -> StructLayout:
    """The layout of those fields of a struct, also of nested ones ("groups.data"), with types named
    as in Go. TargetError."""
    names = [*required, *(name for name in optional if found.find(name))]
    members = []
    for name in names:
        field = required_field(found, *name.split("."))
        size = field.type.size
        if not 0 <= field.offset <= found.size - size:
            raise TargetError(
                f"field '{name}' of '{go_name(found.name)}' lies outside of it: not a struct of a "
                "version that is known, or it was overwritten"
            )
        members.append(Member(name, field.offset, size, renamed(field.type), found.source))
    return StructLayout(go_name(found.name), found.size, tuple(members))


def renamed(found: Type) -> Type:
    """The type under its name in Go."""
    return found.renamed(go_name(found.name))


def required_field(found: Type, *path: str) -> Field:
    """A nested field, with its offset from the outermost struct. TargetError."""
    offset = 0
    member: Field | None = None
    for name in path:
        member = found.find(name)
        if member is None:
            raise no_field(go_name(found.name), name)
        offset += member.offset
        found = member.type
    assert member is not None
    return Field(member.name, offset, member.type)
