"""std::shared_ptr<void> and std::weak_ptr<void>: what they own is known by the class of its
counters, of which each library has its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Union

import numpy as np

from ...compat import dataclass
from ...target import Field, Kind, Target, Type
from ..elements import Access
from ..holders import Bytes, Contents, Held, Mask, TellsUnknown, Unknown, Words
from .names import short_name
from .smart import Pointer, owns_anything

# From the name of a class of counters, and the class: the object that lies in it, or the pointer to
# that; None: it is no such class.
FindOwned = Callable[[str, Type], Union[Field, None]]


@dataclass(frozen=True)
class Owner:
    """Such a pointer; see holders.Holder. It holds the object that it owns, which need not be what
    it points to."""

    pointer: Pointer
    find: FindOwned

    access = Access.ASSERTION
    nothing = "0x0"

    @property
    def size(self) -> int:
        """See Holder."""
        return self.pointer.size

    def open(self, target: Target, raw: Bytes, addrs: Words | None = None) -> Contents:
        """See Holder."""
        return _Owned(self, target, raw)


class _Owned(TellsUnknown):
    """n such pointers."""

    def __init__(self, owner: Owner, target: Target, raw: Bytes) -> None:
        kind = owner.pointer
        self._raw = raw
        self._kind = kind
        self.words = target.pointer_column(raw, kind.pointer)
        self.faults = np.zeros(len(raw), np.uint64)
        alive = kind.find(target, np.zeros(len(raw), np.uint64), raw).rows
        self.empty: Mask = np.ones(len(raw), np.bool_)
        self.empty[alive] = False
        self._found: list[Held] = []
        unknown = ~self.empty
        counters = target.pointer_column(raw, kind.counter)
        rows = np.flatnonzero(unknown & (counters != 0))
        data, ok = target.gather(counters[rows], kind.width)
        rows, vtables = rows[ok], target.pointer_column(data[ok])
        for vtable in np.unique(vtables).tolist():
            own = rows[vtables == np.uint64(vtable)]
            held = _object_of(target, owner.find, vtable, counters[own], own)
            if held is not None:
                unknown[held.rows] = False
                self._found.append(held)
        self.unknown = Unknown("std::shared_ptr<void>", unknown)

    def iter_shown(self) -> Iterator[Held]:
        """See holders.Contents. Shown as the pointer."""
        rows = np.flatnonzero(~self.empty)
        if len(rows):
            width, at = self._kind.width, self._kind.pointer
            pointer = Type(Kind.POINTER, "void *", width)
            data = self._raw[rows, at : at + width]
            yield Held(rows, pointer, "", np.zeros(len(rows), np.uint64), data)

    def iter_followed(self) -> Iterator[Held]:
        """See holders.Contents."""
        return iter(self._found)


def _object_of(
    target: Target, find: FindOwned, vtable: int, counters: Words, rows: Words
) -> Held | None:
    """The objects that counters of one class own; None where debug info does not have the class."""
    name, found = target.class_of_vtable(vtable)
    place = None if found is None else find(name, found)
    if place is None:
        return None
    owned, addrs = place.type, counters + np.uint64(place.offset)
    if owned.kind is Kind.POINTER and owned.resolve is not None:
        data, ok = target.gather(addrs, owned.size)
        addrs, rows, owned = target.pointer_column(data[ok]), rows[ok], owned.target
    if owned.size <= 0 or not len(rows):
        return None
    return Held(rows.astype(np.int64), owned, short_name(owned.name), addrs)


def owner(found: Type, pointer: Pointer | None, find: FindOwned) -> Owner | None:
    """A std::shared_ptr or std::weak_ptr of nothing known, of which `pointer` has the members."""
    is_owner = pointer is not None and owns_anything(found, pointer)
    return Owner(pointer, find) if pointer is not None and is_owner else None
