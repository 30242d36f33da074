"""What maps of all geometries have in common, once the places of keys and elems are known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from ...block import found_entries
from ...compat import dataclass
from ...header import Growth
from ...target import Kind, Target, Type
from ..family import Map
from ..retyped import retyped
from .definition import Expression
from .evaluation import spot_of
from .members import Part, find_part
from .reading import Subject

NOTHING = Type(Kind.OTHER, "", 0)  # the elem of a set
COMPARED = (Kind.INTEGER, Kind.ENUM, Kind.BOOLEAN, Kind.STRUCT, Kind.ARRAY)


@dataclass(frozen=True)
class Parts:
    """Keys and elems."""

    key: Part
    elem: Part

    @property
    def compares_bytes(self) -> bool:
        """Whether keys with equal bytes are equal, and are seen as they are stored."""
        is_plain = self.key.counted is None and self.key.reading is None
        return is_plain and self.key.type.kind in COMPARED


def parts_of(
    subject: Subject, owner: Type, behind: Callable[[], int], without: tuple[Expression | None, ...]
) -> Parts:
    """Keys and elems of nodes or slots of type `owner`, which has `behind` bytes. If the definition
    says nothing of elems, they are all of `owner` but the members `without`. DefinitionError,
    TargetError."""
    definition = subject.definition
    key_type = elem_type = None
    if definition.named is not None:
        name = subject.own_name(definition.named.member)
        key_type, elem_type = definition.named.types.get(name, (None, None))
    key = find_part(subject, definition.key, owner, behind, key_type)
    if definition.is_set:
        return Parts(key, Part(0, NOTHING))
    if definition.elem is not None:
        return Parts(key, find_part(subject, definition.elem, owner, behind, elem_type))
    links = {spot_of(owner, one.node).offset for one in without if one is not None}
    fields = tuple(
        one
        for one in owner.fields
        if not any(one.offset <= at < one.offset + max(one.type.size, 1) for at in links)
    )
    shown = replace(owner, fields=fields, origin=owner.origin or owner)
    return Parts(key, Part(0, shown if fields else owner))


def finished(target: Target, opened: Map, parts: Parts) -> Map:
    """The map with its pointers read as the definition says."""
    key, elem = parts.key.reading, parts.elem.reading
    return opened if key is None and elem is None else retyped(target, opened, key, elem)


def counted(make: Callable[[int], Map], known: int | None) -> Map:
    """The map with the number of its entries, which a walk finds if it does not count them."""
    if known is not None:
        return make(known)
    return make(found_entries(make(0).walk(cells=False)))


def growth_of(subject: Subject, grows_at: int, moved: int = 0) -> Growth | None:
    """How the map grows, as far as the definition tells; `moved`: old buckets below it have
    been."""
    definition = subject.definition
    if definition.old is None and definition.grows_at is None:
        return None
    return Growth(nevacuate=moved, above=grows_at or None)


def size_for(live: int, buckets: int, grows_at: int, size: int) -> int:
    """Bytes of the array of a map made for so many entries, if one of `buckets` buckets and `size`
    bytes grows at `grows_at` entries, and doubles; 0 for that: unknown, so as many as it has."""
    if grows_at <= 0 or not buckets:
        return size
    wanted = live * buckets / grows_at
    count = 1 << max(math.ceil(math.log2(wanted)) if wanted > 1 else 0, 0)
    return min(count * (size // buckets), size) if count < buckets else size
