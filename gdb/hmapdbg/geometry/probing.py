"""Probe lengths of misses in a table with open addressing, from occupancy alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..block import Ints

# For each bucket of a table: how many buckets a miss visits from there on, including the one with
# an empty slot that ends it. Takes which buckets have one (n,).
Probe = Callable[[NDArray[np.bool_]], Ints]


def linear(ends: NDArray[np.bool_]) -> Ints:
    """Bucket after bucket, wrapping at the end of the table.

    >>> linear(np.array([False, True, False, False])).tolist()
    [2, 1, 4, 3]
    """
    count = len(ends)
    at = np.flatnonzero(ends)
    if len(at) == 0:
        return np.full(count, count, np.int64)
    starts = np.arange(count, dtype=np.int64)
    place = np.searchsorted(at, starts)
    following = np.where(place < len(at), at[place % len(at)], at[0] + count)
    return following - starts + 1


def triangular(ends: NDArray[np.bool_]) -> Ints:
    """Buckets start + (i² + i)/2, i = 0, 1 …: each once in a table of a power of two (the probe
    sequence of Swiss tables).

    >>> triangular(np.array([False, True, False, False])).tolist()
    [2, 1, 3, 4]
    """
    count = len(ends)
    lengths = np.full(count, count, np.int64)
    starts = np.arange(count)
    for probe in range(count):
        found = ends[(starts + (probe * probe + probe) // 2) & (count - 1)]
        lengths[starts[found]] = probe + 1
        starts = starts[~found]
        if len(starts) == 0:
            break
    return lengths
