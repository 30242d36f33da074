"""Colours, sizes and fonts. Dark is much and light is little in every image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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


def ramp(colors: Sequence[str]) -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("hmapdbg", colors)


def thousands(value: float, _position: object = None) -> str:
    return f"{value:,.0f}" if value >= 1 or value == 0 else ""


def short_number(value: float, _position: object = None) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"
