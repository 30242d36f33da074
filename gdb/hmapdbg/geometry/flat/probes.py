"""Lookups that go from slot to slot, up to the first empty one.

The i-th slot that a lookup looks at lies offset(i) behind its home, wrapping at the end of the
table.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ...block import Ints
from ...compat import dataclass
from ..columns import Mask

# Slots looked at for all lookups of a table together; then the rest is left.
MAX_WORK = 1 << 27


@dataclass(frozen=True)
class Probing:
    """A probe sequence. `homes`: the slots that lookups begin at are those below it. How many slots
    a miss looks at (`expected`), and a hit, if a share of the slots is in use and the hash is
    uniform."""

    homes: int
    offset: Callable[[int], int]
    expected: Callable[[float], float]
    expected_hit: Callable[[float], float]


def triangular(number: int) -> int:
    """0, 1, 3, 6, 10 …: each slot once in a table of a power of two."""
    return number * (number + 1) // 2


def expected_triangular(used: float) -> float:
    """See Probing.expected (Knuth, volume 3, 6.4: secondary clustering)."""
    free = max(1.0 - used, 1e-9)
    return 1 / free - used - math.log(free)


def expected_triangular_hit(used: float) -> float:
    """See Probing.expected_hit."""
    return 1 - math.log(max(1.0 - used, 1e-9)) - used / 2


def triangular_from(homes: int) -> Probing:
    """The probe sequence of slots 0, 1, 3, 6, 10 … behind a home, one of the first `homes`."""
    return Probing(homes, triangular, expected_triangular, expected_triangular_hit)


def expected_linear(used: float) -> float:
    """See Probing.expected (Knuth, volume 3, 6.4: linear probing)."""
    return (1 + 1 / max(1.0 - used, 1e-4) ** 2) / 2


def expected_linear_hit(used: float) -> float:
    """See Probing.expected_hit; the same in whatever order entries are moved."""
    return (1 + 1 / max(1.0 - used, 1e-4)) / 2


def linear_from(homes: int) -> Probing:
    """The probe sequence of slots side by side from a home on, one of the first `homes`."""
    return Probing(homes, lambda number: number, expected_linear, expected_linear_hit)


def miss_lengths(empty: Mask, probing: Probing) -> Ints:
    """For each home of a table, how many slots the lookup of an absent key looks at; as many as
    there are where none is empty.

    >>> miss_lengths(np.array([False, True, False, False]), triangular_from(4)).tolist()
    [2, 1, 3, 4]
    """
    count = len(empty)
    waiting = np.arange(min(probing.homes, count))
    lengths = np.full(len(waiting), count, np.int64)
    if not empty.any():
        return lengths
    work = 0
    for number in range(count):
        found = empty[(waiting + probing.offset(number)) % count]
        lengths[waiting[found]] = number + 1
        work += len(waiting)
        waiting = waiting[~found]
        if not len(waiting) or work > MAX_WORK:
            break
    return lengths


def hit_lengths(empty: Mask, probing: Probing, homes: Ints, slots: Ints) -> Ints:
    """For each of some entries, how many slots the lookup of its key looks at, from its home up to
    its own (n,); 0: an empty one comes before, so the key is not
    found; less than 0: more than so many, the rest was left."""
    count = len(empty)
    lengths = np.zeros(len(slots), np.int64)
    waiting = np.arange(len(slots))
    work = 0
    for number in range(count):
        places = (homes[waiting] + probing.offset(number)) % count
        arrived = places == slots[waiting]
        lengths[waiting[arrived]] = number + 1
        work += len(waiting)
        waiting = waiting[~arrived & ~empty[places]]
        if not len(waiting):
            break
        if work > MAX_WORK:
            lengths[waiting] = -(number + 1)
            break
    return lengths
