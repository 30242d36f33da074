"""Ranges of addresses, [low, high)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def merge_ranges(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted, overlapping and adjacent ones joined."""
    out: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if out and low <= out[-1][1]:
            out[-1] = (out[-1][0], max(high, out[-1][1]))
        else:
            out.append((low, high))
    return out


def without(low: int, high: int, ranges: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The parts of [low, high) that are in none of some sorted, disjoint ranges."""
    for start, end in ranges:
        if start >= high:
            break
        if end > low:
            if start > low:
                yield low, start
            low = max(low, end)
    if low < high:
        yield low, high
