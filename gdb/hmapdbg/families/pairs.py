"""The entries of C++'s maps and sets: a std::pair of key and elem, or a key alone."""

from __future__ import annotations

from ..compat import dataclass
from ..languages import short_name
from ..target import Field, Kind, TargetError, Type
from ..target.types import byte_array

NOTHING = Type(Kind.OTHER, "", 0)  # the elem of a set


@dataclass(frozen=True)
class Entry:
    """The entries of a container; offsets in an entry, and sizes, in bytes."""

    size: int
    key: Field
    elem: Field
    notes: tuple[str, ...]


def entry_of(value: Type, is_map: bool, expression: str) -> Entry:
    """The key and the elem of entries of a type. TargetError if debug info lacks them."""
    notes: list[str] = []
    if not value.size:
        raise TargetError(
            f"no debug info for the entries of '{expression}': build the part that uses the map "
            "with -g, with clang also -fstandalone-debug"
        )
    if not is_map:
        key = Field("key", 0, _completed(value, value.size, notes))
        return Entry(value.size, key, Field("", 0, NOTHING), tuple(notes))
    first, second = value.find("first"), value.find("second")
    if first is None or second is None:
        raise TargetError(f"the entries of '{expression}' are no pairs: see 'ptype {value.name}'")
    room = second.offset - first.offset
    key = Field("first", first.offset, _completed(first.type, room, notes))
    room = value.size - second.offset
    elem = Field("second", second.offset, _completed(second.type, room, notes))
    return Entry(value.size, key, elem, tuple(notes))


def _completed(found: Type, room: int, notes: list[str]) -> Type:
    """The type under its short name; bytes if debug info only declares it."""
    if not found.size and found.kind in (Kind.STRUCT, Kind.UNION, Kind.OTHER):
        notes.append(
            f"no debug info for '{found.name}', shown as bytes: build with -g, with clang also "
            "-fstandalone-debug, or load the debug info of the library that has it"
        )
        return byte_array(room)
    # Without the const of a key: behind its type, or before one that is no pointer.
    name = short_name(found.name).removesuffix(" const")
    return found.renamed(name if "*" in name else name.removeprefix("const "))
