"""Objects of C++ behind pointers to a base class: their class by the vtable (Itanium C++ ABI 2.5).

An object with virtual functions begins with a pointer into the vtable of its class; two words
before that is how far the whole object begins before, or behind, the part that is pointed to.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...compat import dataclass
from ...target import Kind, MemoryFault, Target, Type
from ..elements import Access
from ..holders import Bytes, Contents, Held, Mask, TellsUnknown, Unknown, Words
from ..cxx.names import short_name

MAX_DISTANCE = 1 << 24  # bytes from a part of an object to its beginning
# Of libraries that hold no map of the program's.
_SYSTEM = ("std::", "__gnu_cxx::", "__cxxabiv1::")


@dataclass(frozen=True)
class Object:
    """A class with virtual functions; see holders.Holder. It holds the whole object, if that is
    of another class."""

    type: Type
    size: int  # of a pointer

    access = Access.ASSERTION
    nothing = ""

    def open(self, target: Target, raw: Bytes, addrs: Words | None = None) -> Contents:
        """See Holder."""
        return _Objects(self, target, raw, addrs)


class _Objects(TellsUnknown):
    """n parts of objects, of one class."""

    def __init__(self, kind: Object, target: Target, raw: Bytes, addrs: Words | None) -> None:
        self.words = target.pointer_column(raw)
        self._addrs = np.zeros(len(raw), np.uint64) if addrs is None else addrs
        self.empty: Mask = self._addrs == 0
        self.faults = np.zeros(len(raw), np.uint64)
        unknown = np.zeros(len(raw), np.bool_)
        self._classes: list[tuple[int, Type, int]] = []
        for word in np.unique(self.words).tolist():
            if word == 0 or word % target.pointer_size:
                continue
            name, found = target.class_of_vtable(word)
            if name and found is None and not name.startswith(_SYSTEM):
                unknown |= self.words == np.uint64(word)
            distance = _distance(target, word) if found is not None else None
            if found is None or distance is None:
                continue
            if distance or not found.is_same(kind.type):
                self._classes.append((word, found, distance))
        self.unknown = Unknown("objects of derived classes", unknown & ~self.empty)

    def iter_shown(self) -> Iterator[Held]:
        """See holders.Contents. Objects are shown as the part that was asked for."""
        return iter(())

    def iter_followed(self) -> Iterator[Held]:
        """See holders.Contents."""
        for word, found, distance in self._classes:
            rows = np.flatnonzero((self.words == np.uint64(word)) & ~self.empty)
            if len(rows):
                addrs = (self._addrs[rows].astype(np.int64) + distance).astype(np.uint64)
                yield Held(rows, found, short_name(found.name), addrs)


def recognise(found: Type, pointer_size: int) -> Object | None:
    """A struct as a class with virtual functions; None for any other type."""
    if found.kind is not Kind.STRUCT or found.size < pointer_size:
        return None
    if not any(one.name.startswith("_vptr") for one in found.iter_fields()):
        return None
    return Object(found, pointer_size)


def _distance(target: Target, vtable: int) -> int | None:
    """From a part of an object to its beginning; None where the vtable cannot be read."""
    width = target.pointer_size
    try:
        data = target.read(vtable - 2 * width, width)
    except MemoryFault:
        return None
    distance = int.from_bytes(data, target.byte_order, signed=True)
    return distance if abs(distance) <= MAX_DISTANCE else None
