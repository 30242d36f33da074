"""Buckets by number of entries, beside what a uniform hash makes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..block import Ints
from .folding import Floats
from .panel import Panel, by_level, legend_below_title, scale_counts, set_title
from .style import EXPECTED, LIVE, OLD


class HistogramPanel(Panel):
    def draw(self, axes: Any) -> None:
        sink, look, stats = self.sink, self.look, self.stats
        scale = sink.scale
        found = stats.counts if look.expected else stats.occupancy
        set_title(axes, f"{look.bucket.capitalize()}s by number of entries")
        axes.set_xlabel(f"entries in a {look.bucket}")
        axes.set_ylabel(f"{look.bucket}s")
        top = max(len(found) - 1, 1)
        bars = by_level(scale, np.arange(len(found), dtype=np.int64), found)
        expected = self._expected() if look.expected and stats.live else np.zeros(0)
        # A uniform hash makes counts up to this; one bucket more is worth showing.
        shown = np.flatnonzero(expected >= 0.5)
        end = max(len(bars) - 1, int(shown[-1]) if len(shown) else 0, 3)
        if not look.expected:
            end = max(end, self.header.slots_per_bucket)
        axes.bar(
            np.arange(len(bars)), bars, width=0.86, color=OLD, edgecolor=LIVE, linewidth=0.8,
            label="found",
        )  # fmt: skip
        tallest = np.sort(bars)[::-1]
        one_stands_out = len(bars) > 1 and tallest[0] > 50 * tallest[1]
        scale_counts(axes, bars, self._is_far_out(bars, expected) or one_stands_out)
        if len(expected):
            upto = min(end + 1, len(expected))
            axes.plot(
                np.arange(upto),
                np.where(expected[:upto] >= 0.05, expected[:upto], np.nan),
                color=EXPECTED,
                marker="D",
                markersize=4.5,
                linewidth=1.4,
                label="uniform hash (Poisson)",
            )
        axes.set_xlim(-0.7, end + 0.7)
        self.label_levels(axes, max(top, end if end <= scale.linear else top))
        legend_below_title(axes)
        axes.grid(axis="y")
        self.mark_bend(axes, top, vertical=False)

    @staticmethod
    def _is_far_out(bars: Ints, expected: Floats) -> bool:
        """Whether some bar is where a uniform hash would have none."""
        if len(expected) == 0:
            return False
        padded = np.zeros(max(len(bars), len(expected)))
        padded[: len(expected)] = expected
        return bool((bars[padded[: len(bars)] < 1e-4] > 0).any())

    def _expected(self) -> Floats:
        """Buckets by level, with the same entries and a uniform hash; in mid-growth new and old
        buckets have a mean of their own."""
        stats, scale = self.stats, self.sink.scale
        out = np.zeros(0)
        for number, array in enumerate(self.header.arrays):
            bins = stats.sums[array.name].buckets - (0 if number else stats.pending)
            mean = stats.live / array.buckets
            reach = 12 * math.sqrt(mean) + 40
            first = max(0, int(mean - reach))
            counts = np.arange(first, int(mean + reach) + 1, dtype=np.int64)
            logs = np.log(np.maximum(counts, 1).astype(np.float64))
            logs[0] = math.lgamma(first + 1)
            chance = np.exp(counts * math.log(mean) - mean - np.cumsum(logs))
            more = by_level(scale, counts, chance * max(bins, 0))
            size = max(len(out), len(more))
            out = np.pad(out, (0, size - len(out))) + np.pad(more, (0, size - len(more)))
        return out
