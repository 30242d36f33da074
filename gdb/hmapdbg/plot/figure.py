"""The figure: the caption, and the panels below it."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from ..header import Panel as PanelKind
from ..stats import Stats
from .caption import Caption
from .folding import PlotSink
from .histogram import HistogramPanel
from .lengths import LengthsPanel
from .occupancy import OccupancyPanel
from .panel import Panel
from .spread import SpreadPanel
from .style import ALARM, DPI, FAINT, GRID, HEIGHT, INK, LINE, METADATA, RC, WIDTH, WRAP
from .words import math_free, plain, shorten, wrap

FORMATS = {".png": "png", ".svg": "svg", ".pdf": "pdf"}


class PlotError(Exception):
    """A picture cannot be made; the text is one line for the user."""


class Writable(Protocol):
    """What takes the bytes of a picture."""

    def write(self, data: memoryview, /) -> Any:
        ...


def format_of(path: str) -> str:
    """The format that a file's suffix asks for; "-", standard output, is PNG. PlotError."""
    if path == "-":
        return "png"
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in FORMATS:
        raise PlotError(
            f"cannot tell a picture's format from the name '{path}': "
            "let it end in .png, .svg or .pdf"
        )
    return FORMATS[suffix]


def draw(
    path: str,
    sink: PlotSink,
    stats: Stats,
    caption: Caption,
    *,
    stream: Writable | None = None,
) -> None:
    """Writes the figure, in the format of the path's suffix. PlotError, OSError.

    stream: what is written to in place of the file at `path`.
    """
    format = format_of(path)
    data = io.BytesIO()
    with _matplotlib():
        figure = _Drawing(sink, stats, caption).figure()
        figure.savefig(data, format=format, dpi=DPI, metadata=METADATA[format])
    if stream is not None:
        stream.write(data.getbuffer())
        return
    with open(path, "wb") as file:
        file.write(data.getbuffer())


@contextmanager
def _matplotlib() -> Iterator[None]:
    """matplotlib as it comes, whatever the user's matplotlibrc says, and as it was afterwards."""
    import matplotlib

    with warnings.catch_warnings():
        # Old names among the defaults, and letters that the font lacks, are not the user's concern.
        warnings.simplefilter("ignore")
        with matplotlib.rc_context():
            keep = ("backend", "backend_fallback", "interactive", "webagg", "toolbar")
            defaults = matplotlib.rcParamsDefault
            matplotlib.rcParams.update({k: defaults[k] for k in defaults if k not in keep})
            matplotlib.rcParams.update(RC)
            yield


class _Drawing:
    """One figure. Figures and axes are matplotlib's, which carries no types."""

    def __init__(self, sink: PlotSink, stats: Stats, caption: Caption) -> None:
        self.sink = sink
        self.stats = stats
        self.caption = caption
        self.notes = list(caption.notes)

    def figure(self) -> Any:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, facecolor="white")
        top = self._draw_caption(figure)
        if self.sink.total == 0:
            self._draw_nothing(figure, top)
        else:
            self._draw_panels(figure, top)
        if self.notes:
            text = plain("note: " + "; ".join(self.notes))
            lines = math_free("\n".join(wrap(text, 200, 2)))
            figure.text(0.045, 0.012, lines, fontsize=9.5, color=FAINT, va="bottom")
        return figure

    def _draw_caption(self, figure: Any) -> float:
        """Writes the caption from the top down; where it ends, as a share of the height."""
        caption = self.caption
        left, y = 0.045, 1 - 0.3 / HEIGHT
        origin = shorten(plain(caption.origin), 90)
        room = 105 - len(origin)
        figure.text(
            left,
            y,
            math_free(shorten(plain(caption.title), max(40, room))),
            fontsize=17,
            fontweight="bold",
            va="center",
        )
        figure.text(0.985, y, math_free(origin), fontsize=11, color=FAINT, ha="right", va="center")
        y -= 0.36 / HEIGHT
        for line in caption.lines:
            for part in wrap(plain(line), WRAP, 2):
                figure.text(left, y, math_free(part), fontsize=11.5, va="center")
                y -= LINE / HEIGHT
        for verdict in caption.verdicts or (caption.calm,):
            for number, part in enumerate(wrap(plain(verdict), WRAP - 15, 2)):
                mark = "verdict:  " if number == 0 else ""
                figure.text(
                    left,
                    y,
                    math_free(mark + part),
                    fontsize=12,
                    fontweight="bold",
                    color=ALARM if caption.verdicts else INK,
                    va="center",
                )
                y -= LINE / HEIGHT
        return y

    def _draw_nothing(self, figure: Any, top: float) -> None:
        axes = figure.add_axes((0.045, 0.08, 0.94, top - 0.12))
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(True)
            spine.set_color(GRID)
        text = self.caption.nothing
        if self.sink.header.count:
            text = "no array of buckets to draw"
        axes.text(
            0.5, 0.5, math_free(plain(text)), ha="center", va="center", fontsize=18, color=FAINT
        )

    def _draw_panels(self, figure: Any, top: float) -> None:
        geometry = self.sink.geometry
        about = self.sink, self.stats
        lengths = LengthsPanel(*about)
        has_lengths = lengths.counts() is not None
        panels: list[Panel] = []
        widths: list[float] = []
        if PanelKind.SPREAD in geometry.panels:
            if self.sink.cells:
                panels.append(SpreadPanel(*about))
                widths.append(1.3)
            else:
                place = geometry.byte or "place in the chain"
                self.notes.append(
                    f"{'three' if has_lengths else 'two'} panels: the entries were not "
                    f"read, so their spread over {geometry.bucket} and {place} is not drawn"
                )
        if PanelKind.HISTOGRAM in geometry.panels:
            panels.append(HistogramPanel(*about))
            widths.append(1.0)
        if PanelKind.LENGTHS in geometry.panels:
            if has_lengths:
                panels.append(lengths)
                widths.append(1.0)
            else:
                self.notes.append("probe lengths are unknown and not drawn")
        bottom = 0.085 if self.notes else 0.065
        outer = figure.add_gridspec(
            2,
            1,
            left=0.058,
            right=0.982,
            top=top - 0.035,
            bottom=bottom,
            hspace=0.42,
            height_ratios=(1, 1.05),
        )
        OccupancyPanel(*about).draw(figure.add_subplot(outer[0]))
        row = outer[1].subgridspec(1, len(panels), width_ratios=widths, wspace=0.28)
        for place, panel in zip(row, panels):
            panel.draw(figure.add_subplot(place))
