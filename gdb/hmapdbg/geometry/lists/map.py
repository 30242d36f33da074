"""An opened map over lists: a family provides its Header, a ListLayout and how the stored hash
selects a bucket.

    L1  the number of entries that the map counts is that of its nodes
    L3  each link leads to a node, and the lists end
    L4  a node is on one list, once
    L5  the stored hash of a node, or its key's where that is known, selects its bucket
    L6  no key is there twice (for key types where equal bytes are equal keys)
    L7  of an array that growth empties, the buckets that are evacuated are empty

The others are the families': what the header shows.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, Union

import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Block, Cells, Chain, Column, Ints, Place, Problem
from ...header import Array, Header, Role
from ...layout import StructLayout
from ...target import Target
from ..columns import Identities, KeySet, Mask
from ..problems import Told
from .layout import ListLayout, Seen, Segments
from .walk import ListWalk

# The buckets of an array that stored hash codes select (n,).
BucketOf = Callable[[Addresses, Array], Addresses]
Codes = NDArray[np.uint64]

SAMPLE = 64  # entries that tell which hash function it is


class Hashing(Protocol):
    """A hash function of the keys of a map whose nodes have no hash codes."""

    def codes(self, keys: Column) -> tuple[Codes, Mask]:
        """The hash codes of keys (n,), and which are known."""

    def code_of(self, key: bytes) -> int | None:
        """The code of a key, as Map.place_of has it; None if it is not known."""

    def places(self, codes: Codes) -> Codes:
        """The buckets that codes (n,) select."""


# From some entries, by their keys and buckets (n,), to the hash function; None: unknown.
FindHashing = Callable[[Column, Ints], Union[Hashing, None]]


class ListMap:
    """See families.family.Map. `bucket_of`: None if no hash code is stored; `identities`: None if
    which keys are equal is unknown; `find_hashing` is asked only when it is needed, for a map with
    one array; `check_more`: invariants of the family's own, for an audit; `segments`: of arrays
    that are not in one piece, by name; `counts`: whether the map counts its entries."""

    def __init__(
        self,
        target: Target,
        header: Header,
        layout: ListLayout,
        structs: Sequence[StructLayout],
        bucket_of: BucketOf | None = None,
        identities: Identities | None = None,
        find_hashing: FindHashing | None = None,
        check_more: Callable[[], Iterator[Problem]] | None = None,
        segments: Mapping[str, Segments] | None = None,
        counts: bool = True,
    ) -> None:
        self.target = target
        self.header = header
        self.layout = layout
        self.structs = structs
        self.bucket_of = bucket_of
        self.identities = identities
        self._find_hashing = find_hashing
        self._check_more = check_more
        self.segments = segments or {}
        self.counts = counts

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem]]:
        """See family.Map."""
        for array in self.header.arrays:
            if only is not None and only.array != array.name:
                continue
            for item in self._walk(array, evidence=False).walk(cells, only):
                assert not isinstance(item, Seen)
                yield item

    def audit(self) -> Iterator[Union[Block, Problem]]:
        """L3 to L7; see family.Map."""
        told, nodes, keys = Told(), KeySet(), KeySet()
        for array in self.header.arrays:
            for item in self._walk(array, evidence=True).walk(cells=True):
                if isinstance(item, Seen):
                    nodes.add(item.addrs, item.addrs)
                    yield from self._check_codes(told, item)
                    continue
                yield item
                if isinstance(item, Block) and item.cells is not None and self.identities:
                    numbers, known = self.identities(item.cells.keys)
                    places = self.slot_addresses(item.cells)[0]
                    keys.add(numbers[known], places[known])
        for second in dict.fromkeys(second for _, second in nodes.iter_twice()):
            yield from told.problem("node", "the node is on a list twice", second, "L4")
        for first, second in keys.iter_twice():
            if first != second:
                text = f"the key at 0x{second:x} is also at 0x{first:x}"
                yield from told.problem("key", text, second, "L6")
        yield from told.iter_cut()
        if self._check_more is not None:
            yield from self._check_more()

    def check_placement(self) -> Iterator[Problem] | None:
        """See family.Map."""
        if self.layout.code < 0 and self.hashing is None:
            return None
        return (one for one in self.audit() if isinstance(one, Problem) and one.invariant == "L5")

    def iter_chains(self, array: str, low: int, high: int) -> Iterator[Chain]:
        """See family.Map."""
        return self._walk(self.header.array(array), evidence=False).iter_chains(low, high)

    def place_of(self, key: bytes) -> Place | None:
        """See family.Map."""
        hashing = self.hashing
        code = None if hashing is None else hashing.code_of(key)
        if hashing is None or code is None:
            return None
        bucket = int(hashing.places(np.array([code], np.uint64))[0])
        return Place(self.header.arrays[0].name, bucket)

    def slot_addresses(self, cells: Cells) -> tuple[Addresses, Addresses]:
        """See family.Map."""
        layout, addrs = self.layout, cells.address
        return (
            addrs + np.uint64(layout.key) if layout.keys is None else layout.keys.addresses(addrs),
            addrs + np.uint64(layout.elem)
            if layout.elems is None
            else layout.elems.addresses(addrs),
        )

    def layouts(self) -> Sequence[StructLayout]:
        """See family.Map."""
        return self.structs

    @functools.cached_property
    def hashing(self) -> Hashing | None:
        """The hash function; None: unknown."""
        if self._find_hashing is None or not self.header.arrays:
            return None
        blocks = (one for one in self.walk(cells=True) if isinstance(one, Block))
        cells = next((one.cells for one in blocks if one.cells), None)
        if cells is None:
            return None
        some = cells.take(np.arange(min(len(cells), SAMPLE)))
        return self._find_hashing(some.keys, some.bucket)

    def _walk(self, array: Array, evidence: bool) -> ListWalk:
        growth = self.header.growth
        evacuated = growth.nevacuate if growth is not None and array.role is Role.OLD else 0
        count = max(self.header.count, 0) if self.counts else -1
        segments = self.segments.get(array.name)
        return ListWalk(self.target, self.layout, array, count, evidence, evacuated, segments)

    def _check_codes(self, told: Told, seen: Seen) -> Iterator[Problem]:
        """L5, and nodes of which a part cannot be read."""
        layout, what = self.layout, f"{seen.array.prefix}bucket"
        for at in np.flatnonzero(~seen.ok).tolist():
            text = f"{what} {int(seen.buckets[at]):,}: a node cannot be read"
            yield from told.problem("unreadable", text, int(seen.addrs[at]), "")
        at_code, known = layout.code, seen.ok
        if layout.code >= 0 and self.bucket_of is not None:
            codes = self.target.integer_column(seen.raw, layout.code, layout.code_size)
            places = self.bucket_of(codes.astype(np.uint64), seen.array)
        elif self.hashing is not None:
            at_code = layout.key
            keys = seen.raw[:, layout.key : layout.key + layout.key_size]
            codes, there = self.hashing.codes(Column.read(keys, seen.ok, seen.addrs))
            places, known = self.hashing.places(codes), known & there
        else:
            return
        wrong = known & (places != seen.buckets.astype(np.uint64))
        for at in np.flatnonzero(wrong).tolist():
            text = (
                f"{what} {int(seen.buckets[at]):,}: node 0x{int(seen.addrs[at]):x} has hash "
                f"0x{int(codes[at]):x}, which selects bucket {int(places[at]):,}"
            )
            address = int(seen.addrs[at]) + at_code
            yield from told.problem("hash", text, address, "L5")
