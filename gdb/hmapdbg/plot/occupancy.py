"""Entries of each bucket: live ones upwards, tombstones downwards."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..distribution import poisson_bound
from .folding import Grid
from .panel import Panel, legend_beside_title
from .style import DELETED, DELETED_RAMP, FAINT, INK, LIVE, LIVE_RAMP, OLD, SHADE, ramp
from .words import count_of


class OccupancyPanel(Panel):
    def draw(self, axes: Any) -> None:
        sink, geometry = self.sink, self.geometry
        axes.set_title(f"Occupancy of each {geometry.bucket}")
        axes.set_ylabel(f"entries in the {geometry.bucket}")
        # The room of a full bucket, so that an empty map looks empty.
        slots = self.header.geometry.slots
        top = max(sink.most_live, 1, slots if slots <= sink.scale.linear else 1)
        bottom = sink.most_deleted
        place = sink.scale.place
        high, low = float(place(np.array(top))), float(place(np.array(bottom)))
        margin = max(0.7, 0.05 * (high + low))
        self._shade_evacuated(axes)
        if sink.is_dense:
            self._draw_density(axes)
        else:
            self._draw_points(axes)
        self.limit_positions(axes, padded=not sink.is_dense)
        axes.set_ylim(-low - margin if bottom else -margin, high + margin)
        step = sink.scale.step((top, bottom), 9)
        ticks = sink.scale.ticks(top, step)
        tombs = sink.scale.ticks(bottom, step)[1:]
        axes.set_yticks(
            [-float(place(np.array(tick))) for tick in reversed(tombs)]
            + [float(place(np.array(tick))) for tick in ticks]
        )
        axes.set_yticklabels([f"{tick:,}" for tick in (*reversed(tombs), *ticks)])
        axes.grid(axis="y")
        if bottom:
            axes.axhline(0, color=FAINT, linewidth=0.8)
            axes.set_ylabel("deleted  ←  entries  →  live")
        self.mark_bend(axes, max(top, bottom), vertical=True)
        self.label_positions(axes)
        self._mark_arrays(axes)
        if axes.get_legend_handles_labels()[0]:
            legend_beside_title(axes)

    def _draw_points(self, axes: Any) -> None:
        sink = self.sink
        if not sink.points:
            return
        position, live, deleted = np.concatenate(sink.points).T
        place = sink.scale.place
        size = float(np.clip(9000 / sink.total, 9, 90))
        old = self.is_old(position)
        stems = sink.total <= 128
        width = float(np.clip(260 / sink.total, 1.2, 5))
        for which, color, marker, label in (
            (~old, LIVE, "o", "live"),
            (old, OLD, "s", "live, in an old bucket"),
        ):
            if not which.any():
                continue
            x, y = position[which], place(live[which])
            if stems:
                axes.vlines(x, 0, y, color=color, linewidth=width, alpha=0.45)
            axes.scatter(x, y, s=size, c=color, marker=marker, linewidths=0, label=label)
        dead = deleted > 0
        if dead.any():
            x, y = position[dead], -place(deleted[dead])
            if stems:
                axes.vlines(x, 0, y, color=DELETED, linewidth=width, alpha=0.45)
            axes.scatter(x, y, s=size * 1.2, c=DELETED, marker="x", linewidths=1.4, label="deleted")

    def _draw_density(self, axes: Any) -> None:
        from matplotlib.colors import LogNorm

        sink = self.sink
        widths = np.maximum(sink.widths(), 1)[:, None]
        norm = LogNorm(1 / float(widths.max()), 1.0, clip=True)
        left, right = -0.5, sink.total - 0.5
        for grid, shades, sign, label in (
            (sink.live, LIVE_RAMP, 1, "live"),
            (sink.deleted, DELETED_RAMP, -1, "deleted"),
        ):
            if sign < 0 and not sink.most_deleted:
                continue
            image = (grid.counts[:, : grid.top() + 1] / widths).T
            image = np.where(image > 0, image, np.nan)
            drawn = axes.imshow(
                image,
                extent=(left, right, -0.5 * sign, (len(image) - 0.5) * sign),
                origin="lower",
                aspect="auto",
                interpolation="nearest",
                cmap=ramp(shades),
                norm=norm,
                zorder=1.5,
            )
            axes.plot([], [], "s", markersize=9, color=shades[2], label=label)
            if sign > 0:
                self.add_colorbar(axes, drawn, f"share of the {self.geometry.bucket}s there")
            self._mark_outliers(axes, grid, sign)
        self._draw_mean(axes)

    def _mark_outliers(self, axes: Any, grid: Grid, sign: int) -> None:
        """Dots on the image's cells that are far up, since one of them is all there is to see."""
        marked = np.arange(grid.counts.shape[1]) > self.sink.scale.linear
        if sign > 0 and self.geometry.null_model is not None:
            mean = self.stats.live / min(array.buckets for array in self.header.arrays)
            bound = poisson_bound(mean, self.sink.total)
            marked[bound + 1 :] |= grid.counts[:, bound + 1 :].sum(axis=0) <= 64
        column, level = np.nonzero(grid.counts * marked)
        if len(column):
            ends = np.cumsum(self.sink.widths())
            x = ends[column] - self.sink.widths()[column] / 2 - 0.5
            color = LIVE if sign > 0 else DELETED
            marker = "o" if sign > 0 else "X"
            axes.scatter(x, level * sign, s=22, c=color, marker=marker, lw=0, zorder=2)

    def _draw_mean(self, axes: Any) -> None:
        """The mean of the entries in a bucket, along the positions, over 64 stretches."""
        from matplotlib import patheffects

        sink = self.sink
        step = max(1, sink.columns // 64)
        starts = np.arange(0, sink.columns, step)
        seen = np.add.reduceat(sink.seen, starts)
        live = np.add.reduceat(sink.entries, starts)
        widths = np.add.reduceat(sink.widths(), starts)
        ends = np.cumsum(widths)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(seen > 0, live / seen, np.nan)
        x = ends - widths / 2 - 0.5
        old = self.header.old
        if old is not None:
            # The line does not lead from one array into the other.
            at = int(np.searchsorted(x, sink.offsets[old.name]))
            x, mean = np.insert(x, at, np.nan), np.insert(mean, at, np.nan)
        axes.plot(
            x,
            sink.scale.place(mean),
            color="black",
            linewidth=1.3,
            label="mean of live",
            path_effects=[patheffects.withStroke(linewidth=3.2, foreground="white")],
            zorder=3,
        )

    def _shade_evacuated(self, axes: Any) -> None:
        sink = self.sink
        gone = sink.evacuated > sink.widths() / 2
        if not sink.evacuated.any():
            return
        edges = np.flatnonzero(np.diff(np.concatenate([[False], gone, [False]]).astype(np.int8)))
        ends = np.concatenate([[0], np.cumsum(sink.widths())])
        label: str | None = "evacuated"
        for low, high in zip(edges[::2].tolist(), edges[1::2].tolist()):
            axes.axvspan(
                ends[low] - 0.5,
                ends[high] - 0.5,
                facecolor=SHADE,
                edgecolor="#bdbdbd",
                hatch="///",
                linewidth=0,
                label=label,
                zorder=1,
            )
            label = None

    def _mark_arrays(self, axes: Any) -> None:
        """Where the old array begins, or, of a few tables, each."""
        arrays = self.header.arrays
        if len(arrays) == 1 or len(arrays) > 64:
            return
        old = self.header.old
        color, width = (FAINT, 0.7) if old is None else (INK, 1.2)
        for array in arrays[1:]:
            axes.axvline(self.sink.offsets[array.name] - 0.5, color=color, linewidth=width)
        if old is None:
            return
        names = [("new array", arrays[0]), ("old array", arrays[1])]
        if self.header.shrinking:
            del names[0]  # there may be no room for it
        for name, array in names:
            start = self.sink.offsets[array.name]
            axes.annotate(
                f"{name}, {count_of(array.buckets, self.geometry.bucket)}",
                (start - 0.5, 1),
                (5, -3),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                va="top",
                fontsize=10.5,
                fontweight="bold",
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
                zorder=4,
            )
