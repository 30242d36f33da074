"""What Rust's types are shown as: tuples as they are written, structs with fields by number with
their names, and wrappers of the library as the value that they hold."""

from __future__ import annotations

import re

from ...target import Field, Type
from ..shown import Shown
from .members import only_field
from .names import base_name, full_name

_NUMBERED = re.compile(r"__\d+\Z")
# The standard library's; C++ has a namespace std, too.
_LIBRARY = re.compile(
    r"(?:core|alloc)::|std::(?:sync|collections|io|time|path|ffi|cell|hash|net|os|process)::"
)
# What guards a value, and the field that has it.
_GUARDED = re.compile(
    r"(?:(?:core|std|lock_api|parking_lot|spin|tokio::sync|crossbeam_utils)::(?:\w+::)*)"
    r"(?:Mutex|RwLock|RefCell|ReentrantLock|ReentrantMutex|CachePadded)<"
)
_GUARDS = ("data", "value")


def recognise(found: Type) -> Shown | None:
    """A struct as such a type; None for any other."""
    if found.variants is not None or len(found.fields) > 32:
        return None
    name = full_name(found)
    if name.startswith("(") and name.endswith(")"):
        return Shown(numbered(found), "(", ")")
    if _GUARDED.match(name):
        guarded = next((one for one in map(found.find, _GUARDS) if one is not None), None)
        return None if guarded is None else Shown((Field("", guarded.offset, guarded.type),))
    only = only_field(found)
    if only is not None and _LIBRARY.match(name):
        return Shown((Field("", only.offset, only.type),))
    fields = numbered(found)
    if fields and len(fields) == len(found.fields):
        return Shown(fields, f"{base_name(name)}(", ")")
    return None


def numbered(found: Type) -> tuple[Field, ...]:
    """The fields of a tuple, or of a struct like one, in their order, without names. Compilers may
    lay them out in another one."""
    fields = [one for one in found.fields if _NUMBERED.match(one.name)]
    fields.sort(key=lambda one: int(one.name[2:]))
    return tuple(Field("", one.offset, one.type) for one in fields)
