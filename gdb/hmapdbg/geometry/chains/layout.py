"""Offsets in a bucket, and what its tophash bytes mean.

The marks are those of runtime/map.go (go1.23): emptyRest, emptyOne, evacuatedX, evacuatedY,
evacuatedEmpty, then live; the numbers come from the target's debug info.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Ints
from ...compat import dataclass
from ...header import Array
from ..columns import Raw


@dataclass(frozen=True)
class Marks:
    """Tophash bytes that are marks."""

    empty_rest: int = 0
    empty_one: int = 1
    evacuated_x: int = 2
    evacuated_y: int = 3
    evacuated_empty: int = 4
    min_tophash: int = 5

    def name(self, tophash: int) -> str:
        """What a byte means, in the terms of Go's runtime."""
        if tophash >= self.min_tophash:
            return "live"
        return {
            self.empty_rest: "emptyRest",
            self.empty_one: "emptyOne",
            self.evacuated_x: "evacuatedX",
            self.evacuated_y: "evacuatedY",
            self.evacuated_empty: "evacuatedEmpty",
        }[tophash]

    def describe(self, tophash: int) -> str:
        """A byte with its meaning: "tophash 0x2 (evacuatedX)"."""
        return f"tophash 0x{tophash:x} ({self.name(tophash)})"


@dataclass(frozen=True)
class BucketLayout:
    """Offsets and sizes in a bucket, in bytes; a boxed slot holds a pointer to its value."""

    size: int
    tophash: int
    keys: int
    key_slot: int
    elems: int
    elem_slot: int
    overflow: int
    key_size: int
    elem_size: int
    key_boxed: bool
    elem_boxed: bool
    slots: int = 8
    align: int = 1

    @property
    def box_size(self) -> int:
        """Bytes held per entry outside the buckets."""
        return self.key_size * self.key_boxed + self.elem_size * self.elem_boxed


@dataclass(frozen=True)
class Seen:
    """What a walk with `evidence` has read: k successive buckets of n chains of one array."""

    array: Array
    buckets: Ints  # (n,) numbers of the main buckets
    evacuated: NDArray[np.bool_]  # (n,)
    addrs: Addresses  # (n, k)
    raw: Raw  # (n, k, size)
    tophash: Raw  # (n, k, slots)
