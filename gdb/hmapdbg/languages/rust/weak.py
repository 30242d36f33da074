"""Rc's and Arc's Weak: it leads to a value only while others own that."""

from __future__ import annotations

import re

import numpy as np

from ...compat import dataclass
from ...target import Field, Kind, Memory, Type
from ..elements import Access, Bytes, Places, Words
from .members import unwrapped
from .names import full_name

_WEAK = re.compile(r"alloc::(?:rc|sync)::Weak<")
_VALUES = ("value", "data")  # of what an Rc, and an Arc, point to


@dataclass(frozen=True)
class Weak:
    """See elements.Elements."""

    element: Type
    size: int
    pointer: Field
    owners: Field  # their number, in what the pointer leads to
    value: int  # offset there

    noun = "Weak"
    access = Access.POINTEE

    def find(self, memory: Memory, _addrs: Words, raw: Bytes) -> Places:
        """See Elements. One that was made without a value has an address that is none."""
        pointers = memory.pointer_column(raw, self.pointer.offset)
        dangling = np.uint64(memory.address_limit - 1)
        rows = np.flatnonzero((pointers != 0) & (pointers != dangling))
        data, ok = memory.gather(
            pointers[rows] + np.uint64(self.owners.offset), memory.pointer_size
        )
        rows = rows[ok & (memory.pointer_column(data) > 0)]
        places = pointers[rows] + np.uint64(self.value)
        return Places(places, rows, np.zeros(len(rows), np.int64))

    def locate(self, memory: Memory, addr: int, raw: Bytes, number: int) -> int | None:
        """See Elements."""
        places = self.find(memory, np.array([addr], np.uint64), raw)
        return int(places.addrs[0]) if len(places.addrs) and number == 0 else None


def recognise(found: Type) -> Weak | None:
    """A struct as a Weak; None for any other type."""
    if not _WEAK.match(full_name(found)):
        return None
    whole = found.find("ptr")
    pointer = None if whole is None else unwrapped(whole)
    if pointer is None or pointer.type.resolve is None:
        return None
    inner = pointer.type.target
    strong = inner.find("strong")
    owners = None if strong is None else unwrapped(strong, Kind.INTEGER)
    value = next((one for one in map(inner.find, _VALUES) if one is not None), None)
    if owners is None or value is None:
        return None
    return Weak(value.type, found.size, pointer, owners, value.offset)
