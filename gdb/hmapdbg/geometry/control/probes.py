"""Windows of control bytes, and lookups, which go from window to window.

The i-th window of a lookup begins i(i + 1)/2 windows behind the home of the key, wrapping at the
end of the table (hashbrown's ProbeSeq, Abseil's probe_seq): in a table of a power of two slots, all
are looked at in the end. The first one with an empty slot is the last. In a table smaller than a
window, the window has the rest of empty slots.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...block import Ints
from ..columns import Mask


def window_ends(empty: Mask, width: int) -> Mask:
    """For each slot of a table (n,), whether the window from there on ends a lookup; `empty`: which
    slots are empty.

    >>> window_ends(np.array([False] * 5 + [True] + [False] * 10), 4).nonzero()[0].tolist()
    [2, 3, 4, 5]
    """
    count = len(empty)
    if count < width:  # behind the slots, the rest of a window is empty
        return np.ones(count, np.bool_)
    wrapped = np.concatenate([empty, empty[: width - 1]]).astype(np.int64)
    sums = np.concatenate([[0], np.cumsum(wrapped)])
    out: Mask = sums[width:] - sums[:-width] > 0
    return out


def miss_lengths(empty: Mask, width: int) -> Ints:
    """For each slot of a table, how many windows a lookup from there on visits for an absent key;
    as many as there are where none has an empty slot."""
    ends = window_ends(empty, width)
    count = len(ends)
    most = max(count // width, 1)
    lengths = np.full(count, most, np.int64)
    waiting = np.arange(count)
    for number, step in iter_steps(count, width):
        found = ends[(waiting + step) & (count - 1)]
        lengths[waiting[found]] = number + 1
        waiting = waiting[~found]
        if not len(waiting):
            break
    return lengths


def hit_lengths(empty: Mask, width: int, homes: Ints, slots: Ints) -> Ints:
    """For each of some entries, how many windows the lookup of its key visits, from its home on up
    to the window with its slot (n,); 0: a window with an empty slot comes before, so the key is not
    found."""
    ends = window_ends(empty, width)
    count = len(ends)
    lengths = np.zeros(len(slots), np.int64)
    waiting = np.arange(len(slots))
    for number, step in iter_steps(count, width):
        starts = (homes[waiting] + step) & (count - 1)
        inside = ((slots[waiting] - starts) & (count - 1)) < width
        lengths[waiting[inside]] = number + 1
        waiting = waiting[~inside & ~ends[starts]]
        if not len(waiting):
            break
    return lengths


def iter_steps(count: int, width: int) -> Iterator[tuple[int, int]]:
    """The number of each window of a lookup, and how far it begins behind the home."""
    step = 0
    for number in range(max(count // width, 1)):
        step += number * width
        yield number, step
