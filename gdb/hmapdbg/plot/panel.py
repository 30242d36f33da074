"""What the panels share: axes of positions and of counts, titles, legends."""

from __future__ import annotations

import abc
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..block import Ints
from ..stats import Stats
from .folding import PlotSink, Scale, round_step
from .style import FAINT, INK, LEGEND, short_number, thousands
from .words import count_of


class Panel(abc.ABC):
    """One part of a figure. Axes are matplotlib's, which carries no types."""

    def __init__(self, sink: PlotSink, stats: Stats) -> None:
        self.sink = sink
        self.stats = stats
        self.geometry = sink.geometry
        self.header = sink.header

    @abc.abstractmethod
    def draw(self, axes: Any) -> None:
        """Draws the panel on empty axes."""

    def limit_positions(self, axes: Any, padded: bool) -> None:
        """The positions, and where points are drawn, room for those at the ends."""
        pad = 0.5 + (0.008 * self.sink.total if padded else 0)
        axes.set_xlim(-pad, self.sink.total - 1 + pad)

    def label_positions(self, axes: Any, most: int = 10) -> None:
        """Ticks along the buckets: numbers in their array, or, of many tables, running ones."""
        sink, geometry = self.sink, self.geometry
        arrays = self.header.arrays
        if len(arrays) <= 2:
            step = round_step(sink.total, most)
            ticks, labels = [], []
            for array in arrays:
                # The last number of the new array must not stand on the first of the old one.
                last = array is arrays[-1]
                end = array.buckets if last else array.buckets - 0.5 * sink.total / most
                values = range(0, max(1, math.ceil(end)), step)
                ticks += [sink.offsets[array.name] + value for value in values]
                labels += [f"{value:,}" for value in values]
            axes.set_xticks(ticks)
            axes.set_xticklabels(labels)
            numbers = f"{geometry.bucket} number"
        else:
            axes.xaxis.set_major_formatter(thousands)
            numbers = f"{geometry.bucket}, {len(arrays):,} tables one after the other"
        if sink.is_dense and most >= 10:
            each = round(sink.total / sink.columns)
            numbers += f" (a column of the image is {count_of(each, geometry.bucket)})"
        axes.set_xlabel(numbers)

    def is_old(self, position: Ints) -> NDArray[np.bool_]:
        old = self.header.old
        if old is None:
            return np.zeros(len(position), np.bool_)
        return position >= self.sink.offsets[old.name]

    def mark_arrays_plainly(self, axes: Any) -> None:
        if self.header.old is not None:
            axes.axvline(self.sink.offsets[self.header.old.name] - 0.5, color=INK, linewidth=1.2)

    def label_levels(self, axes: Any, top: int, start: int = 0) -> None:
        scale = self.sink.scale
        ticks = [tick for tick in scale.ticks(top, scale.step((top,), 12)) if tick >= start]
        if start and (not ticks or ticks[0] != start):
            ticks = [start, *(tick for tick in ticks if tick > start + (top > 12))]
        axes.set_xticks(scale.place(np.array(ticks)))
        axes.set_xticklabels([f"{tick:,}" for tick in ticks])

    def mark_bend(self, axes: Any, top: int, vertical: bool) -> None:
        """Where the axis of counts becomes logarithmic, if it is so long."""
        scale = self.sink.scale
        if top <= scale.linear:
            return
        line = axes.axhline if vertical else axes.axvline
        line(scale.linear + 0.5, color=FAINT, linestyle=":", linewidth=1)
        text = f"logarithmic above {scale.linear:,}"
        axes.annotate(
            text,
            (1, scale.linear + 0.5) if vertical else (scale.linear + 0.5, 1),
            (-4, 3) if vertical else (4, -3),
            xycoords=("axes fraction", "data") if vertical else ("data", "axes fraction"),
            textcoords="offset points",
            ha="right" if vertical else "left",
            va="bottom" if vertical else "top",
            fontsize=9,
            color=FAINT,
        )

    def add_colorbar(self, axes: Any, image: Any, label: str) -> None:
        bar = axes.figure.colorbar(image, ax=axes, pad=0.012, aspect=32, fraction=0.03)
        if label:
            bar.set_label(label, fontsize=9.5)
        bar.outline.set_visible(False)
        bar.ax.yaxis.set_major_formatter(short_number)
        bar.ax.tick_params(labelsize=9, length=2)
        bar.ax.minorticks_off()


def by_level(scale: Scale, counts: Ints, weights: Any) -> Any:
    """The weights of counts, added up by level; of the weights' type."""
    out = np.bincount(scale.levels(counts), weights=weights)
    used = np.flatnonzero(out)
    out = out[: used[-1] + 1 if len(used) else 1]
    return out.astype(np.asarray(weights).dtype)


def scale_counts(axes: Any, bars: Ints, logarithmic: bool) -> None:
    """The axis of bars: logarithmic only if there are several, else in steps of whole numbers."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    used = bars[bars > 0]
    if len(used) > 1 and logarithmic:
        axes.set_yscale("log")
        axes.set_ylim(0.5, float(used.max()) * 3)
        axes.yaxis.set_major_locator(LogLocator(10, numticks=9))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
        axes.margins(y=0.1)
    axes.yaxis.set_major_formatter(thousands)


def set_title(axes: Any, text: str) -> None:
    """The title of a narrow panel, which leaves a line for its legend."""
    axes.set_title(text, pad=27)


def legend_below_title(axes: Any) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if labels == ["found"]:
        return
    # Bars first.
    place = {"loc": "lower left", "bbox_to_anchor": (-0.01, 1.0)}
    axes.legend(handles[::-1], labels[::-1], **place, **LEGEND)


def legend_beside_title(axes: Any) -> None:
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), **LEGEND)


def say(axes: Any, text: str) -> None:
    """A panel with nothing but a few words."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", fontsize=14, color=FAINT)
