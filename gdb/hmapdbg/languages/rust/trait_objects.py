"""Pointers to values of a type known only at run time: Box<dyn Trait>, &dyn Trait, Rc<dyn Trait>.

They have two words: the address of the value, and that of the table of its type's functions, which
begins with its destructor, its size and its alignment (rustc_codegen_ssa/src/meth.rs).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from ...compat import dataclass
from ...target import Field, Kind, Target, Type
from ..elements import Access
from ..holders import Bytes, Contents, Held, Mask, TellsUnknown, Unknown, Words
from .names import full_name, short_name

ALIGNMENT = 2  # the word of the table that has it
MAX_ALIGNMENT = 1 << 20
MAX_DEPTH = 8
_OF_LIBRARY = re.compile(r"drop_in_place(?:::)?<(?:std|core|alloc)(?:\[\w+\])?::[\w:]+>")


@dataclass(frozen=True)
class TraitObject:
    """Such a pointer; see holders.Holder. `before`: bytes of what the value is the last part of,
    such as an Rc's counts."""

    type: Type
    size: int
    pointer: Field
    table: Field
    before: int

    access = Access.ASSERTION
    nothing = "null"

    def open(self, target: Target, raw: Bytes, addrs: Words | None = None) -> Contents:
        """See Holder."""
        return _TraitObjects(self, target, raw)


class _TraitObjects(TellsUnknown):
    """n such pointers, of one type."""

    def __init__(self, kind: TraitObject, target: Target, raw: Bytes) -> None:
        self._target = target
        self.words = target.pointer_column(raw, kind.pointer.offset)
        self._tables = target.pointer_column(raw, kind.table.offset)
        self.empty: Mask = (self.words == 0) | (self._tables == 0)
        self.faults = np.zeros(len(raw), np.uint64)
        self._types: list[tuple[int, Type, int]] = []
        unknown = np.zeros(len(raw), np.bool_)
        for table in np.unique(self._tables[~self.empty]).tolist():
            found = target.type_of_trait_object(kind.type, table) or _dropped(target, table)
            if found is not None:
                self._types.append((table, found, _distance(target, kind.before, table)))
            elif _may_own(target, table):
                unknown |= self._tables == np.uint64(table)
        self.unknown = Unknown("trait objects", unknown & ~self.empty)

    def iter_shown(self) -> Iterator[Held]:
        """See holders.Contents."""
        for table, found, distance in self._types:
            rows = np.flatnonzero((self._tables == np.uint64(table)) & ~self.empty)
            if len(rows):
                yield Held(
                    rows, found, short_name(found.name), self.words[rows] + np.uint64(distance)
                )

    iter_followed = iter_shown


def _words(target: Target, table: int) -> tuple[int, int, int]:
    """The destructor, the size and the alignment in a table; zeros where it cannot be read."""
    width = target.pointer_size
    if table % width or not target.is_readable(table, 3 * width):
        return 0, 0, 0
    return (
        target.read_uint(table),
        target.read_uint(table + width),
        target.read_uint(table + ALIGNMENT * width),
    )


def _dropped(target: Target, table: int) -> Type | None:
    """The type that the destructor in a table is made for, drop_in_place<T>. Compilers may have
    made one of several that do the same: the size must be the type's."""
    drop, size, _ = _words(target, table)
    found = target.argument_of_function(drop, "T") if drop else None
    return found if found is not None and found.size == size else None


def _may_own(target: Target, table: int) -> bool:
    """Whether values with that table may own a map: those that need no destructor do not, nor
    those of the library's own types."""
    drop, _, _ = _words(target, table)
    return drop != 0 and _OF_LIBRARY.search(target.symbol_at(drop)) is None


def _distance(target: Target, before: int, table: int) -> int:
    """From where the pointer leads to the value, which is aligned as its type needs it."""
    if not before:
        return 0
    alignment = _words(target, table)[2]
    sound = 0 < alignment <= MAX_ALIGNMENT and alignment & (alignment - 1) == 0
    return (before + alignment - 1) & -alignment if sound else before


def recognise(found: Type) -> TraitObject | None:
    """A struct as such a pointer; None for any other type."""
    if {one.name for one in found.fields} != {"pointer", "vtable"} or "dyn " not in found.name:
        return None
    pointer, table = found.find("pointer"), found.find("vtable")
    assert pointer is not None and table is not None  # see above
    if pointer.type.kind is not Kind.POINTER or table.type.kind is not Kind.POINTER:
        return None
    pointee = None if pointer.type.resolve is None else pointer.type.target
    return TraitObject(found, found.size, pointer, table, _bytes_before(pointee))


def _bytes_before(found: Type | None) -> int:
    """What of a struct comes before the value of unknown type that is its last part."""
    before = 0
    for _ in range(MAX_DEPTH):
        if found is None or not found.fields or full_name(found).startswith("dyn "):
            return before
        last = max(found.fields, key=lambda one: one.offset)
        before, found = before + last.offset, last.type
    return before
