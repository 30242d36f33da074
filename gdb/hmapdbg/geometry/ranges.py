"""Reading long arrays past holes in memory."""

from __future__ import annotations

from bisect import bisect_right

from ..target import Target


def next_readable(target: Target, base: int, size: int, first: int, end: int) -> int:
    """The first row in [first, end), of rows of `size` bytes at `base`, that is at least partly in
    memory; otherwise `end`."""
    ranges = target.mappings()
    if ranges is None or first >= end:
        return first
    # Ranges are disjoint, so that their ends are sorted too.
    index = bisect_right([high for _, high in ranges], base + first * size)
    if index == len(ranges):
        return end
    return max(first, min((ranges[index][0] - base) // size, end))


def rows_text(noun: str, low: int, high: int) -> str:
    """Rows [low, high), for people.

    >>> rows_text("bucket", 3, 4), rows_text("group", 1_000, 2_000)
    ('bucket 3', 'groups 1,000 to 1,999')
    """
    return f"{noun} {low:,}" if high == low + 1 else f"{noun}s {low:,} to {high - 1:,}"
