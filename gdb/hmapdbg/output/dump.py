"""One walk of a map, and all files that are made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .. import json, text
from ..block import Problem
from ..csv import EntriesWriter, OccupancyWriter
from ..families.family import Map
from ..header import Header
from ..plot import PlotSink, caption_of, draw
from ..stats import Stats
from ..survey import survey
from ..target import Target
from ..values import Renderer
from .files import Outputs


@dataclass(frozen=True)
class MapFiles:
    """The files that are asked for of a map, by what is in them; "-" is standard output."""

    occupancy: Sequence[str] = ()  # CSV, a row for each bucket
    entries: Sequence[str] = ()  # CSV, a row for each live entry
    documents: Sequence[str] = ()  # JSON
    pictures: Sequence[str] = ()  # in the format that the suffix says
    summaries: Sequence[str] = ()  # the text that hmap-dump prints
    guarded: bool = False  # texts in CSVs are what no spreadsheet runs

    def paths(self) -> list[str]:
        """All of them."""
        return [
            *self.occupancy,
            *self.documents,
            *self.summaries,
            *self.entries,
            *self.pictures,
        ]


@dataclass(frozen=True)
class Dumped:
    """What one walk has found. `summary`: the text that hmap-dump prints."""

    stats: Stats
    problems: Sequence[Problem]
    summary: str


def dump_map(
    target: Target,
    opened: Map,
    files: MapFiles,
    outputs: Outputs,
    *,
    max_string: int,
    origin: str,
    header: Header | None = None,
    audit: bool = False,
    most: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Dumped:
    """Writes the files; the caller commits `outputs`. FileError, PlotError.

    max_string: bytes shown of a string. origin: where and when, for the pictures. header: in place
    of the map's own, for another name. audit: look at each invariant too. most: rows of a CSV of
    entries (None: all). progress: is told the buckets done, and their number.
    """
    header = header or opened.header
    renderer = Renderer(target, max_string=max_string)
    # All are opened first: a path that cannot be written shows before the walk.
    tables = [OccupancyWriter(outputs.open(path), header.geometry.name) for path in files.occupancy]
    types = header.key_type, header.elem_type
    entries = [
        EntriesWriter(outputs.open(path), renderer, *types, most, files.guarded)
        for path in files.entries
    ]
    documents = [outputs.open(path) for path in files.documents]
    pictures = [(path, outputs.open(path)) for path in files.pictures]
    summaries = [outputs.open(path) for path in files.summaries]
    drawn = [PlotSink(header)] if pictures else []
    walk = opened.audit() if audit else opened.walk(cells=bool(entries or pictures))
    stats, problems = survey(
        header, walk, [*tables, *entries, *drawn], progress, opened.check_placement
    )
    for document in documents:
        document.write(json.dump(stats, problems))
    for path, picture in pictures:
        caption = caption_of(stats, origin, len(problems))
        draw(path, drawn[0], stats, caption, stream=picture)
    notes = [
        f"{path} holds the first {one.rows:,} of {stats.live:,} entries (--limit)"
        for path, one in zip(files.entries, entries)
        if most is not None and one.rows < stats.live
    ]
    notes += _iter_cuts(renderer, max_string)
    summary = text.summary(stats, problems, notes)
    for output in summaries:
        output.write(summary)
    return Dumped(stats, problems, summary)


def _iter_cuts(renderer: Renderer, max_string: int) -> Iterator[str]:
    """What of the values was left out."""
    if renderer.cut_strings:
        yield (
            f"{renderer.cut_strings:,} strings were cut at {max_string:,} bytes: "
            "see 'set hmap max-string'"
        )
    if renderer.cut_arrays:
        yield f"{renderer.cut_arrays:,} arrays inside values were cut"
