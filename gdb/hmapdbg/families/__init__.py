"""Map families: each module recognises a value by its field names, reads its header and walks it.

A new family is one new module and one line in FAMILIES.
"""

from __future__ import annotations

from ..target import Kind, Target, TargetError, Type, Value
from . import go_bucket, go_swiss, go_sync, libhmap, unordered
from .family import Family, Map

FAMILIES: tuple[Family, ...] = (
    libhmap.FAMILY,
    go_bucket.FAMILY,
    go_swiss.FAMILY,
    go_sync.FAMILY,
    unordered.FAMILY,
)

# A map may be held behind typedefs' pointers (struct hmap **), but not arbitrarily deep.
MAX_POINTERS = 4


def open_map(target: Target, value: Value) -> Map:
    """The map that a value is or points to. TargetError where it is none, or cannot be read."""
    found, address = value.type, value.address
    data = value.data
    for _ in range(MAX_POINTERS):
        if found.kind is not Kind.POINTER:
            break
        address = int.from_bytes(data, target.byte_order)
        if address == 0 and not _may_be_nil(found.target):
            raise TargetError(
                f"'{value.expression}' is a null pointer: "
                "no map has been made there yet, or the wrong frame is selected"
            )
        found = found.target
        if found.kind is Kind.POINTER:
            if not target.is_readable(address, found.size):
                raise TargetError(
                    f"'{value.expression}' points to unreadable memory at 0x{address:x}: "
                    "the pointer is wild, or the core does not hold that memory"
                )
            data = target.read(address, found.size)
    for family in FAMILIES:
        if family.recognise(found):
            if address is None:
                raise TargetError(
                    f"'{value.expression}' is not in memory: name the variable that holds the map"
                )
            return family.open(target, value, found, address)
    raise TargetError(_why_not(value, found))


def _may_be_nil(found: Type) -> bool:
    """Whether a null pointer to such a struct is a map without anything in it."""
    return any(family.has_nil and family.recognise(found) for family in FAMILIES)


def _why_not(value: Value, found: Type) -> str:
    known = ", ".join(family.describes for family in FAMILIES)
    if found.kind is Kind.STRUCT and not found.fields:
        return (
            f"no debug info for '{found.name}', the type of '{value.expression}': "
            "build that part with -g, or load its symbols with 'symbol-file' or 'add-symbol-file'"
        )
    return f"'{value.expression}' is not a map: its type is '{value.type.name}'; maps are {known}"
