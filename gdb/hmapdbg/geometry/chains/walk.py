"""The walk of bucket chains, from the first main bucket of the new array to the last of the old.

Blocks of adjacent main buckets are read at once; one that cannot be read gets a Problem and no row,
since a row would claim what is unknown. chase follows their chains.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

import numpy as np

from ...block import Block, Place, Problem
from ...header import Array
from ..columns import BLOCK_BYTES, iter_runs
from ..ranges import next_readable, rows_text
from .arrays import Arrays
from .chase import Chase
from .layout import Seen


class BucketWalk:
    """One pass over a map's arrays."""

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem]]:
        """Blocks of the new array, then of the old one, with Problems where they occur; with
        `only`, just that main bucket."""
        for item in self._iter_arrays(cells, only, evidence=False):
            assert not isinstance(item, Seen)
            yield item
        yield from self.arrays.told.iter_cut()

    def walk_with_evidence(self, cells: bool) -> Iterator[Union[Block, Problem, Seen]]:
        """The same with all that was read, for an audit: a Seen before the Block that counts it.
        The audit calls Told.iter_cut after its own Problems."""
        yield from self._iter_arrays(cells, None, evidence=True)

    def _iter_arrays(
        self, cells: bool, only: Place | None, evidence: bool
    ) -> Iterator[Union[Block, Problem, Seen]]:
        arrays = self.arrays
        for array, owners in ((arrays.new, 0), (arrays.old, arrays.new.buckets)):
            if array is None or only is not None and only.array != array.name:
                continue
            low, high = (0, array.buckets) if only is None else (only.bucket, only.bucket + 1)
            yield from self._walk_array(array, low, high, cells, owners, evidence)

    def _walk_array(
        self, array: Array, first: int, end: int, cells: bool, owner_base: int, evidence: bool
    ) -> Iterator[Union[Block, Problem, Seen]]:
        """Main buckets [first, end) of an array."""
        target, size = self.arrays.target, self.arrays.layout.size
        step = max(1, BLOCK_BYTES // size)
        hole = first  # the first unreadable one of the buckets before `first`
        while first < end:
            count = min(step, end - first)
            raw, ok = target.read_rows(array.address + first * size, count, size)
            for low, high in iter_runs(ok):
                yield from self._unreadable(array, hole, first + low)
                hole = first + high
            if ok.any():
                bucket = first + np.flatnonzero(ok)
                chase = Chase(self.arrays, array, bucket, cells, owner_base, evidence)
                yield from chase.run(raw[ok])
            elif target.mappings() is None and first + count < end:
                # Without a memory map, a wild array is endless.
                more = ", and those after them were not tried"
                yield from self._unreadable(array, hole, first + count, more)
                return
            first = next_readable(target, array.address, size, first + count, end)
        yield from self._unreadable(array, hole, end)

    def _unreadable(self, array: Array, low: int, high: int, more: str = "") -> list[Problem]:
        """One Problem for the main buckets [low, high), if there are any."""
        if low >= high:
            return []
        text = f"{rows_text('bucket', low, high)} of '{array.name}' cannot be read{more}"
        at = array.address + low * self.arrays.layout.size
        return self.arrays.told.problem("unreadable", text, at, "")
