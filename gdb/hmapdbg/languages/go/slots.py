"""Contents of the slots of Go's maps: keys and elems, or pointers to large ones."""

from __future__ import annotations

from ...target import Kind, Target, Type
from .interfaces import is_interface
from .names import go_name
from .structs import renamed

MAX_INLINE = 128  # bytes; larger keys and elems are pointers in their slots (internal/abi/map*.go)
# Names of types whose values are one pointer.
POINTERS = ("*", "map[", "chan ", "<-chan ", "func(", "unsafe.Pointer")


def slot_value(target: Target, slot: Type, name: str) -> tuple[Type, bool]:
    """The type of the key or elem that Go calls `name` in a slot, and whether the slot holds a
    pointer to it."""
    if not name:
        return renamed(slot), False
    if slot.kind is not Kind.POINTER or name.startswith(POINTERS):
        return slot.renamed(name), False
    # A pointer whose name does not show it: to a value too large for its slot, or of a named
    # pointer type, which points to a type of another name.
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
    """Whether keys with equal bytes are equal: a NaN is not even equal to itself."""
    if found.kind in (Kind.FLOAT, Kind.OTHER) or is_interface(found):
        return False
    if found.kind is Kind.ARRAY:
        return bytes_tell_keys_apart(found.target)
    return all(bytes_tell_keys_apart(member.type) for member in found.fields)
