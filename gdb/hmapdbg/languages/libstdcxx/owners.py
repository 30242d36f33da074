"""std::shared_ptr<void> and std::weak_ptr<void>: what they own is known by the class of its
counters (bits/shared_ptr_base.h):

    _Sp_counted_ptr_inplace<T, …>   made with the object, which lies in it (make_shared)
    _Sp_counted_ptr<T *, …>         points to the object
    _Sp_counted_deleter<T *, …>     points to the object, and has a deleter
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...compat import dataclass
from ...target import Field, Kind, Target, Type
from ..cxx.smart import Pointer, owns_anything
from ..elements import Access
from ..holders import Bytes, Contents, Held, Mask, TellsUnknown, Unknown, Words
from ..cxx.names import short_name
from .smart import counted

_INPLACE = "_Sp_counted_ptr_inplace<"
_POINTING = ("_Sp_counted_ptr<", "_Sp_counted_deleter<")


@dataclass(frozen=True)
class Owner:
    """Such a pointer; see holders.Holder. It holds the object that it owns, which need not be what
    it points to."""

    pointer: Pointer

    access = Access.ASSERTION
    nothing = "0x0"

    @property
    def size(self) -> int:
        """See Holder."""
        return self.pointer.size

    def open(self, target: Target, raw: Bytes, addrs: Words | None = None) -> Contents:
        """See Holder."""
        return _Owned(self.pointer, target, raw)


class _Owned(TellsUnknown):
    """n such pointers."""

    def __init__(self, kind: Pointer, target: Target, raw: Bytes) -> None:
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
            held = _object_of(target, vtable, counters[own], own)
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


def _object_of(target: Target, vtable: int, counters: Words, rows: Words) -> Held | None:
    """The objects that counters of one class own; None where debug info does not have the class."""
    name, found = target.class_of_vtable(vtable)
    owned = None if found is None else found.argument(0)
    if found is None or not isinstance(owned, Type):
        return None
    inner = found.find("_M_impl") or Field("", 0, found)
    place = inner.type.find("_M_storage" if _INPLACE in name else "_M_ptr")
    if place is None:
        return None
    addrs = counters + np.uint64(inner.offset + place.offset)
    if any(one in name for one in _POINTING):
        if owned.kind is not Kind.POINTER or owned.resolve is None:
            return None
        owned = owned.target
        data, ok = target.gather(addrs, place.type.size)
        addrs, rows = target.pointer_column(data[ok]), rows[ok]
    elif _INPLACE not in name:
        return None
    if owned.size <= 0 or not len(rows):
        return None
    return Held(rows.astype(np.int64), owned, short_name(owned.name), addrs)


def recognise(found: Type) -> Owner | None:
    """A struct as such a pointer; None for any other type."""
    pointer = counted(found)
    return Owner(pointer) if pointer is not None and owns_anything(found, pointer) else None
