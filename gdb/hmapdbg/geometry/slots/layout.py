"""Offsets in a slot, and which slots are used."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Ints
from ...compat import dataclass
from ..columns import Raw

EMPTY, DELETED, LIVE = 0, 1, 2  # states of a slot

# From raw slots (n, size) of an array and the index of the first to the state of each (n,).
States = Callable[[Raw, int], NDArray[np.uint8]]


@dataclass(frozen=True)
class SlotLayout:
    """Offsets and sizes of key and elem in a slot, in bytes, and which slots are used; a set has
    elems of 0 bytes."""

    size: int
    key: int
    key_size: int
    elem: int
    elem_size: int
    states: States
    hash_at: int = -1  # of the byte of the hash that is stored with an entry; -1: none


def used_if_not_zero(offset: int) -> States:
    """A flag of one byte in each slot, not 0 in used slots."""

    def states(raw: Raw, first: int) -> NDArray[np.uint8]:
        return np.where(raw[:, offset] != 0, LIVE, EMPTY).astype(np.uint8)

    return states


@dataclass(frozen=True)
class Seen:
    """Adjacent slots of an array, as they were read."""

    array: str
    numbers: Ints  # (n,) of the slots that were read
    addrs: Addresses  # (n,)
    raw: Raw  # (n, size)
    states: NDArray[np.uint8]  # (n,)
