"""The keys and elems of nodes and slots, as a definition says where they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ...compat import dataclass
from ...geometry.counted_texts import CountedTexts
from ...languages.c import counted_text
from ...target import Kind, Target, Type
from ...target.types import array_of, byte_array
from ..retyped import Reading, reading_as
from .definition import PartRule, Text
from .evaluation import spot_of
from .reading import Subject

MAX_SIZE = 1 << 20  # bytes of a key or elem


@dataclass(frozen=True)
class Part:
    """Keys or elems: their place in a node or slot, and their type; or `counted`, a text; with
    `reading`, what the pointers there are read as. `base` and `stride`: of an array of their own,
    0: they are in the nodes or slots."""

    offset: int
    type: Type
    counted: CountedTexts | None = None
    reading: Reading | None = None
    base: int = 0
    stride: int = 0

    @property
    def size(self) -> int:
        """Bytes in a node."""
        return self.type.size


def find_part(
    subject: Subject, rule: PartRule, owner: Type, behind: Callable[[], int], given: Text | None
) -> Part:
    """The keys or elems of nodes of type `owner`, as they are in memory. `behind`: the size of the
    node's own struct; `given`: their type, by the name of the map. DefinitionError, TargetError."""
    target = subject.target
    named = rule.type if given is None else given
    wanted = None if named is None else subject.type_named(named)
    if rule.address is not None:
        base, item = subject.pointer(rule.address)
        is_known = item is not None and item.kind is not Kind.OTHER
        owner = item if is_known and item is not None else wanted or owner
        if not is_known and (wanted is None or rule.is_pointer):
            raise rule.where.error("'address' leads to values of an unknown type: say it by 'type'")
        inner = replace(rule, address=None)
        part = find_part(subject, inner, owner, behind, given)
        return replace(part, base=base, stride=owner.size)
    if rule.offset is not None:
        offset = subject.number(rule.offset, {"node_size": behind()})
        if not 0 <= offset <= MAX_SIZE:
            raise rule.offset.where.error(f"offset {offset:,} is no place in a node")
        return Part(offset, _of_size(subject, rule, wanted))
    if rule.member is None:
        return _cast(Part(0, owner), rule, wanted, target)
    with subject.judging(rule.member):
        spot = spot_of(owner, rule.member.node)
    if rule.length is None:
        return _cast(Part(spot.offset, spot.type), rule, wanted, target)
    with subject.judging(rule.length):
        length = spot_of(owner, rule.length.node)
    if length.type.kind is not Kind.INTEGER or length.type.size not in (1, 2, 4, 8):
        raise rule.length.where.error(f"'{length.type.name}' is no length: it must be an integer")
    if spot.type.kind not in (Kind.POINTER, Kind.ARRAY):
        raise rule.member.where.error(
            f"'{spot.type.name}' is no text: it must be a pointer or an array"
        )
    texts = CountedTexts(
        spot.offset, length.offset, length.type.size, spot.type.kind is Kind.POINTER
    )
    return Part(spot.offset, counted_text(target.pointer_size), texts)


def _of_size(subject: Subject, rule: PartRule, wanted: Type | None) -> Type:
    """The type of what is at an offset, of a size that may be in the map."""
    if rule.size is None:
        assert wanted is not None  # the definition says so
        return wanted
    size = subject.number(rule.size)
    if not 0 <= size <= MAX_SIZE:
        raise subject.unsound(f"'{rule.size.text}' is {size:,}, which is no size of a key or elem")
    if wanted is None:
        return byte_array(size)
    if wanted.size and size > wanted.size and size % wanted.size == 0 and wanted.size == 1:
        return array_of(wanted, size)
    return wanted if wanted.size <= max(size, 1) else byte_array(size)


def _cast(part: Part, rule: PartRule, wanted: Type | None, target: Target) -> Part:
    """A part that is read as another type."""
    if wanted is None:
        return part
    if part.type.kind is Kind.POINTER:
        reading = reading_as(wanted, target.pointer_size, is_box=rule.is_pointer)
        return replace(part, reading=reading)
    if rule.is_pointer:
        raise rule.where.error(f"'{part.type.name}' is no pointer: remove 'pointer'")
    if wanted.size > part.type.size:
        raise rule.where.error(
            f"'{wanted.name}' has {wanted.size:,} bytes, '{part.type.name}' only {part.type.size:,}"
        )
    return replace(part, type=wanted)
