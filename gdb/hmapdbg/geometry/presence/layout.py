"""Offsets in a bucket, and what its bits mean."""

from __future__ import annotations

import abc
import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Column, Ints
from ...compat import dataclass
from ...target import Target, Type
from ..columns import Mask, Raw, pointer_column


@dataclass(frozen=True)
class BucketLayout:
    """In bytes, and bits counted from the lowest of an integer: in a bucket that is `chained`, the
    last entry is a pointer to its child."""

    size: int
    slots: int
    bits: int  # offset of that integer
    bits_size: int
    chained: int  # bit
    presence: int  # the lowest bit of those of the slots
    hashes: int  # of the bytes, one a slot
    entries: int  # of the pointers
    align: int  # of a child's address

    def is_chained(self, target: Target, raw: Raw) -> Mask:
        """Which of n buckets (n, size) have a child."""
        found: Mask = self._bits(target, raw) >> np.uint64(self.chained) & np.uint64(1) != 0
        return found

    def present(self, target: Target, raw: Raw) -> Mask:
        """Which slots of n buckets have an entry by their bits (n, slots)."""
        shifts = np.arange(self.presence, self.presence + self.slots).astype(np.uint64)
        found: Mask = self._bits(target, raw)[:, None] >> shifts & np.uint64(1) != 0
        return found

    def pointers(self, target: Target, raw: Raw) -> Addresses:
        """The entries of n buckets (n, slots); of one that is chained, the last is its child."""
        width = target.pointer_size
        rows = raw[:, self.entries : self.entries + self.slots * width].reshape(-1, width)
        return pointer_column(target, rows).reshape(-1, self.slots)

    def _bits(self, target: Target, raw: Raw) -> Addresses:
        return target.integer_column(raw, self.bits, self.bits_size).astype(np.uint64)


class EntryReader(abc.ABC):
    """What the entry pointers of a map lead to; a family derives from it. `key`, `elem`: the types
    of what `values` yields."""

    key: Type
    elem: Type

    @abc.abstractmethod
    def values(
        self, target: Target, pointers: Addresses, slots: Addresses
    ) -> tuple[Column, Column]:
        """The keys and elems of n entries; `slots` (n,): where their pointers are."""

    @abc.abstractmethod
    def places(
        self, target: Target, pointers: Addresses, slots: Addresses
    ) -> tuple[Addresses, Addresses]:
        """Where those are in memory (n,); 0: nowhere as a whole."""


@dataclass(frozen=True)
class Seen:
    """Buckets of a walk, as they were read: n of them."""

    owners: Ints  # (n,) the bucket of the array that each is in the chain of
    addrs: Addresses  # (n,)
    raw: NDArray[np.uint8]  # (n, size)
    levels: Ints  # (n,) their places in their chains
