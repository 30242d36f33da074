"""Entries over bucket and tophash, or place in the chain."""

from __future__ import annotations

from typing import Any

import numpy as np

from .folding import TOPHASHES
from .panel import Panel, say, set_title
from .style import LIVE, LIVE_RAMP, OLD, ramp
from .words import count_of


class SpreadPanel(Panel):
    def draw(self, axes: Any) -> None:
        sink, geometry = self.sink, self.geometry
        what = geometry.byte or "place in the chain"
        set_title(axes, f"Entries over {geometry.bucket} and {what}")
        axes.set_ylabel(what)
        if sink.spread_count == 0:
            say(axes, "no entries")
            return
        if geometry.byte:
            # Swiss control bytes hold seven bits of hash.
            top = (
                TOPHASHES // 2 - 1
                if sink.highest < 128 and geometry.null_model is None
                else TOPHASHES - 1
            )
            high = float(top)
            axes.set_yticks([*range(0, top, (top + 1) // 4), top])
        else:
            top, high = sink.highest, float(sink.scale.place(np.array(sink.highest)))
            ticks = sink.scale.ticks(top, sink.scale.step((top,), 8))
            axes.set_yticks(sink.scale.place(np.array(ticks)))
            axes.set_yticklabels([f"{tick:,}" for tick in ticks])
            self.mark_bend(axes, top, vertical=True)
        margin = 0.02 * high + 0.5
        if sink.spread_points:
            position, height = np.concatenate(sink.spread_points).T
            old = self.is_old(position)
            y = height if geometry.byte else sink.scale.place(height)
            size = float(np.clip(9000 / sink.spread_count, 9, 90))
            for which, color, marker in ((~old, LIVE, "o"), (old, OLD, "s")):
                if which.any():
                    axes.scatter(
                        position[which], y[which], s=size, c=color, marker=marker, linewidths=0
                    )
        else:
            margin = 0.5
            self._draw_spread_density(axes, int(high) + 1)
        self.limit_positions(axes, padded=bool(sink.spread_points))
        axes.set_ylim(-margin, high + margin)
        axes.grid()
        self.label_positions(axes, 5)
        self.mark_arrays_plainly(axes)

    def _draw_spread_density(self, axes: Any, levels: int) -> None:
        from matplotlib.colors import LogNorm, Normalize

        sink, geometry = self.sink, self.geometry
        counts = sink.spread.counts[:, :levels]
        if counts.shape[1] < levels:
            counts = np.pad(counts, ((0, 0), (0, levels - counts.shape[1])))
        # Coarser until a uniform hash would give a smooth picture.
        across = up = 1
        cells = counts.size
        while sink.spread_count / cells < 12 and (
            counts.shape[0] // across > 64 or (geometry.byte and levels // up > 64)
        ):
            if counts.shape[0] // across > 64:
                across *= 2
                cells //= 2
            if geometry.byte and levels // up > 64:
                up *= 2
                cells //= 2
        widths = np.add.reduceat(sink.widths(), np.arange(0, len(counts), across))
        image = np.add.reduceat(counts, np.arange(0, len(counts), across), axis=0)
        image = np.add.reduceat(image, np.arange(0, levels, up), axis=1)
        shares = image * (widths.mean() / np.maximum(widths, 1))[:, None]
        mean = shares[shares > 0].mean()
        top = max(float(shares.max()), 1.0)
        norm: Any = LogNorm(1, top) if top > 12 * mean else Normalize(0, top)
        drawn = axes.imshow(
            np.where(shares > 0, shares, np.nan).T,
            extent=(-0.5, sink.total - 0.5, -0.5, levels - 0.5),
            origin="lower",
            aspect="auto",
            interpolation="nearest",
            cmap=ramp(LIVE_RAMP),
            norm=norm,
            zorder=1.5,
        )
        self.add_colorbar(axes, drawn, "")
        across_text = count_of(round(sink.total / len(image)), geometry.bucket)
        up_text = f" by {count_of(up, geometry.byte)}" if geometry.byte else ""
        axes.text(
            0,
            1.025,
            f"entries in a cell of {across_text}{up_text}",
            transform=axes.transAxes,
            fontsize=10,
        )
