"""What to follow in a type, determined once per type.

A struct is flattened: the places in it that lead on, each with its offset. A type that reaches no
map is not followed at all.
"""

from __future__ import annotations

import enum
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field, replace

from ..families import family_of
from ..languages import (
    Elements,
    Holder,
    find_elements,
    find_holder,
    find_object,
    is_internal,
)
from ..target import Kind, Target, Type
from .members import InVirtualBase, Members, iter_variants
from .steps import Step, access_step, fields_step, index_step, pointee_step

MAX_DEPTH = 40  # of nested structs
MAX_LEAVES = 10_000


class Way(enum.Enum):
    """How a place leads on."""

    MAP = "map"  # a map's header is there
    POINTER = "pointer"
    ARRAY = "array"
    ELEMENTS = "elements"  # of a language: a container, a slice, a smart pointer
    HOLDER = "holder"  # of a value whose type is known only at run time


@dataclass(frozen=True)
class Leaf:
    """A place in a type that leads on."""

    way: Way
    offset: int
    type: Type  # of what is there: map, pointee, element; of a holder itself
    step: Step
    size: int = 0  # bytes to read there
    count: int = 1  # elements of an array
    elements: Elements | None = None
    holder: Holder | None = None
    in_union: bool = False  # another member of a union may be in use


@dataclass
class Plan:
    """What to follow in a type."""

    type: Type
    key: Hashable
    all_leaves: tuple[Leaf, ...]
    object: Holder | None = None  # of the object that a value may be a part of
    leaves: tuple[Leaf, ...] | None = field(default=None)  # those that may lead to a map

    @property
    def span(self) -> int:
        """Bytes to read, from the start."""
        least = 0 if self.object is None else self.object.size
        ends = (one.offset + one.size for one in self.leaves or () if one.size)
        return max(max(ends, default=0), least)

    @property
    def ends(self) -> bool:
        """Whether a value may hold a map, or lead to anything."""
        return self.object is not None or any(_ends(one) for one in self.all_leaves)


class Plans:
    """The plans of a target's types."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._plans: dict[Hashable, Plan] = {}
        self._reaches: dict[Hashable, bool] = {}
        self._keys: dict[int, tuple[Type, Hashable]] = {}

    def of(self, found: Type) -> Plan | None:
        """What to follow in values of the type; None if it reaches no map."""
        plan = self._plan(found)
        if not self._may_reach(plan):
            return None
        if plan.leaves is None:
            plan.leaves = tuple(
                one
                for one in plan.all_leaves
                if _ends(one) or self._may_reach(self._plan(one.type))
            )
        return plan

    def _plan(self, found: Type) -> Plan:
        key = self._key(found)
        if key not in self._plans:
            leaves = tuple(_iter_leaves(found, 0, Members(), 0))[:MAX_LEAVES]
            whole = find_object(found, self._target.pointer_size)
            self._plans[key] = Plan(found, key, leaves, whole)
        return self._plans[key]

    def _key(self, found: Type) -> Hashable:
        known = self._keys.get(id(found))
        if known is None:
            known = found, type_key(found)
            self._keys[id(found)] = known  # keeps the type, so that its id is not reused
        return known[1]

    def _may_reach(self, start: Plan) -> bool:
        """Whether a map can be reached: breadth first over the types, up to the first one that is
        known to. If there is none, none of those seen can."""
        if start.key in self._reaches:
            return self._reaches[start.key]
        came_from: dict[Hashable, Hashable] = {start.key: None}
        queue = [start]
        for plan in queue:
            if self._reaches.get(plan.key) or plan.ends:
                at: Hashable = plan.key
                while at is not None:
                    self._reaches[at] = True
                    at = came_from[at]
                return True
            if plan.key in self._reaches:
                continue
            for one in plan.all_leaves:
                following = self._plan(one.type)
                if following.key not in came_from:
                    came_from[following.key] = plan.key
                    queue.append(following)
        for key in came_from:
            self._reaches[key] = False
        return False


def _ends(leaf: Leaf) -> bool:
    """Whether a leaf is a map, or may be anything."""
    return leaf.way in (Way.MAP, Way.HOLDER)


def type_key(found: Type, depth: int = 0) -> Hashable:
    """Identifies a type: in C, files may have different structs of one name."""
    if found.kind in (Kind.STRUCT, Kind.UNION):
        if found.identity is not None:
            # A family may show its structs without the members that are its own.
            return found.kind, found.identity, len(found.fields)
        members = tuple((one.name, one.offset, one.type.name) for one in found.fields)
        return found.kind, found.name, found.size, members
    is_indirect = found.kind in (Kind.POINTER, Kind.ARRAY) and found.resolve is not None
    if is_indirect and depth < 4:  # Go: type P *P
        return found.kind, found.name, found.size, type_key(found.target, depth + 1)
    return found.kind, found.name, found.size, found.identity


def _iter_leaves(found: Type, offset: int, members: Members, depth: int) -> Iterator[Leaf]:
    """The places of a type at an offset that lead on; `members`: those down to it."""
    step = fields_step(members.names)
    if depth > MAX_DEPTH:
        return
    if found.kind is Kind.POINTER:
        pointee = found.target if found.resolve is not None else None
        if pointee is not None and _is_worth(pointee):
            way = step if found.name.endswith("&") else pointee_step(step)
            yield Leaf(Way.POINTER, offset, pointee, way, found.size)
    elif found.kind is Kind.ARRAY:
        if found.count > 0 and _is_worth(found.target):
            yield Leaf(Way.ARRAY, offset, found.target, index_step(step), 0, found.count)
    elif found.kind in (Kind.STRUCT, Kind.UNION):
        yield from _iter_struct_leaves(found, offset, members, depth)


def _iter_struct_leaves(found: Type, offset: int, members: Members, depth: int) -> Iterator[Leaf]:
    if is_internal(found):
        return
    below = found.fields
    if _is_known(found):
        yield from _iter_known_leaves(found, offset, fields_step(members.names))
        # A class made of a container may have more than that.
        of_base = next((one for one in found.fields if one.base and _is_known(one.type)), None)
        below = tuple(one for one in found.fields if one is not of_base) if of_base else ()
    for member in below:
        if not member.bit_size:
            way = members.into(found, member)
            for leaf in _iter_leaves(member.type, offset + member.offset, way, depth + 1):
                is_doubtful = found.kind is Kind.UNION and leaf.way is Way.MAP
                yield replace(leaf, in_union=True) if is_doubtful else leaf
    for one in iter_variants(found):
        if _is_worth(one.element):
            name = one.variants.members[one.number].name
            step = fields_step((*members.names, name))
            yield Leaf(Way.ELEMENTS, offset, one.element, step, one.size, elements=one)
    for base in found.virtual_bases:
        part = InVirtualBase(base)
        step = fields_step((*members.names, part.step))
        yield Leaf(Way.ELEMENTS, offset, base.type, step, part.size, elements=part)


def _is_known(found: Type) -> bool:
    """Whether a struct is a map, or what a language has for leading on."""
    return found.kind is Kind.STRUCT and (
        family_of(found) is not None
        or find_holder(found) is not None
        or find_elements(found) is not None
    )


def _iter_known_leaves(found: Type, offset: int, step: Step) -> Iterator[Leaf]:
    if found.kind is Kind.STRUCT and family_of(found) is not None:
        yield Leaf(Way.MAP, offset, found, step)
        return
    holder = find_holder(found)
    if holder is not None:
        yield Leaf(Way.HOLDER, offset, found, step, holder.size, holder=holder)
        return
    elements = find_elements(found)
    if elements is not None:
        if _is_worth(elements.element):
            way = access_step(elements.access, step)
            yield Leaf(
                Way.ELEMENTS, offset, elements.element, way, elements.size, elements=elements
            )


def _is_worth(found: Type) -> bool:
    """Whether values of the type can hold anything that leads on: not numbers, text, code."""
    if found.kind is Kind.ARRAY:
        return found.count > 0 and _is_worth(found.target)
    return found.kind in (Kind.STRUCT, Kind.UNION, Kind.POINTER) and found.size > 0
