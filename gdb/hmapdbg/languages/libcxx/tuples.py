"""std::tuple of libc++ (<tuple>): its elements are the bases std::__tuple_leaf<NUMBER, TYPE, is
empty> of its one member __base_."""

from __future__ import annotations

from ...target import Field, Kind, Type

_LEAF = "__tuple_leaf<"


def elements_of(found: Type) -> tuple[Field, ...] | None:
    """The elements of a tuple in their order, without names; None for any other type, also for a
    class derived from a tuple."""
    if found.kind is not Kind.STRUCT or [one.name for one in found.fields] != ["__base_"]:
        return None
    base = found.fields[0]
    leaves = [one for one in base.type.fields if one.base and _LEAF in one.type.name]
    if not leaves:
        return None
    heads: dict[int, Field] = {}
    for leaf in leaves:
        number, element = leaf.type.argument(0), leaf.type.argument(1)
        if not isinstance(number, int) or not isinstance(element, Type):
            return None
        member = next((one for one in leaf.type.fields if not one.base), None)
        # An empty element is a base of the leaf.
        inner = 0 if member is None else member.offset
        found_type = element if member is None else member.type
        heads[number] = Field("", base.offset + leaf.offset + inner, found_type)
    if sorted(heads) != list(range(len(heads))):
        return None
    return tuple(heads[number] for number in range(len(heads)))
