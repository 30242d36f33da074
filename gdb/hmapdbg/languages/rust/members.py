"""Members of structs by what they hold: most of Rust's library types wrap one value in several
structs, differently in each version."""

from __future__ import annotations

from ...target import Field, Kind, Type

MAX_DEPTH = 12  # of structs in one another


def sized_fields(found: Type) -> tuple[Field, ...]:
    """The fields that take room."""
    return tuple(one for one in found.fields if one.type.size)


def only_field(found: Type) -> Field | None:
    """The one field of a struct that takes room; None if there are none, or several."""
    fields = sized_fields(found) if found.kind is Kind.STRUCT else ()
    return fields[0] if len(fields) == 1 and not fields[0].bit_size else None


def unwrapped(field: Field, kind: Kind = Kind.POINTER) -> Field | None:
    """The value of that kind that a field is, behind structs that have it alone; with its offset
    from where the field's is counted. None if it is none."""
    for _ in range(MAX_DEPTH):
        if field.type.kind is kind:
            return field
        inner = only_field(field.type)
        if inner is None:
            return None
        field = Field(field.name, field.offset + inner.offset, inner.type)
    return None


def behind(found: Type, *names: str) -> Field | None:
    """The field at the end of a way through structs, with its offset from the first one's start."""
    offset = 0
    field: Field | None = None
    for name in names:
        field = found.find(name)
        if field is None:
            return None
        offset += field.offset
        found = field.type
    return None if field is None else Field(field.name, offset, field.type)
