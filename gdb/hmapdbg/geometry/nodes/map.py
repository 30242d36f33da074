"""An opened map over lists of nodes: a family provides its Header, a NodeLayout, where the list
begins and, where it is known, the hash function.

    U3  a cell points to a node of the list, or to the list's head, and a node follows it; no two
        cells point to one node
    U4  all nodes are on one list: each link leads to a node, no node occurs twice, and the list
        ends once
    U5  a node's hash code, modulo the number of buckets, is its bucket; checked if the code is
        stored, or the hash is std::hash of a number that is its own code
    U7  a code that is stored is that of its key; checked for such numbers

The others are the families': what the header shows.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Protocol, Union

import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Block, Cells, Chain, Place, Problem
from ...header import Header
from ...languages import read_counted_string
from ...layout import StructLayout
from ...target import MemoryFault, Target, Type
from ..columns import Mask, Raw, pointer_column
from ..problems import Told
from .layout import NodeLayout, Seen
from .walk import NodeWalk

MAX_STRING = 1 << 20

Codes = NDArray[np.uint64]


class Hashing(Protocol):
    """What is known of a hash function."""

    @property
    def key(self) -> Type:
        """The type of its keys."""

    @property
    def keys_are_codes(self) -> bool:
        """Whether keys are numbers that are their own codes: then `codes` knows them."""

    @property
    def is_certain(self) -> bool:
        """Whether they need no proof by an entry."""

    def codes(self, keys: Raw) -> Codes:
        """The hash codes of keys (n, size)."""

    def code_of(self, key: bytes) -> int | None:
        """The code of a key, as Map.place_of has it; None if it is not known."""


class NodeMap:
    """See families.family.Map. head_at: the address of the list's first link; ends: the address
    range of the table itself. A map without buckets has no array."""

    def __init__(
        self,
        target: Target,
        header: Header,
        layout: NodeLayout,
        head_at: int,
        ends: tuple[int, int],
        structs: Sequence[StructLayout],
        hashing: Hashing | None = None,
    ) -> None:
        self.target = target
        self.header = header
        self.layout = layout
        self.head_at = head_at
        self.ends = ends
        self.structs = structs
        self.hashing = hashing

    # ---- family.Map

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem]]:
        """See family.Map."""
        for item in self._walk(cells, only, evidence=False):
            assert not isinstance(item, Seen)
            yield item

    def audit(self) -> Iterator[Union[Block, Problem]]:
        """U3 to U5, and U7; see family.Map."""
        told = Told()
        for item in self._walk(cells=True, only=None, evidence=True):
            if isinstance(item, Seen):
                yield from self.check_codes(told, item)
            else:
                yield item
        yield from told.iter_cut()

    def check_placement(self) -> Iterator[Problem] | None:
        """See family.Map."""
        known = self.hashing
        if self.layout.code < 0 and (known is None or not known.is_certain):
            return None
        return (one for one in self.audit() if isinstance(one, Problem) and one.invariant == "U5")

    def iter_chains(self, array: str, low: int, high: int) -> Iterator[Chain]:
        """See family.Map."""
        return self._node_walk(evidence=False).iter_chains(low, high)

    def place_of(self, key: bytes) -> Place | None:
        """See family.Map."""
        code = None if self.hashing is None else self.hashing.code_of(key)
        if code is None or not self.header.arrays or not self._is_hash_proved:
            return None
        array = self.header.arrays[0]
        return Place(array.name, code % array.buckets)

    def slot_addresses(self, cells: Cells) -> tuple[Addresses, Addresses]:
        """See family.Map."""
        layout = self.layout
        return cells.address + np.uint64(layout.key), cells.address + np.uint64(layout.elem)

    def layouts(self) -> Sequence[StructLayout]:
        """See family.Map."""
        return self.structs

    def _walk(
        self, cells: bool, only: Place | None, evidence: bool
    ) -> Iterator[Union[Block, Problem, Seen]]:
        if self.header.arrays:
            yield from self._node_walk(evidence).walk(cells, only)

    def _node_walk(self, evidence: bool) -> NodeWalk:
        array = self.header.arrays[0]
        return NodeWalk(self.target, self.layout, array, self.head_at, self.ends, evidence)

    # ---- hash codes

    def check_codes(self, told: Told, seen: Seen) -> Iterator[Problem]:
        """U5 and U7 for nodes; a family's own rule may take its place."""
        layout, own = self.layout, self._own_codes(seen)
        codes, at = own, layout.key
        if layout.code >= 0:
            codes, at = pointer_column(self.target, seen.raw, layout.code), layout.code
        if codes is None:
            return
        places = codes % np.uint64(self.header.arrays[0].buckets)
        misplaced = seen.ok & (places != seen.buckets.astype(np.uint64))
        for row in _told_rows(told, "hash code", misplaced):
            text = (
                f"bucket {int(seen.buckets[row]):,}: node 0x{int(seen.addrs[row]):x} has hash code "
                f"0x{int(codes[row]):x}, which selects bucket {int(places[row]):,}"
            )
            yield Problem(text, int(seen.addrs[row]) + at, "U5")
        if own is None or codes is own:
            return
        for row in _told_rows(told, "key", seen.ok & (codes != own) & ~misplaced):
            text = (
                f"bucket {int(seen.buckets[row]):,}: node 0x{int(seen.addrs[row]):x} has hash code "
                f"0x{int(codes[row]):x}, but that of its key is 0x{int(own[row]):x}"
            )
            yield Problem(text, int(seen.addrs[row]) + layout.key, "U7")

    def _own_codes(self, seen: Seen) -> Codes | None:
        """The codes of nodes by their keys; None if these are not known."""
        known, layout = self.hashing, self.layout
        if known is None or not known.keys_are_codes:
            return None
        if not known.is_certain and not self._is_hash_proved:
            return None
        return known.codes(seen.raw[:, layout.key : layout.key + layout.key_size])

    @functools.cached_property
    def _is_hash_proved(self) -> bool:
        """Whether the first node of the list is in the bucket that its hash selects."""
        layout, array, known = self.layout, self.header.arrays[0], self.hashing
        assert known is not None  # or there is nothing to prove
        width = self.target.pointer_size
        try:
            first = self.target.read_uint(self.head_at)
            if not first:
                return True
            key = self.target.read(first + layout.key, layout.key_size)
            content = read_counted_string(self.target, known.key, key, MAX_STRING)
            code = known.code_of(key if content is None else content)
            if code is None:
                return False
            if layout.code >= 0 and self.target.read_uint(first + layout.code) != code:
                return False
            cell = self.target.read_uint(array.address + code % array.buckets * width)
            return cell == self.head_at
        except MemoryFault:
            return False


def _told_rows(told: Told, kind: str, wrong: Mask) -> list[int]:
    """The rows of which a Problem is told."""
    rows: list[int] = np.flatnonzero(wrong)[: told.room_for(kind, int(wrong.sum()))].tolist()
    return rows
