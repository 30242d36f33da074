"""A map of pointers whose types the program does not declare (void *), read as another type: by
what its functions tell, or as the user says.

    a pointer                       the pointer, of that type
    an integer, an enum, a bool     what is stored in place of a pointer (GINT_TO_POINTER)
    anything else                   what the pointer leads to
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol, Union, runtime_checkable

import numpy as np

from ..block import Addresses, Block, Cells, Chain, Column, Link, Place, Problem
from ..compat import dataclass
from ..geometry.columns import box_targets, pointer_column, unboxed
from ..header import Header
from ..layout import StructLayout
from ..target import Kind, Target, TargetError, Type
from .family import Map

_NUMBERS = (Kind.INTEGER, Kind.ENUM, Kind.BOOLEAN)


@runtime_checkable
class Rereads(Protocol):
    """A map whose keys and elems may be stored in less than a pointer, and so have no address."""

    def reread(self, cells: Cells) -> tuple[Column, Column]:
        """The keys and elems of cells, as they are stored."""


@dataclass(frozen=True)
class Reading:
    """How a column of pointers is read. `is_box`: as what they lead to; `is_hashed`: the map's hash
    function is one of such values, and not of the pointers."""

    type: Type
    is_box: bool
    is_hashed: bool = False

    def column(self, target: Target, pointers: Column) -> Column:
        """The values of n pointers (n, pointer size)."""
        size = self.type.size
        if not self.is_box:
            width = pointers.data.shape[1]
            begin = width - size if target.byte_order == "big" else 0
            data = np.ascontiguousarray(pointers.data[:, begin : begin + size])
            return Column(data, pointers.faults, pointers.failed)
        found = unboxed(target, pointers.data, size)
        if pointers.failed is None or pointers.faults is None or not pointers.failed.any():
            return found
        inner = np.zeros(len(found), np.uint64) if found.faults is None else found.faults
        faults = np.where(pointers.failed, pointers.faults, inner)
        return Column(found.data, faults, pointers.failed | ~found.known)


def reading_as(found: Type, pointer_size: int, is_box: bool = False) -> Reading:
    """How pointers are read as values of a type; with `is_box`, as pointers to it whatever it
    is."""
    is_word = not is_box and (
        found.kind is Kind.POINTER or found.kind in _NUMBERS and found.size <= pointer_size
    )
    return Reading(found, not is_word)


def retyped(
    target: Target, opened: Map, key: Reading | None = None, elem: Reading | None = None
) -> Map:
    """The map with its pointers read so; None: as they are. TargetError if they are no pointers."""
    inner = opened.inner if isinstance(opened, Retyped) else opened
    before = (opened.key, opened.elem) if isinstance(opened, Retyped) else (None, None)
    size = target.pointer_size
    given = key, elem
    header = inner.header
    for what, one, own in zip(("key", "elem"), given, (header.key_type, header.elem_type)):
        if one is not None and (own.kind is not Kind.POINTER or own.size != size):
            kind = f"'{own.name}'" if own.name else "none"
            raise TargetError(
                f"the {what}s of '{header.expression}' are {kind}, no pointers: '--{what}-type' is "
                "for maps of void * and the like"
            )
    chosen = [one or known for one, known in zip(given, before)]
    return opened if chosen == [None, None] else Retyped(target, inner, chosen[0], chosen[1])


class Retyped:
    """See families.family.Map."""

    def __init__(
        self, target: Target, inner: Map, key: Reading | None, elem: Reading | None
    ) -> None:
        self.target = target
        self.inner = inner
        self.key = key
        self.elem = elem
        own = inner.header
        self.header: Header = replace(
            own,
            key_type=own.key_type if key is None else key.type,
            elem_type=own.elem_type if elem is None else elem.type,
        )

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem]]:
        """See family.Map."""
        return map(self._block, self.inner.walk(cells, only))

    def audit(self) -> Iterator[Union[Block, Problem]]:
        """See family.Map."""
        return map(self._block, self.inner.audit())

    def check_placement(self) -> Iterator[Problem] | None:
        """See family.Map."""
        found = self.inner.check_placement()
        return None if found is None else iter(found)

    def iter_chains(self, array: str, low: int, high: int) -> Iterator[Chain]:
        """See family.Map."""
        for chain in self.inner.iter_chains(array, low, high):
            yield replace(chain, links=map(self._link, chain.links))

    def place_of(self, key: bytes) -> Place | None:
        """See family.Map."""
        is_known = self.key is None or self.key.is_hashed
        return self.inner.place_of(key) if is_known else None

    def slot_addresses(self, cells: Cells) -> tuple[Addresses, Addresses]:
        """See family.Map."""
        places = list(self.inner.slot_addresses(cells))
        stored = self.inner.reread(cells) if isinstance(self.inner, Rereads) else None
        size = self.target.pointer_size
        for which, reading in enumerate((self.key, self.elem)):
            if reading is None:
                continue
            if reading.is_box:
                if stored is None:
                    places[which] = box_targets(self.target, places[which])
                else:
                    pointers = pointer_column(self.target, stored[which].data)
                    places[which] = np.where(stored[which].known, pointers, np.uint64(0))
            elif reading.type.size < size and self.target.byte_order == "big":
                moved = places[which] + np.uint64(size - reading.type.size)
                places[which] = np.where(places[which] != 0, moved, np.uint64(0))
        return places[0], places[1]

    def layouts(self) -> Sequence[StructLayout]:
        """See family.Map."""
        return self.inner.layouts()

    def _block(self, item: Union[Block, Problem]) -> Union[Block, Problem]:
        if isinstance(item, Problem) or item.cells is None:
            return item
        cells = item.cells
        keys, elems = self._columns(cells.keys, cells.elems)
        return replace(item, cells=replace(cells, keys=keys, elems=elems))

    def _link(self, link: Link) -> Link:
        if link.keys is None or link.elems is None:
            return link
        keys, elems = self._columns(link.keys, link.elems)
        return replace(link, keys=keys, elems=elems)

    def _columns(self, keys: Column, elems: Column) -> tuple[Column, Column]:
        return (
            keys if self.key is None else self.key.column(self.target, keys),
            elems if self.elem is None else self.elem.column(self.target, elems),
        )
