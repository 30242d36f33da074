"""How far lookups go from group to group, and which entries they find."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...block import Ints
from ..columns import Mask

# How many groups behind its home the lookup of keys of these classes (n,) is at that step.
Sequence = Callable[[int, Ints], Ints]

MAX_WORK = 1 << 27  # groups that all lookups of a table look at together


def triangular(step: int, classes: Ints) -> Ints:
    """0, 1, 3, 6, 10 …: each group once in a table of a power of two, for all classes alike.

    >>> triangular(3, np.array([0, 5])).tolist()
    [6, 6]
    """
    return np.full(len(classes), step * (step + 1) // 2, np.int64)


def miss_lengths(ends: Mask, sequence: Sequence) -> Ints:
    """For each group and class (n, classes), how many groups the lookup of an absent key of that
    class looks at from that group on; all of them where none ends it.

    >>> miss_lengths(np.array([[False], [True], [False], [False]]), triangular).ravel().tolist()
    [2, 1, 3, 4]
    """
    count, classes = ends.shape
    lengths = np.full(count * classes, count, np.int64)
    waiting = np.arange(count * classes)
    work = 0
    for step in range(count):
        kinds = waiting % classes
        found = ends[(waiting // classes + sequence(step, kinds)) % count, kinds]
        lengths[waiting[found]] = step + 1
        work += len(waiting)
        waiting = waiting[~found]
        if not len(waiting) or work > MAX_WORK:
            break
    return lengths.reshape(count, classes)


def lost(ends: Mask, sequence: Sequence, homes: Ints, classes: Ints, groups: Ints) -> Mask:
    """Which of some entries (n,) no lookup finds, by their homes, classes, and groups: one that
    ends it comes before. Of a table with very many steps the rest is taken for found."""
    count = len(ends)
    gone = np.zeros(len(groups), np.bool_)
    waiting = np.arange(len(groups))
    work = 0
    for step in range(count):
        places = (homes[waiting] + sequence(step, classes[waiting])) % count
        arrived = places == groups[waiting]
        ended = ~arrived & ends[places, classes[waiting]]
        gone[waiting[ended]] = True
        work += len(waiting)
        waiting = waiting[~arrived & ~ended]
        if not len(waiting) or work > MAX_WORK:
            return gone
    gone[waiting] = True
    return gone
