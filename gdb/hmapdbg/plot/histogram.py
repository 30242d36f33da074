"""Buckets by number of entries, beside what a uniform hash makes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..block import Ints
from .folding import Floats
from .panel import Panel, by_level, legend_below_title, scale_counts, set_title
from .style import EXPECTED, LIVE, OLD


class HistogramPanel(Panel):
    def draw(self, axes: Any) -> None:
        sink, geometry, stats = self.sink, self.geometry, self.stats
        scale = sink.scale
        found = stats.counts
        set_title(axes, f"{geometry.bucket.capitalize()}s by number of entries")
        axes.set_xlabel(f"entries in a {geometry.bucket}")
        axes.set_ylabel(f"{geometry.bucket}s")
        top = max(len(found) - 1, 1)
        bars = by_level(scale, np.arange(len(found), dtype=np.int64), found)
        expected = self._expected()
        # A uniform hash makes counts up to this; one bucket more is worth showing.
        shown = np.flatnonzero(expected >= 0.5)
        end = max(len(bars) - 1, int(shown[-1]) if len(shown) else 0, 3)
        if self.header.null_model is None:
            end = max(end, self.header.geometry.slots)
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
        model, out = self.header.null_model, np.zeros(0)
        if model is None or not self.stats.live:
            return out
        for counts, bins in model.iter_counts(self.stats.live, self.stats.bins_by_array):
            more = by_level(self.sink.scale, counts, bins)
            size = max(len(out), len(more))
            out = np.pad(out, (0, size - len(out))) + np.pad(more, (0, size - len(more)))
        return out
