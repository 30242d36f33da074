"""The picture of a map, as PNG, SVG or PDF: four panels that tell its condition at a glance.

A PlotSink folds the Blocks of one walk into images of fixed size, so that a map of any size costs
the same to draw; `draw` makes the figure. matplotlib is imported when something is drawn, and never
through pyplot: no window, no backend, and the user's matplotlibrc has no say.

    1 occupancy   entries of each bucket, live ones upwards, tombstones downwards
    2 spread      entries over bucket and tophash, or place in the chain; needs the entries
    3 histogram   buckets by number of entries, beside what a uniform hash makes
    4 chains      chains by length, or probes by length

Up to MAX_POINTS buckets or entries are points, more are a density image. Dark is much and light is
little in every image; live entries are blue and stand up, tombstones are orange and hang down: the
picture is read in grey too.
"""

from __future__ import annotations

import io
import math
import os
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .block import Block, Buckets, Cells, Header, Ints
from .compat import dataclass
from .distribution import poisson_bound
from .stats import Stats

Floats = NDArray[np.float64]

FORMATS = {".png": "png", ".svg": "svg", ".pdf": "pdf"}

MAX_POINTS = 2048  # buckets, and entries, drawn as a point each
MAX_COLUMNS = 512  # of a density image
COLUMN_BUCKETS = 16  # at least, in a column of a density image
TOPHASHES = 256

# ---- what families differ in


@dataclass(frozen=True, slots=True)
class Look:
    """What differs between pictures of map families. The Header does not say it all, so it can be
    given: `look_of` chooses by the family's name."""

    bucket: str = "bucket"  # what a row of the occupancy is called
    tophash: str = "tophash"  # what the entries' hash byte is called; empty: they have none
    expected: bool = True  # whether a uniform hash makes Poisson counts
    chain: str = "buckets in the chain, main bucket included"  # unit of lengths; empty: no chains


BUCKET_MAP = Look()
SWISS = Look(bucket="group", tophash="control byte", expected=False, chain="")
UNORDERED = Look(tophash="", chain="nodes in the chain")


def look_of(header: Header) -> Look:
    """The look of the header's family."""
    family = header.family.lower()
    if "swiss" in family:
        return SWISS
    return UNORDERED if "unordered" in family else BUCKET_MAP


# ---- what is written around the panels


@dataclass(frozen=True, slots=True)
class Caption:
    """The words around the panels, taken as they are: nothing in them is markup."""

    title: str
    origin: str = ""  # where and when the numbers were read
    lines: tuple[str, ...] = ()  # which map
    verdicts: tuple[str, ...] = ()
    calm: str = "nothing unusual"  # said where there is no verdict
    notes: tuple[str, ...] = ()  # what the picture does not show
    nothing: str = "no buckets: nothing has been put into this map yet"  # in place of panels


def caption_of(stats: Stats, origin: str = "", problems: int = 0) -> Caption:
    """The caption of a map after its walk.

    origin: where and when, in the caller's words: "live process 4711, 2024-05-01 10:00:00".
    problems: how many the walk met.
    """
    header = stats.header
    named = f', named "{header.name}"' if header.name else ""
    made = f", made in {header.created_at}" if header.created_at else ""
    where = f"({header.type_name}) 0x{header.address:x}"
    verdicts = tuple(verdict.text for verdict in stats.verdicts())
    return Caption(
        header.expression,
        origin,
        (f"{header.family}   {header.types}   {where}{named}{made}", size_line(stats)),
        verdicts,
        "nothing unusual" if stats.live else "empty",
        problem_notes(problems),
    )


def size_line(stats: Stats, look: Look | None = None) -> str:
    """How many entries in how many buckets; a load factor not known (NaN, 0) is left out."""
    header = stats.header
    if not header.arrays:
        return f"{_count(stats.live, 'entry', 'entries')}, no buckets"
    look = look or look_of(header)
    total = stats.main_buckets if look.expected else sum(one.buckets for one in header.arrays)
    size = f" (B={header.B})" if header.B is not None else ""
    load = f"load {stats.live / total if total else 0:.2f}"
    if header.load_factor > 0 and look.expected:
        load += f" of {header.load_factor:g}"
    text = f"{_count(stats.live, 'entry', 'entries')} in {_count(total, look.bucket)}{size}, {load}"
    old = header.old
    if old is not None:
        kind = "same-size growth" if header.same_size_grow else "growing"
        text += f", {kind}: {stats.evacuated:,} of {old.buckets:,} old buckets evacuated"
    return text


def problem_notes(count: int) -> tuple[str, ...]:
    """What the figure says of a walk that met so many Problems."""
    if count == 0:
        return ()
    return (f"the walk met {_count(count, 'problem')}: buckets may be missing from this picture",)


# ---- folding


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
        return _round_step(linear, max(2, round(most * linear / max(length, 1))))


class _Grid:
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

    def __init__(self, header: Header, cells: bool = True, look: Look | None = None) -> None:
        self.header = header
        self.cells = cells
        self.look = look_of(header) if look is None else look
        self.offsets: dict[str, int] = {}
        self.total = 0
        for array in header.arrays:
            self.offsets[array.name] = self.total
            self.total += array.buckets
        self.columns = _column_count(self.total)
        self.scale = Scale(_linear_limit(header))
        self.live = _Grid(self.columns)  # buckets by column and level of live entries
        self.deleted = _Grid(self.columns)  # the same, where there is a tombstone
        self.evacuated = np.zeros(self.columns, np.int64)  # buckets
        self.seen = np.zeros(self.columns, np.int64)  # buckets not evacuated
        self.entries = np.zeros(self.columns)  # live ones, by the buckets' own count
        self.most_live = 0
        self.most_deleted = 0
        # A row (position, live, deleted) for each bucket, as long as they can be told apart.
        self.points: list[NDArray[np.int64]] = []
        self.spread = _Grid(self.columns)  # entries by column and tophash or place in the chain
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
        if self.look.tophash:
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


# ---- drawing

INK = "#1a1a1a"
FAINT = "#6b6b6b"
GRID = "#dcdcdc"
LIVE = "#1f4e9c"
OLD = "#5b9bd5"
DELETED = "#e07b00"
EXPECTED = "#b3261e"
ALARM = EXPECTED
SHADE = "#ececec"
# From little to much: each ramp only ever gets darker.
LIVE_RAMP = ("#b4d1ec", "#79acd9", "#3775b8", "#123f7d", "#041a3d")
DELETED_RAMP = ("#fbd3a0", "#f6ad58", "#dd7a0a", "#9c4a00", "#4f2200")

WIDTH, HEIGHT = 16.0, 10.0  # inches
DPI = 100
LINE = 0.27  # inches, of a line of the caption
WRAP = 165  # letters in a line of the caption

RC = {
    "svg.hashsalt": "hmapdbg",
    "pdf.fonttype": 42,
    "font.family": ["DejaVu Sans"],
    "font.size": 10.5,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.titlelocation": "left",
    "axes.titlesize": 12.5,
    "axes.titleweight": "bold",
    "axes.titlepad": 9.0,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 10.0,
}

# Outside the axes, where a legend hides nothing.
LEGEND = {
    "ncol": 6,
    "borderaxespad": 0.25,
    "borderpad": 0.2,
    "columnspacing": 1.6,
    "handletextpad": 0.5,
    "handlelength": 1.6,
    "scatterpoints": 1,
}

# No dates, so that one walk gives one file.
METADATA: dict[str, dict[str, str | None]] = {
    "png": {"Software": "hmapdbg"},
    "svg": {"Date": None, "Creator": "hmapdbg"},
    "pdf": {"CreationDate": None, "Creator": "hmapdbg", "Producer": None},
}


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
    probes: Ints | None = None,
    stream: Writable | None = None,
) -> None:
    """Writes the figure, in the format of the path's suffix. PlotError, OSError.

    probes: number of probes by length, for families without chains. stream: what is written to in
    place of the file at `path`.
    """
    format = format_of(path)
    data = io.BytesIO()
    with _matplotlib():
        figure = _Drawing(sink, stats, caption, probes).figure()
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
    """One figure. Axes are matplotlib's, which carries no types."""

    def __init__(self, sink: PlotSink, stats: Stats, caption: Caption, probes: Ints | None) -> None:
        self.sink = sink
        self.stats = stats
        self.caption = caption
        self.probes = probes
        self.look = sink.look
        self.header = sink.header
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
            text = _plain("note: " + "; ".join(self.notes))
            lines = _math_free("\n".join(_wrap(text, 200, 2)))
            figure.text(0.045, 0.012, lines, fontsize=9.5, color=FAINT, va="bottom")
        return figure

    def _draw_caption(self, figure: Any) -> float:
        """Writes the caption from the top down; where it ends, as a share of the height."""
        caption = self.caption
        left, y = 0.045, 1 - 0.3 / HEIGHT
        origin = _shorten(_plain(caption.origin), 90)
        room = 105 - len(origin)
        figure.text(
            left,
            y,
            _math_free(_shorten(_plain(caption.title), max(40, room))),
            fontsize=17,
            fontweight="bold",
            va="center",
        )
        figure.text(0.985, y, _math_free(origin), fontsize=11, color=FAINT, ha="right", va="center")
        y -= 0.36 / HEIGHT
        for line in caption.lines:
            for part in _wrap(_plain(line), WRAP, 2):
                figure.text(left, y, _math_free(part), fontsize=11.5, va="center")
                y -= LINE / HEIGHT
        for verdict in caption.verdicts or (caption.calm,):
            for number, part in enumerate(_wrap(_plain(verdict), WRAP - 15, 2)):
                mark = "verdict:  " if number == 0 else ""
                figure.text(
                    left,
                    y,
                    _math_free(mark + part),
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
        if self.header.count:
            text = "no array of buckets to draw"
        axes.text(
            0.5, 0.5, _math_free(_plain(text)), ha="center", va="center", fontsize=18, color=FAINT
        )

    def _draw_panels(self, figure: Any, top: float) -> None:
        panels = [self._draw_histogram]
        widths = [1.0]
        if self.sink.cells:
            panels.insert(0, self._draw_spread)
            widths.insert(0, 1.3)
        else:
            place = self.look.tophash or "place in the chain"
            self.notes.append(
                f"{'three' if self._lengths() is not None else 'two'} panels: the entries were not "
                f"read, so their spread over {self.look.bucket} and {place} is not drawn"
            )
        if self._lengths() is not None:
            panels.append(self._draw_lengths)
            widths.append(1.0)
        else:
            self.notes.append("probe lengths are not known, and not drawn")
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
        self._draw_occupancy(figure.add_subplot(outer[0]))
        row = outer[1].subgridspec(1, len(panels), width_ratios=widths, wspace=0.28)
        for place, panel in zip(row, panels):
            panel(figure.add_subplot(place))

    # ---- 1 occupancy

    def _draw_occupancy(self, axes: Any) -> None:
        sink, look = self.sink, self.look
        axes.set_title(f"Occupancy of each {look.bucket}")
        axes.set_ylabel(f"entries in the {look.bucket}")
        # The room of a full bucket, so that an empty map looks empty.
        slots = self.header.slots_per_bucket
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
        self._limit_positions(axes, padded=not sink.is_dense)
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
        self._mark_bend(axes, max(top, bottom), vertical=True)
        self._label_positions(axes)
        self._mark_arrays(axes)
        if axes.get_legend_handles_labels()[0]:
            _legend_beside_title(axes)

    def _draw_points(self, axes: Any) -> None:
        sink = self.sink
        if not sink.points:
            return
        position, live, deleted = np.concatenate(sink.points).T
        place = sink.scale.place
        size = float(np.clip(9000 / sink.total, 9, 90))
        old = self._is_old(position)
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
        for grid, ramp, sign, label in (
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
                cmap=_ramp(ramp),
                norm=norm,
                zorder=1.5,
            )
            axes.plot([], [], "s", markersize=9, color=ramp[2], label=label)
            if sign > 0:
                self._add_colorbar(axes, drawn, f"share of the {self.look.bucket}s there")
            self._mark_outliers(axes, grid, sign)
        self._draw_mean(axes)

    def _mark_outliers(self, axes: Any, grid: _Grid, sign: int) -> None:
        """Dots on the image's cells that are far up, since one of them is all there is to see."""
        marked = np.arange(grid.counts.shape[1]) > self.sink.scale.linear
        if sign > 0 and self.look.expected:
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
        for array, name in zip(arrays, ("new array", "old array")):
            start = self.sink.offsets[array.name]
            axes.annotate(
                f"{name}, {_count(array.buckets, self.look.bucket)}",
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

    def _limit_positions(self, axes: Any, padded: bool) -> None:
        """The positions, and where points are drawn, room for those at the ends."""
        pad = 0.5 + (0.008 * self.sink.total if padded else 0)
        axes.set_xlim(-pad, self.sink.total - 1 + pad)

    def _label_positions(self, axes: Any, most: int = 10) -> None:
        """Ticks along the buckets: numbers in their array, or, of many tables, running ones."""
        sink, look = self.sink, self.look
        arrays = self.header.arrays
        if len(arrays) <= 2:
            step = _round_step(sink.total, most)
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
            numbers = f"{look.bucket} number"
        else:
            axes.xaxis.set_major_formatter(_thousands)
            numbers = f"{look.bucket}, {len(arrays):,} tables one after the other"
        if sink.is_dense and most >= 10:
            each = round(sink.total / sink.columns)
            numbers += f" (a column of the image is {_count(each, look.bucket)})"
        axes.set_xlabel(numbers)

    def _is_old(self, position: Ints) -> NDArray[np.bool_]:
        old = self.header.old
        if old is None:
            return np.zeros(len(position), np.bool_)
        return position >= self.sink.offsets[old.name]

    # ---- 2 spread

    def _draw_spread(self, axes: Any) -> None:
        sink, look = self.sink, self.look
        what = look.tophash or "place in the chain"
        _set_title(axes, f"Entries over {look.bucket} and {what}")
        axes.set_ylabel(what)
        if sink.spread_count == 0:
            _say(axes, "no entries")
            return
        if look.tophash:
            # Swiss control bytes hold seven bits of hash.
            top = TOPHASHES // 2 - 1 if sink.highest < 128 and not look.expected else TOPHASHES - 1
            high = float(top)
            axes.set_yticks([*range(0, top, (top + 1) // 4), top])
        else:
            top, high = sink.highest, float(sink.scale.place(np.array(sink.highest)))
            ticks = sink.scale.ticks(top, sink.scale.step((top,), 8))
            axes.set_yticks(sink.scale.place(np.array(ticks)))
            axes.set_yticklabels([f"{tick:,}" for tick in ticks])
            self._mark_bend(axes, top, vertical=True)
        margin = 0.02 * high + 0.5
        if sink.spread_points:
            position, height = np.concatenate(sink.spread_points).T
            old = self._is_old(position)
            y = height if look.tophash else sink.scale.place(height)
            size = float(np.clip(9000 / sink.spread_count, 9, 90))
            for which, color, marker in ((~old, LIVE, "o"), (old, OLD, "s")):
                if which.any():
                    axes.scatter(
                        position[which], y[which], s=size, c=color, marker=marker, linewidths=0
                    )
        else:
            margin = 0.5
            self._draw_spread_density(axes, int(high) + 1)
        self._limit_positions(axes, padded=bool(sink.spread_points))
        axes.set_ylim(-margin, high + margin)
        axes.grid()
        self._label_positions(axes, 5)
        self._mark_arrays_plainly(axes)

    def _draw_spread_density(self, axes: Any, levels: int) -> None:
        from matplotlib.colors import LogNorm, Normalize

        sink, look = self.sink, self.look
        counts = sink.spread.counts[:, :levels]
        if counts.shape[1] < levels:
            counts = np.pad(counts, ((0, 0), (0, levels - counts.shape[1])))
        # Coarser until a uniform hash would give a smooth picture.
        across = up = 1
        cells = counts.size
        while sink.spread_count / cells < 12 and (
            counts.shape[0] // across > 64 or (look.tophash and levels // up > 64)
        ):
            if counts.shape[0] // across > 64:
                across *= 2
                cells //= 2
            if look.tophash and levels // up > 64:
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
            cmap=_ramp(LIVE_RAMP),
            norm=norm,
            zorder=1.5,
        )
        self._add_colorbar(axes, drawn, "")
        across_text = _count(round(sink.total / len(image)), look.bucket)
        up_text = f" by {_count(up, look.tophash)}" if look.tophash else ""
        axes.text(
            0,
            1.025,
            f"entries in a cell of {across_text}{up_text}",
            transform=axes.transAxes,
            fontsize=10,
        )

    def _mark_arrays_plainly(self, axes: Any) -> None:
        if self.header.old is not None:
            axes.axvline(self.sink.offsets[self.header.old.name] - 0.5, color=INK, linewidth=1.2)

    # ---- 3 histogram

    def _draw_histogram(self, axes: Any) -> None:
        sink, look, stats = self.sink, self.look, self.stats
        scale = sink.scale
        found = stats.counts if look.expected else stats.occupancy
        _set_title(axes, f"{look.bucket.capitalize()}s by number of entries")
        axes.set_xlabel(f"entries in a {look.bucket}")
        axes.set_ylabel(f"{look.bucket}s")
        top = max(len(found) - 1, 1)
        bars = _by_level(scale, np.arange(len(found), dtype=np.int64), found)
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
        _scale_counts(axes, bars, self._is_far_out(bars, expected) or one_stands_out)
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
        self._label_levels(axes, max(top, end if end <= scale.linear else top))
        _legend_below_title(axes)
        axes.grid(axis="y")
        self._mark_bend(axes, top, vertical=False)

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
            more = _by_level(scale, counts, chance * max(bins, 0))
            size = max(len(out), len(more))
            out = np.pad(out, (0, size - len(out))) + np.pad(more, (0, size - len(more)))
        return out

    # ---- 4 lengths

    def _lengths(self) -> Ints | None:
        """Chains, or probes, by length."""
        if self.probes is not None:
            return self.probes
        return self.stats.chains if self.look.chain else None

    def _draw_lengths(self, axes: Any) -> None:
        look, stats = self.look, self.stats
        counts = self._lengths()
        assert counts is not None
        if self.probes is not None:
            _set_title(axes, "Probes for an absent key, by length")
            axes.set_xlabel(f"{look.bucket}s looked at")
            axes.set_ylabel(f"{look.bucket}s to start from")
        else:
            _set_title(axes, "Chains by length")
            axes.set_xlabel(look.chain)
            axes.set_ylabel("chains")
        scale = self.sink.scale
        used = np.flatnonzero(counts)
        if len(used) == 0:
            _say(axes, "no chains left to draw")
            return
        bars = _by_level(scale, np.arange(len(counts), dtype=np.int64), counts)
        top = int(used[-1])
        start = 0 if bars[0] else 1
        bound = stats.chain_bound if self.probes is None and look.expected and stats.live else 0
        end = max(len(bars) - 1, 4, bound + 1 if bound < 24 else 0)
        x = np.arange(start, len(bars))
        axes.bar(x, bars[start:], width=0.86, color=OLD, edgecolor=LIVE, linewidth=0.8)
        _scale_counts(axes, bars, bars.max() > 200 * bars[bars > 0].min())
        if 0 < bound <= end:
            axes.axvline(
                bound + 0.5,
                color=EXPECTED,
                linestyle=(0, (4, 3)),
                linewidth=1.4,
                label=f"uniform hash: at most {bound:,}",
            )
            _legend_below_title(axes)
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
        self._label_levels(axes, max(top, end if end <= scale.linear else top), start)
        axes.grid(axis="y")
        self._mark_bend(axes, top, vertical=False)

    # ---- shared

    def _label_levels(self, axes: Any, top: int, start: int = 0) -> None:
        scale = self.sink.scale
        ticks = [tick for tick in scale.ticks(top, scale.step((top,), 12)) if tick >= start]
        if start and (not ticks or ticks[0] != start):
            ticks = [start, *(tick for tick in ticks if tick > start + (top > 12))]
        axes.set_xticks(scale.place(np.array(ticks)))
        axes.set_xticklabels([f"{tick:,}" for tick in ticks])

    def _mark_bend(self, axes: Any, top: int, vertical: bool) -> None:
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

    def _add_colorbar(self, axes: Any, image: Any, label: str) -> None:
        bar = axes.figure.colorbar(image, ax=axes, pad=0.012, aspect=32, fraction=0.03)
        if label:
            bar.set_label(label, fontsize=9.5)
        bar.outline.set_visible(False)
        bar.ax.yaxis.set_major_formatter(_short_number)
        bar.ax.tick_params(labelsize=9, length=2)
        bar.ax.minorticks_off()


def _by_level(scale: Scale, counts: Ints, weights: Any) -> Any:
    """The weights of counts, added up by level; of the weights' type."""
    out = np.bincount(scale.levels(counts), weights=weights)
    used = np.flatnonzero(out)
    out = out[: used[-1] + 1 if len(used) else 1]
    return out.astype(np.asarray(weights).dtype)


def _scale_counts(axes: Any, bars: Ints, logarithmic: bool) -> None:
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
    axes.yaxis.set_major_formatter(_thousands)


def _set_title(axes: Any, text: str) -> None:
    """The title of a narrow panel, which leaves a line for its legend."""
    axes.set_title(text, pad=27)


def _legend_below_title(axes: Any) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if labels == ["found"]:
        return
    # Bars first.
    place = {"loc": "lower left", "bbox_to_anchor": (-0.01, 1.0)}
    axes.legend(handles[::-1], labels[::-1], **place, **LEGEND)


def _legend_beside_title(axes: Any) -> None:
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), **LEGEND)


def _say(axes: Any, text: str) -> None:
    """A panel with nothing but a few words."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", fontsize=14, color=FAINT)


def _ramp(colors: Sequence[str]) -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("hmapdbg", colors)


def _thousands(value: float, _position: object = None) -> str:
    return f"{value:,.0f}" if value >= 1 or value == 0 else ""


def _short_number(value: float, _position: object = None) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def _round_step(top: int, most: int) -> int:
    """A step of 1, 2 or 5 times a power of ten that makes at most about `most` steps to `top`."""
    least = max(1.0, top / max(most, 1))
    power = 10 ** int(math.log10(least))
    return next(int(power * k) for k in (1, 2, 5, 10) if power * k >= least)


def _count(number: int, noun: str, nouns: str = "") -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {nouns or noun + 's'}"


def _plain(text: str) -> str:
    """Text as letters that the font has: what is unprintable, or not in it, becomes \\xNN."""
    if text.isascii() and text.isprintable():
        return text
    from matplotlib import font_manager

    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    return "".join(
        letter if letter.isprintable() and font.get_char_index(ord(letter)) else _escaped(letter)
        for letter in text
    )


def _escaped(letter: str) -> str:
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _math_free(text: str) -> str:
    """Text in which dollars are dollars: matplotlib takes those between two of them for TeX."""
    return text.replace("$", r"\$")


def _shorten(text: str, most: int) -> str:
    """At most so many letters; the middle goes first."""
    if len(text) <= most:
        return text
    half = (most - 1) // 2
    return f"{text[:half]}…{text[len(text) - half:]}"


def _wrap(text: str, width: int, most: int) -> list[str]:
    """Lines of at most `width` letters, at most so many; what is cut ends with "…"."""
    lines = textwrap.wrap(text, width, break_on_hyphens=False) or [""]
    if len(lines) > most:
        lines[most - 1] = _shorten(lines[most - 1], width - 1) + "…"
    return lines[:most]
