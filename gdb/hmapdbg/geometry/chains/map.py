"""An opened map of bucket chains: what all families of this shape share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

from ...block import Addresses, Block, Cells, Chain, Place, Problem
from ...header import Header
from ...target import Target
from .arrays import Arrays
from .layout import BucketLayout, Marks
from .view import iter_chains, slot_addresses
from .walk import BucketWalk


class ChainMap:
    """See families.family.Map. A family sets the attributes and adds `audit` and `layouts`; it
    overrides `place_of` and `check_placement` if it knows the hash function."""

    target: Target
    header: Header
    layout: BucketLayout
    marks: Marks

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem]]:
        """See family.Map."""
        if self.header.arrays:
            yield from BucketWalk(self.walked()).walk(cells, only)

    def iter_chains(self, array: str, low: int, high: int) -> Iterator[Chain]:
        """See family.Map."""
        found = self.header.array(array)
        return iter_chains(self.target, self.layout, self.marks, found, low, high)

    def place_of(self, key: bytes) -> Place | None:
        """See family.Map."""
        return None

    def check_placement(self) -> Iterator[Problem] | None:
        """See family.Map."""
        return None

    def slot_addresses(self, cells: Cells) -> tuple[Addresses, Addresses]:
        """See family.Map."""
        return slot_addresses(self.target, self.layout, cells)

    def walked(self) -> Arrays:
        """The arrays for one walk."""
        header = self.header
        return Arrays(self.target, self.layout, self.marks, header.arrays[0], header.old)
