"""Chains by length, or probes by length."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..block import Ints
from .panel import Panel, by_level, legend_below_title, say, scale_counts, set_title
from .style import EXPECTED, LIVE, OLD


class LengthsPanel(Panel):
    def counts(self) -> Ints | None:
        """Chains, or probes, by length; None where they are not known."""
        if self.geometry.chain_length:
            return self.stats.chains
        return self.stats.probes if self.stats.probes.any() else None

    def draw(self, axes: Any) -> None:
        geometry, stats = self.geometry, self.stats
        counts = self.counts()
        assert counts is not None
        if not geometry.chain_length:
            set_title(axes, "Probes for an absent key, by length")
            axes.set_xlabel(f"{geometry.probe_unit or geometry.bucket}s looked at")
            axes.set_ylabel(f"{geometry.probe_start or geometry.bucket}s to start from")
        else:
            set_title(axes, "Chains by length")
            axes.set_xlabel(geometry.chain_length)
            axes.set_ylabel("chains")
        scale = self.sink.scale
        used = np.flatnonzero(counts)
        if len(used) == 0:
            say(axes, "no chains left to draw")
            return
        bars = by_level(scale, np.arange(len(counts), dtype=np.int64), counts)
        top = int(used[-1])
        start = 0 if bars[0] else 1
        bound = stats.chain_bound if geometry.chain_length and stats.live else 0
        end = max(len(bars) - 1, 4, bound + 1 if bound < 24 else 0)
        x = np.arange(start, len(bars))
        axes.bar(x, bars[start:], width=0.86, color=OLD, edgecolor=LIVE, linewidth=0.8)
        scale_counts(axes, bars, bars.max() > 200 * bars[bars > 0].min())
        if 0 < bound <= end:
            axes.axvline(
                bound + 0.5,
                color=EXPECTED,
                linestyle=(0, (4, 3)),
                linewidth=1.4,
                label=f"uniform hash: at most {bound:,}",
            )
            legend_below_title(axes)
        if len(np.flatnonzero(bars)) <= 6 and len(bars) <= 12:
            for place in np.flatnonzero(bars).tolist():
                axes.annotate(
                    f"{int(bars[place]):,}",
                    (place, bars[place]),
                    (0, 3),
                    textcoords="offset points",
                    ha="center",
                    fontsize=10,
                )
        axes.set_xlim(start - 0.7, end + 0.7)
        self.label_levels(axes, max(top, end if end <= scale.linear else top), start)
        axes.grid(axis="y")
        self.mark_bend(axes, top, vertical=False)
