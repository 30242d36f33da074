"""Members of libc++ that share their room with an empty one, such as an allocator.

Up to version 19 both are halves of a std::__compressed_pair, each in a base of its own
(__compressed_pair_elem), an empty one as a base of that; since 20 they are members of the struct
itself, at times of an anonymous one. Both versions use some names, for a pair or for its half.
"""

from __future__ import annotations

from ...target import Field, Type

HALF = "__compressed_pair_elem<"


def part(found: Type, *names: str, half: int = 0) -> Field | None:
    """The first of those members that a struct has, or that half of it, if it is a pair."""
    member = next((one for one in map(found.find, names) if one is not None), None)
    if member is None or not is_pair(member.type):
        return member
    return half_of(member, half)


def is_pair(found: Type) -> bool:
    """Whether a type is a std::__compressed_pair."""
    return bool(found.fields) and all(one.base and HALF in one.type.name for one in found.fields)


def half_of(pair: Field, number: int) -> Field | None:
    """A half of a pair, with its offset in the struct that has the pair."""
    halves = [one for one in pair.type.fields if one.base]
    if number >= len(halves):
        return None
    base = halves[number]
    own = next((one for one in base.type.fields if not one.base and one.name), None)
    inner = own or next((one for one in base.type.fields if one.base), None)
    if inner is None:
        return None
    return Field(pair.name, pair.offset + base.offset + inner.offset, inner.type)
