"""The Blocks of a walk, folded into what is drawn, in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..block import Block, Buckets, Cells, Ints
from ..header import Header

Floats = NDArray[np.float64]

MAX_POINTS = 2048  # buckets, and entries, drawn as a point each
MAX_COLUMNS = 512  # of a density image
COLUMN_BUCKETS = 16  # at least, in a column of a density image
TOPHASHES = 256


class Scale:
    """Counts along an axis: a level for each up to `linear`, eight levels an octave above it."""

    PER_OCTAVE = 8

    def __init__(self, linear: int = 32) -> None:
        self.linear = linear

    def levels(self, counts: Ints) -> Ints:
        """The level that each count falls into."""
        above = counts > self.linear
        if not above.any():
            return counts
        out = counts.copy()
        octaves = np.log2(counts[above] / self.linear)
        out[above] = self.linear + 1 + np.floor(octaves * self.PER_OCTAVE).astype(np.int64)
        return out

    def place(self, counts: Ints | Floats) -> Floats:
        """Where counts lie on the axis; level k is from k - 0.5 to k + 0.5."""
        wide = np.asarray(counts, np.float64)
        octaves = np.log2(np.maximum(wide, self.linear) / self.linear)
        bend = np.where(wide > self.linear, 0.5 + octaves * self.PER_OCTAVE, 0.0)
        out: Floats = np.minimum(wide, self.linear) + bend
        return out

    def ticks(self, top: int, step: int) -> list[int]:
        """Round counts from 0 to `top`: multiples of `step`, then powers of ten."""
        low = list(range(0, min(top, self.linear) + 1, step))
        high = [10**k for k in range(1, 20) if self.linear * 2 <= 10**k <= top]
        return low + high[:: max(1, -(-len(high) // 4))]

    def step(self, tops: Sequence[int], most: int) -> int:
        """The step of `ticks` for axes of those ends that share the room of about `most` ticks."""
        linear = sum(min(top, self.linear) for top in tops)
        length = sum(float(self.place(np.array(top))) for top in tops)
        return round_step(linear, max(2, round(most * linear / max(length, 1))))


class Grid:
    """Counts of things by column and level; it grows with the highest level."""

    def __init__(self, columns: int) -> None:
        self.counts = np.zeros((columns, 64), np.int64)

    def add(self, columns: Ints, levels: Ints) -> None:
        if len(columns) == 0:
            return
        have = self.counts.shape[1]
        need = int(levels.max()) + 1
        if need > have:
            more = np.zeros((len(self.counts), max(need, 2 * have) - have), np.int64)
            self.counts = np.concatenate([self.counts, more], axis=1)
            have = self.counts.shape[1]
        # The columns of a Block are few and neighbours: only they are touched.
        low, high = int(columns.min()), int(columns.max()) + 1
        flat = np.bincount((columns - low) * have + levels, minlength=(high - low) * have)
        self.counts[low:high] += flat.reshape(high - low, have)

    def top(self) -> int:
        """The highest level with anything in it."""
        used = np.flatnonzero(self.counts.any(axis=0))
        return int(used[-1]) if len(used) else 0


class PlotSink:
    """Takes the Blocks of a walk in bounded memory: what `draw` draws. Buckets are laid side by
    side along one axis, array after array in the header's order: a bucket's *position* is there.

    cells: whether the Blocks carry the entries; without them there is no second panel.
    """

    def __init__(self, header: Header, cells: bool = True) -> None:
        self.header = header
        self.cells = cells
        self.geometry = header.geometry
        self.offsets: dict[str, int] = {}
        self.total = 0
        for array in header.arrays:
            self.offsets[array.name] = self.total
            self.total += array.buckets
        self.columns = _column_count(self.total)
        self.scale = Scale(_linear_limit(header))
        self.live = Grid(self.columns)  # buckets by column and level of live entries
        self.deleted = Grid(self.columns)  # the same, where there is a tombstone
        self.evacuated = np.zeros(self.columns, np.int64)  # buckets
        self.seen = np.zeros(self.columns, np.int64)  # buckets not evacuated
        self.entries = np.zeros(self.columns)  # live ones, by the buckets' own count
        self.most_live = 0
        self.most_deleted = 0
        # A row (position, live, deleted) for each bucket, as long as they can be told apart.
        self.points: list[NDArray[np.int64]] = []
        self.spread = Grid(self.columns)  # entries by column and tophash or place in the chain
        self.spread_points: list[NDArray[np.int64]] = []  # rows (position, tophash or place)
        self.spread_count = 0
        self.highest = 0  # tophash or place

    @property
    def is_dense(self) -> bool:
        """Whether buckets are too many for points."""
        return self.total > MAX_POINTS

    def add(self, block: Block) -> None:
        """Folds a Block. KeyError for an array that the header does not have."""
        if self.total == 0:
            return
        if block.buckets is not None and len(block.buckets):
            self._add_buckets(self.offsets[block.array], block.buckets)
        if block.cells is not None and len(block.cells) and self.cells:
            offset: int | Ints = self.offsets[block.array]
            names = block.cells.arrays
            if names is not None:
                found = map(self.offsets.__getitem__, names.tolist())
                offset = np.fromiter(found, np.int64, len(names))
            self._add_cells(offset, block.cells)

    def _add_buckets(self, offset: int, rows: Buckets) -> None:
        position = rows.bucket + offset
        column = self._columns_of(position)
        if rows.evacuated.any():
            gone = np.bincount(column[rows.evacuated], minlength=self.columns)
            self.evacuated += gone
            staying = ~rows.evacuated
            position, column = position[staying], column[staying]
            live, deleted = rows.live[staying], rows.deleted[staying]
        else:
            live, deleted = rows.live, rows.deleted
        if len(live) == 0:
            return
        self.seen += np.bincount(column, minlength=self.columns)
        self.entries += np.bincount(column, weights=live, minlength=self.columns)
        self.live.add(column, self.scale.levels(live))
        dead = deleted > 0
        self.deleted.add(column[dead], self.scale.levels(deleted[dead]))
        self.most_live = max(self.most_live, int(live.max()))
        self.most_deleted = max(self.most_deleted, int(deleted.max()))
        if not self.is_dense:
            self.points.append(np.stack([position, live, deleted], axis=1))

    def _add_cells(self, offset: int | Ints, cells: Cells) -> None:
        position = cells.bucket + offset
        if self.geometry.byte:
            height = np.clip(cells.tophash, 0, TOPHASHES - 1)
            level = height
        else:
            height = cells.chain_index
            level = self.scale.levels(height)
        self.spread.add(self._columns_of(position), level)
        self.highest = max(self.highest, int(height.max()))
        self.spread_count += len(cells)
        if self.spread_count <= MAX_POINTS:
            self.spread_points.append(np.stack([position, height], axis=1))
        else:
            self.spread_points = []

    def _columns_of(self, position: Ints) -> Ints:
        return position * self.columns // self.total

    def widths(self) -> Ints:
        """Buckets that belong to each column."""
        # The first position of column c is the least p with p * columns // total = c.
        edges = -(-np.arange(self.columns + 1, dtype=np.int64) * self.total // self.columns)
        return np.diff(edges)


def _column_count(total: int) -> int:
    """Columns for so many buckets: one each while they are few, else COLUMN_BUCKETS or more each,
    all of the same width if that can be had."""
    if total <= MAX_POINTS:
        return max(total, 1)
    most = min(MAX_COLUMNS, total // COLUMN_BUCKETS)
    even = (columns for columns in range(most, most // 2, -1) if total % columns == 0)
    return next(even, most)


def _linear_limit(header: Header) -> int:
    """Counts up to this are told apart: what a uniform hash makes, and some."""
    total = sum(array.buckets for array in header.arrays)
    mean = header.count / total if total else 0.0
    return int(min(512.0, max(32.0, mean + 6 * math.sqrt(max(mean, 0.0)) + 8)))


def round_step(top: int, most: int) -> int:
    """A step of 1, 2 or 5 times a power of ten that makes at most about `most` steps to `top`."""
    least = max(1.0, top / max(most, 1))
    power = 10 ** int(math.log10(least))
    return next(int(power * k) for k in (1, 2, 5, 10) if power * k >= least)
