"""Paths that begin with a type and an address, where the type's name alone is not enough."""

from __future__ import annotations

from ..families import open_map
from ..header import Header
from ..reach.steps import TYPED
from ..reach.walk import Search
from ..target import MemoryFault, Target, TargetError


def certain_path(target: Target, search: Search, path: str) -> str:
    """A path, in which the type that it begins with is spelled so that it can be no other's."""
    found = TYPED.match(path)
    if found is None:
        return path
    name, address = found["name"], found["address"]
    met = search.met_maps.get(int(address, 16))
    spellings = target.type_spellings(name) if met is not None else ()
    for spelled in spellings:
        assert met is not None
        try:
            opened = open_map(target, target.evaluate_at(spelled, address))
        except (TargetError, MemoryFault):
            continue
        if _has_types_of(opened.header, met.header):
            name = spelled
            break
    quote = '"' if "'" in name else "'"
    return f"--type {quote}{name}{quote} {address}{path[found.end():]}"


def _has_types_of(one: Header, other: Header) -> bool:
    return one.key_type.is_same(other.key_type) and one.elem_type.is_same(other.elem_type)
