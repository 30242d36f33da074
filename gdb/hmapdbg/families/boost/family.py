"""The family of Boost's unordered containers: recognises them by their fields."""

from __future__ import annotations

from collections.abc import Callable

from ...target import Target, Type, Value
from ..family import Family, Map
from . import groups, lists, one_list
from .containers import find_table

Open = Callable[[Target, Value, Type, int], Map]

_KINDS: tuple[tuple[Callable[[Type], bool], Open], ...] = (
    (groups.recognise, groups.open_groups),
    (lists.recognise, lists.open_lists),
    (one_list.recognise, one_list.open_one_list),
)


class BoostFamily:
    """See Family."""

    name = "Boost unordered"
    words = ("boost",)
    describes = "boost::unordered_map, unordered_flat_map and their like (Boost)"
    has_nil = False
    is_handle = False
    headers = (*groups.HEADERS, lists.FIELDS, one_list.FIELDS)

    def recognise(self, found: Type) -> bool:
        return _opener(found) is not None

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        opener = _opener(found)
        assert opener is not None  # it was recognised
        return opener(target, value, found, address)


FAMILY: Family = BoostFamily()


def _opener(found: Type) -> Open | None:
    table = find_table(found)
    if table is None:
        return None
    return next((opener for recognise, opener in _KINDS if recognise(table.type)), None)
