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

Beside it, growth.py: lines over several looks at the maps of a program.
"""

from .caption import Caption, caption_of, problem_notes, size_line
from .figure import PlotError, draw, format_of
from .folding import PlotSink

__all__ = [
    "Caption",
    "PlotError",
    "PlotSink",
    "caption_of",
    "draw",
    "format_of",
    "problem_notes",
    "size_line",
]
