"""QString, QByteArray, QStringView, QList: a pointer to the first element and their number, beside
the shared block that they lie in (qarraydatapointer.h)."""

from __future__ import annotations

import numpy as np

from ...compat import dataclass
from ...target import Field, Kind, Memory, Type
from ..elements import Access, Bytes, CountedElements, Places, Words, spread
from ..strings import StringType, WideString, counted_string, points_to_text, text_unit

SHARED = ("d", "ptr", "size")  # of QArrayDataPointer
VIEW = ("m_size", "m_data")  # of QStringView and its kind, in any order
MAX_LENGTH = 1 << 40  # elements; more are garbage


@dataclass(frozen=True)
class List(CountedElements):
    """A QList; see Elements."""

    element: Type
    size: int
    pointer: Field
    length: Field

    noun = "QList"
    access = Access.INDEX

    def find(self, memory: Memory, _addrs: Words, raw: Bytes) -> Places:
        """See Elements."""
        starts, lengths = self._words(memory, raw)
        sane = (starts > 0) & (lengths < MAX_LENGTH)
        counts = np.where(sane, lengths, 0).astype(np.int64)
        return spread(starts, counts, self.element.size)


def find_string(found: Type) -> StringType | None:
    """A struct as text: UTF-16 in a QString, bytes in a QByteArray."""
    pointer, length = _parts(found)
    if pointer is None or not points_to_text(pointer.type):
        return None
    string = counted_string(found, pointer, length)
    unit = text_unit(pointer.type)
    return WideString(string, unit) if string is not None and unit > 1 else string


def find_list(found: Type) -> List | None:
    """A struct as a QList of anything but letters."""
    pointer, length = _parts(found)
    # Anything may have members of the names that a view's have.
    if pointer is None or length is None or found.find("d") is None:
        return None
    if points_to_text(pointer.type):
        return None
    if pointer.type.kind is not Kind.POINTER or pointer.type.resolve is None:
        return None
    return List(pointer.type.target, found.size, pointer, length)


def _parts(found: Type) -> tuple[Field | None, Field | None]:
    """The pointer to the first element, and the number of elements; None, None: it is neither."""
    if found.kind is not Kind.STRUCT or len(found.fields) > len(SHARED):
        return None, None
    names = {one.name for one in found.fields if not one.base}
    if names == set(VIEW):
        return _as_pointer(found.find("m_data")), found.find("m_size")
    holder = found.find("d") if names == {"d"} else None
    if holder is None or holder.type.kind is not Kind.STRUCT:
        return None, None
    if {one.name for one in holder.type.fields} != set(SHARED):
        return None, None
    inner = (holder.type.find(name) for name in SHARED[1:])
    pointer, length = (None if one is None else one.moved(one.name, holder.offset) for one in inner)
    return pointer, length


def _as_pointer(field: Field | None) -> Field | None:
    return field if field is not None and field.type.kind is Kind.POINTER else None
