"""std::tuple (<tuple>): its elements are the bases std::_Head_base<NUMBER, TYPE, is empty> of a
chain of std::_Tuple_impl, the last element first in memory."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...target import Field, Kind, Type

_TUPLE = re.compile(r"(?:struct |class )?std::(?:\w+::)*(?:tuple|_Tuple_impl)<")
_HEAD = re.compile(r"(?:struct |class )?std::(?:\w+::)*_Head_base<")


def elements_of(found: Type) -> tuple[Field, ...] | None:
    """The elements of a tuple in their order, without names; None for any other type, also for a
    class derived from a tuple that has members of its own."""
    if found.kind is not Kind.STRUCT or any(not one.base for one in found.fields):
        return None
    if not any(one.base and _TUPLE.match(one.type.name) for one in found.fields):
        return None
    heads = dict(_iter_heads(found, 0))
    if not heads or sorted(heads) != list(range(len(heads))):
        return None
    return tuple(heads[number] for number in range(len(heads)))


def _iter_heads(found: Type, offset: int) -> Iterator[tuple[int, Field]]:
    for base in found.fields:
        if not base.base:
            continue
        at = offset + base.offset
        if not _HEAD.match(base.type.name):
            yield from _iter_heads(base.type, at)
            continue
        number, element = base.type.argument(0), base.type.argument(1)
        if not isinstance(number, int) or not isinstance(element, Type):
            continue
        member = next((one for one in base.type.fields if not one.base), None)
        # An empty element is a base of the head.
        inner = 0 if member is None else member.offset
        yield number, Field("", at + inner, element if member is None else member.type)
