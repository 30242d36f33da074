"""The family of Rust's maps: recognises each kind of them by its fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Optional

from ...target import Kind, Target, Type, Value
from ..family import Family, Map
from . import dashmap, hashbrown, indexmap
from .table import FIELDS

_Open = Callable[[Target, Value, Type, int], Map]


class RustFamily:
    """See Family."""

    name = "Rust map"
    words = ("rust",)
    describes = "HashMap, HashSet, IndexMap and DashMap (Rust)"
    has_nil = False
    is_handle = False
    headers = (FIELDS,)

    def recognise(self, found: Type) -> bool:
        return _opening(found) is not None

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        opening = _opening(found)
        assert opening is not None  # it was recognised
        return opening(target, value, found, address)


FAMILY: Family = RustFamily()


def _opening(found: Type) -> Optional[_Open]:
    """What opens a struct; None for any that is no map."""
    if found.kind is not Kind.STRUCT or not 0 < len(found.fields) <= 8:
        return None
    if hashbrown.find_kind(found) is not None:
        return hashbrown.open_map
    if indexmap.find_kind(found) is not None:
        return indexmap.open_map
    return dashmap.open_map if dashmap.find_kind(found) is not None else None
