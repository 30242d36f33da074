"""The arrays of one map that are walked together, and what is known of their overflow buckets."""

from __future__ import annotations

import numpy as np

from ...block import Addresses, Ints, Problem
from ...header import Array
from ...target import Target
from ..address_set import AddressSet
from ..columns import Mask
from ..problems import Told
from .layout import BucketLayout, Marks


class Arrays:
    """The arrays that a walk of bucket chains visits. `old`: the one that growth empties, if any.

    A retired array is walked on its own, as `new`, with its name as `prefix` of its buckets' names:
    its marks are those of a finished array, and not checked."""

    def __init__(
        self,
        target: Target,
        layout: BucketLayout,
        marks: Marks,
        new: Array,
        old: Array | None,
        prefix: str = "",
    ) -> None:
        self.target = target
        self.layout = layout
        self.marks = marks
        self.new = new
        self.old = old
        self.prefix = prefix
        self.met = AddressSet()  # overflow buckets, each with the number of its chain
        self.told = Told()

    def owner_name(self, owner: int) -> str:
        """The chain of that number: the new array's chains come first, then the old one's."""
        if owner < self.new.buckets:
            return f"{self.prefix}bucket {owner:,}"
        return f"old bucket {owner - self.new.buckets:,}"

    # ---- Problems of overflow pointers: `owner` is a chain's number, `at` the pointer's address

    def no_overflow(self, owner: int, link: int, at: int) -> list[Problem]:
        """An overflow pointer that is not valid."""
        text = f"overflow pointer of {self.owner_name(owner)} is 0x{link:x}, not an overflow bucket"
        return self.told.problem("overflow pointer", text, at, "I11")

    def met_again(self, owner: int, link: int, at: int, former: int) -> list[Problem]:
        """An overflow bucket that is already in the chain `former`."""
        name = self.owner_name(owner)
        if former == owner:
            text = f"chain of {name} is a cycle: it returns to 0x{link:x}"
        else:
            text = (
                f"overflow bucket 0x{link:x} is in the chains of {self.owner_name(former)} "
                f"and of {name}"
            )
        return self.told.problem("chain", text, at, "I11")

    def unreadable_overflow(self, owners: Ints, links: Addresses) -> list[Problem]:
        """Overflow buckets (n,) of those chains that cannot be read."""
        problems: list[Problem] = []
        for owner, link in zip(owners.tolist(), links.tolist()):
            text = f"overflow bucket in the chain of {self.owner_name(owner)} cannot be read"
            problems += self.told.problem("unreadable overflow", text, link, "")
        return problems

    # ---- where overflow buckets can be

    def is_no_overflow(self, addrs: Addresses, of: Array) -> Mask:
        """Which addresses cannot be an overflow bucket's in a chain of the array `of`: not aligned,
        in or across a main bucket, across two spare ones, or a spare one of the other array."""
        size = self.layout.size
        wrong: Mask = addrs % np.uint64(self.layout.align) != 0
        for array in (self.new, self.old):
            if array is not None:
                low = max(array.address - size + 1, 0)
                end = array.address + array.buckets * size
                wrong |= (addrs >= np.uint64(low)) & (addrs - np.uint64(low) < np.uint64(end - low))
                spare = self.is_spare(addrs, array)
                if array is of:
                    spare &= (addrs - np.uint64(array.address)) % np.uint64(size) != 0
                wrong |= spare
        return wrong

    def is_spare(self, addrs: Addresses, array: Array) -> Mask:
        """Which addresses are those of preallocated overflow buckets of an array."""
        if array.spare <= 0:
            return np.zeros(len(addrs), np.bool_)
        low = np.uint64(array.address + array.buckets * self.layout.size)
        return (addrs >= low) & (addrs - low < np.uint64(array.spare * self.layout.size))
