"""The picture: both CSV files folded into it, and its caption."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .. import plot
from ..output.files import Outputs
from ..stats import Stats
from .tables import Occupancy, iter_cells


def draw(occupancy_path: str, entries_path: str | None, output: str, title: str | None) -> None:
    """Reads the files and writes the picture. FileError, PlotError."""
    occupancy = Occupancy(occupancy_path)
    header = occupancy.header(occupancy_path if title is None else title)
    stats = Stats(header)
    sink = plot.PlotSink(header, cells=entries_path is not None)
    for block in occupancy.iter_blocks():
        stats.add(block)
        sink.add(block)
    entries = 0
    # A map without an array of buckets (sync.Map) may have entries all the same, at no place.
    if entries_path is not None and header.arrays:
        for block in iter_cells(entries_path, occupancy):
            sink.add(block)
            entries += len(block.cells) if block.cells is not None else 0
    notes = []
    if entries_path is None:
        notes.append("no entries CSV (--entries)")
    elif header.arrays and entries != stats.live:
        notes.append(f"the entries CSV has {entries:,} entries, the occupancy {stats.live:,}")
    names = [occupancy_path] if entries_path is None else [occupancy_path, entries_path]
    origin = "from " + " and ".join(os.path.basename(name) for name in names)
    with Outputs() as outputs:
        caption = _caption(stats, origin, notes)
        plot.draw(output, sink, stats, caption, stream=outputs.open(output))
        outputs.commit()


def _caption(stats: Stats, origin: str, notes: Sequence[str]) -> plot.Caption:
    """What can be said of a map by its CSV."""
    header = stats.header
    judged = header.geometry.null_model is not None and header.arrays
    calm = "nothing unusual, as far as a CSV shows"
    if not judged:
        calm = "not judged from a CSV" if header.arrays else "no buckets"
    return plot.Caption(
        title=header.expression,
        origin=origin,
        lines=(
            "a CSV does not contain the map's types, its B, or the bytes held",
            plot.size_line(stats),
        ),
        verdicts=tuple(verdict.text for verdict in stats.verdicts()) if judged else (),
        calm=calm,
        notes=tuple(notes),
        nothing="no rows in the CSV: the map has no buckets yet, or has none (sync.Map)",
    )
