"""What the slots of a map are: entries themselves, or pointers to them."""

from __future__ import annotations

from ...compat import dataclass
from ...target import Field, Kind, Target, TargetError, Type
from ...target.types import byte_array, pointer_to
from ...languages import short_name
from .layouts import Layout

NOTHING = Type(Kind.OTHER, "", 0)  # the elem of a set
MAX_DEPTH = 8


@dataclass(frozen=True)
class Entry:
    """The entries of a map. Sizes in bytes."""

    slot: int
    size: int  # of an entry, which a slot is, or points to
    align: int  # of a slot, as its type tells
    is_node: bool  # slots are pointers
    is_map: bool
    key: Field  # in an entry
    elem: Field
    notes: tuple[str, ...]


def find_entry(target: Target, layout: Layout, expression: str) -> Entry:
    """The entries of a map. TargetError if debug info lacks them."""
    slot = _slot_type(target, layout)
    if slot is None or not slot.size:
        raise TargetError(
            f"no debug info for the slots of '{expression}': build the part that uses the map with "
            "-g, with clang also -fstandalone-debug"
        )
    first, second = _arguments(layout)
    is_node = slot.kind is Kind.POINTER and (
        second is not None or first is None or _pointers(slot) > _pointers(first)
    )
    value = slot.target if is_node else slot
    if value.kind is Kind.UNION:
        inner = value.find("value")
        value = value if inner is None else inner.type
    notes: list[str] = []
    # Of a set, the slot's type goes by names that nobody writes.
    held = value if first is None or first.size != value.size else first
    key, elem = Field("key", 0, _completed(held, value.size, notes)), Field("", 0, NOTHING)
    if second is not None:
        one, two = value.find("first"), value.find("second")
        if one is None or two is None:
            raise TargetError(
                f"the entries of '{expression}' are no pairs: see 'ptype {slot.name}'"
            )
        room = two.offset - one.offset
        key = Field("first", one.offset, _completed(one.type, room, notes))
        room = value.size - two.offset
        elem = Field("second", two.offset, _completed(two.type, room, notes))
    return Entry(
        slot=slot.size,
        size=value.size,
        align=target.alignment(slot) or natural_alignment(slot),
        is_node=is_node,
        is_map=second is not None,
        key=key,
        elem=elem,
        notes=tuple(notes),
    )


def _slot_type(target: Target, layout: Layout) -> Type | None:
    """The type of a slot. From 2023 on, the map's pointer to them is one to void."""
    slots = layout.slots
    if slots is not None and slots.type.resolve is not None:
        pointed = slots.type.target
        if pointed.kind is not Kind.OTHER and pointed.size:
            return pointed
    for owner in (layout.raw, layout.policy):
        name = "" if owner is None else (owner.origin or owner).name
        found = target.lookup_type(f"{name}::slot_type") if name else None
        if found is not None:
            return found
    # Optimising, clang leaves out the name; a set's policy has the type itself.
    first, second = _arguments(layout)
    if layout.policy is None or first is None or second is not None:
        return None
    is_node = "NodeHash" in layout.policy.name
    return pointer_to(first, target.pointer_size) if is_node else first


def _arguments(layout: Layout) -> tuple[Type | None, Type | None]:
    """Of the policy: the key, and the elem of a map."""
    if layout.policy is None:
        return None, None
    first, second = layout.policy.argument(0), layout.policy.argument(1)
    return (first if isinstance(first, Type) else None), (
        second if isinstance(second, Type) else None
    )


def _pointers(found: Type) -> int:
    """How many pointers lead to what a type is about."""
    depth = 0
    while found.kind is Kind.POINTER and depth < MAX_DEPTH:
        depth, found = depth + 1, found.target
    return depth


def _completed(found: Type, room: int, notes: list[str]) -> Type:
    """The type under its short name; bytes if debug info only declares it."""
    if not found.size and found.kind in (Kind.STRUCT, Kind.UNION, Kind.OTHER):
        notes.append(
            f"no debug info for '{found.name}', shown as bytes: build with -g, with clang also "
            "-fstandalone-debug, or load the debug info of the library that has it"
        )
        return byte_array(room)
    # Without the const of a key: behind its type, or before one that is no pointer.
    name = short_name(found.name).removesuffix(" const")
    return found.renamed(name if "*" in name else name.removeprefix("const "))


def natural_alignment(found: Type, depth: int = 0) -> int:
    """The alignment of a type without any that it asks for itself.

    >>> natural_alignment(Type(Kind.INTEGER, "int", 4))
    4
    """
    if depth > MAX_DEPTH:
        return 1
    if found.kind is Kind.ARRAY:
        return natural_alignment(found.target, depth + 1)
    if found.kind in (Kind.STRUCT, Kind.UNION):
        inner = [natural_alignment(one.type, depth + 1) for one in found.fields]
        return max(inner, default=1)
    size = max(found.size, 1)
    return min(size & -size, 16)
