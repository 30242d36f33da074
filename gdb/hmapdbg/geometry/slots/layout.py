"""Where things are in an array of slots, and which of them are used."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Ints
from ...compat import dataclass
from ..columns import Raw

EMPTY, DELETED, LIVE = 0, 1, 2  # states of a slot

# From the raw slots (n, size) of an array and the number of the first to the state of each (n,).
States = Callable[[Raw, int], NDArray[np.uint8]]


@dataclass(frozen=True)
class SlotLayout:
    """Where a key and its elem are in a slot, in bytes, and how a slot tells that it is used; an
    elem of 0 bytes is a set's."""

    size: int
    key: int
    key_size: int
    elem: int
    elem_size: int
    states: States
    hash_at: int = -1  # of the byte of the hash that is kept with an entry; -1: none is


def used_if_not_zero(offset: int) -> States:
    """A flag of one byte in each slot: a slot with another one than 0 is used."""

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
