"""Reading the library's structs and enums: small helpers of this family."""

from __future__ import annotations

from collections.abc import Sequence

from ...layout import StructLayout
from ..reading import read_struct
from ...target import MemoryFault, Target, TargetError, Type

MAX_TEXT = 256  # bytes of a tag or a map's name
PAGE = 4096


def required_type(target: Target, name: str) -> Type:
    """The type of that name with its fields. TargetError."""
    found = target.lookup_type(name)
    if found is None or not found.fields:
        raise TargetError(
            f"no debug info for '{name}': load libhmap's symbols "
            "('sharedlibrary', or 'add-symbol-file' with its debug file)"
        )
    return found


def decode(
    target: Target, layout: StructLayout, address: int, what: str, expression: str
) -> dict[str, int]:
    """The numbers of a struct at an address. TargetError."""
    values = read_struct(target, layout, address, expression, what)
    for member in layout.members:
        if values.get(member.name, -1) < 0:
            raise TargetError(
                f"field '{member.name}' of '{layout.name}' is not an unsigned number: not a "
                f"map that this version knows; see 'ptype {layout.name}'"
            )
    return values


def short_text(target: Target, address: int) -> str:
    """A short C string of the target; empty if there is none."""
    if not address:
        return ""
    data = b""
    try:
        while len(data) < MAX_TEXT and b"\0" not in data:
            at = address + len(data)
            data += target.read(at, min(PAGE - at % PAGE, MAX_TEXT - len(data)))
    except MemoryFault:
        return ""
    return data.split(b"\0")[0].decode("utf-8", "backslashreplace")


def enumerators(target: Target, name: str, prefix: str, wanted: Sequence[str]) -> dict[str, int]:
    """An enum's constants without their prefix; TargetError if a wanted one is missing."""
    found = target.lookup_type(name)
    if found is None or not found.enumerators:
        raise TargetError(
            f"no debug info for '{name}': load libhmap's symbols "
            "('sharedlibrary', or 'add-symbol-file' with its debug file)"
        )
    values = {key[len(prefix) :]: number for key, number in found.enumerators}
    for key in wanted:
        if key not in values:
            raise TargetError(
                f"'{name}' has no constant '{prefix}{key}': not a libhmap that this version "
                f"knows; see 'ptype {name}'"
            )
    return values
