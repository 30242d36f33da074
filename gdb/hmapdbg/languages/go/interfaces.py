"""Go's interfaces: two words, the type and the value (runtime/runtime2.go eface and iface).

The first leads to the type's descriptor, through an itab if the interface has methods; the second
points to the value, or is the value itself if that is one pointer.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...compat import dataclass
from ...target import Field, Kind, Target, Type
from ..elements import Access
from ..holders import Bytes, Contents, Held, Ints, Mask, Words
from .declared import DeclaredTypes
from .described import DescribedTypes
from .descriptors import Descriptors


def is_interface(found: Type) -> bool:
    """Whether values of a type are interfaces."""
    return find_interface(found) is not None


def find_interface(found: Type) -> Interface | None:
    """A type as an Interface; None for any other type."""
    if found.kind is not Kind.STRUCT or len(found.fields) != 2:
        return None
    first, second = found.fields
    if (first.name, second.name) not in (("_type", "data"), ("tab", "data")):
        return None
    for word in (first, second):
        if word.type.kind is not Kind.POINTER or 2 * word.type.size != found.size:
            return None
    return Interface(first, second)


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface type; see holders.Holder."""

    first: Field
    second: Field

    @property
    def size(self) -> int:
        """See Holder."""
        return 2 * self.first.type.size

    @property
    def access(self) -> Access:
        """See Holder."""
        return Access.ASSERTION

    @property
    def nothing(self) -> str:
        """See Holder."""
        return "nil"

    def open(self, target: Target, raw: Bytes, addrs: Words | None = None) -> Contents:
        """See Holder."""
        return _Interfaces(self, target, raw, addrs)


class _Interfaces:
    """n interfaces of one type."""

    def __init__(self, kind: Interface, target: Target, raw: Bytes, addrs: Words | None) -> None:
        self._kind = kind
        self._target = target
        self._raw = raw
        self._addrs = addrs
        self._first = target.pointer_column(raw, kind.first.offset)
        self.words = target.pointer_column(raw, kind.second.offset)
        self._types, known = self._first, np.ones(len(raw), np.bool_)
        if kind.first.name == "tab":
            self._types, known = _types_of_itabs(target, self._first)
        self.empty: Mask = known & (self._types == 0)
        self.faults = np.where(known, np.uint64(0), self._first)

    def iter_shown(self) -> Iterator[Held]:
        """See holders.Contents."""
        descriptors = self._target.kept(Descriptors)
        types = self._target.kept(DescribedTypes)
        for rows, descriptor in self._iter_groups():
            found = types.of(descriptor)
            if found is not None:
                direct = descriptors.at(descriptor).direct
                yield self._held(rows, found, "", direct)

    def iter_followed(self) -> Iterator[Held]:
        """See holders.Contents."""
        types = self._target.kept(DeclaredTypes)
        for rows, descriptor in self._iter_groups():
            found = types.of(descriptor)
            if found is not None:
                yield self._held(rows, found.type, found.name, found.direct)

    def _iter_groups(self) -> Iterator[tuple[Ints, int]]:
        """The interfaces with the same first word, and the descriptor of their type."""
        there = ~self.empty & (self.faults == 0)
        for word in np.unique(self._first[there]).tolist():
            rows = np.flatnonzero(there & (self._first == np.uint64(word)))
            yield rows, int(self._types[rows[0]])

    def _held(self, rows: Ints, found: Type, name: str, direct: bool) -> Held:
        if not direct:
            return Held(rows, found, name, self.words[rows])
        at = self._kind.second.offset
        if self._addrs is None:
            addrs = np.zeros(len(rows), np.uint64)
        else:
            addrs = self._addrs[rows] + np.uint64(at)
        return Held(rows, found, name, addrs, self._raw[rows, at : at + found.size])


def _types_of_itabs(target: Target, itabs: Words) -> tuple[Words, Mask]:
    """The descriptors in itabs (n,), 0 for nil; and which could be read."""
    out = np.zeros(len(itabs), np.uint64)
    ok = itabs == 0
    there = np.flatnonzero(~ok)
    member = target.kept(Descriptors).type_in_itab()
    if member is None or len(there) == 0:
        return out, ok
    rows, readable = target.gather(itabs[there] + np.uint64(member.offset), target.pointer_size)
    out[there] = target.pointer_column(rows)
    ok[there] = readable
    return out, ok
