"""What Go's debug info means: names of types, slots that hold pointers to their values, constants.

gdb knows Go's pointers as "main.pt *" and drops the names that DWARF has for them; the names of a
map's parts still spell its key and elem as Go does: hash<K,V> with []key<K> and []val<V> up to
go1.23 (cmd/link/internal/ld/dwarf.go synthesizemaptypes()), map.group[K]V from go1.24 on
(cmd/compile/internal/reflectdata/map.go).
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable

from ..layout import Member, StructLayout
from ..target import Field, Kind, Target, TargetError, Type, Value
from ..values.interfaces import is_interface

MAX_INLINE = 128  # bytes; larger keys and elems are pointers in their slots (internal/abi/map*.go)
OPENING, CLOSING = "[{(", "]})"
# Names of types whose values are one pointer.
POINTERS = ("*", "map[", "chan ", "<-chan ", "func(", "unsafe.Pointer")


def go_name(name: str) -> str:
    """A type's name as Go's users know it.

    >>> go_name("struct string"), go_name("noalg.struct { key int; elem int }"), go_name("T **")
    ('string', 'struct { key int; elem int }', '**T')
    """
    name = name.replace("noalg.", "")
    if name.startswith("struct ") and not name.startswith("struct {"):
        name = name[len("struct ") :]
    stem = name.rstrip("*")
    if not stem.endswith(" "):
        return name
    stars = name[len(stem) :]
    if stem == "void ":  # what gdb takes it for
        return f"{stars[1:]}unsafe.Pointer"
    return stars + go_name(stem[:-1])


def go_layout(found: Type, required: Iterable[str], optional: Iterable[str] = ()) -> StructLayout:
    """The layout of those fields of a struct, of fields' fields too ("groups.data"), types named as
    Go's users know them. TargetError."""
    names = [*required, *(name for name in optional if found.find(name))]
    members = []
    for name in names:
        field = required_field(found, *name.split("."))
        size = field.type.size
        members.append(Member(name, field.offset, size, _renamed(field.type), found.source))
    return StructLayout(go_name(found.name), found.size, tuple(members))


def _renamed(found: Type) -> Type:
    return found.renamed(go_name(found.name))


def split_map_name(name: str) -> tuple[str, str] | None:
    """K and V of a name that ends with "[K]V"; None where it does not.

    >>> split_map_name("map.group[[4]uint8]map[string]int")
    ('[4]uint8', 'map[string]int')
    """
    begin = name.find("[")
    depth = 0
    quote = ""
    for at in range(begin, len(name)) if begin >= 0 else ():
        letter = name[at]
        if quote:  # the tag of a struct's field
            quote = "" if letter == quote and name[at - 1] != "\\" else quote
        elif letter in '"`':
            quote = letter
        elif letter in OPENING:
            depth += 1
        elif letter in CLOSING:
            depth -= 1
            if depth == 0:
                return name[begin + 1 : at], name[at + 1 :]
    return None


def slot_value(target: Target, slot: Type, name: str) -> tuple[Type, bool]:
    """What a slot of that type holds, for a key or elem that Go calls `name`, and whether it is
    behind a pointer in the slot."""
    if not name:
        return _renamed(slot), False
    if slot.kind is not Kind.POINTER or name.startswith(POINTERS):
        return slot.renamed(name), False
    # A pointer whose name does not show it: a value that was too large for its slot, or one of a
    # named pointer type, which points to a type of another name.
    found = slot.target
    if go_name(found.name) != name:
        named = target.lookup_type(name)
        if named is None or named.size <= MAX_INLINE:
            return slot.renamed(name), False
        found = named
    if found.size <= MAX_INLINE:
        return slot.renamed(name), False
    return found.renamed(name), True


def bytes_tell_keys_apart(found: Type) -> bool:
    """Whether two keys with the same bytes are one key: a NaN is not even equal to itself."""
    if found.kind in (Kind.FLOAT, Kind.OTHER) or is_interface(found):
        return False
    if found.kind is Kind.ARRAY:
        return bytes_tell_keys_apart(found.target)
    return all(bytes_tell_keys_apart(member.type) for member in found.fields)


class Constants:
    """The runtime's constants by name, from debug info; `assumed` are those that it lacks."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.assumed: list[str] = []

    def get(self, default: int, *names: str) -> int:
        """The first of the constants that is there; else `default`, the documented value."""
        for name in names:
            value = find_value(self._target, name)
            if value is not None and value.type.kind in (Kind.INTEGER, Kind.ENUM):
                return int.from_bytes(value.data, self._target.byte_order, signed=value.type.signed)
        self.assumed.append(names[0])
        return default

    def notes(self, source: str) -> list[str]:
        """What the reader should know."""
        if not self.assumed:
            return []
        names = ", ".join(name.rpartition(".")[2] for name in self.assumed)
        return [f"debug info lacks the runtime's {names}: the values of {source} are assumed"]


_values: weakref.WeakKeyDictionary[Target, dict[str, Value | None]] = weakref.WeakKeyDictionary()


def find_value(target: Target, name: str) -> Value | None:
    """A variable or constant of Go's runtime by its full name; None where there is none. Each is
    looked up once for a target, which does not run meanwhile."""
    known = _values.setdefault(target, {})
    if name not in known:
        try:
            known[name] = target.evaluate(f"'{name}'")
        except TargetError:
            known[name] = None
    return known[name]


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
