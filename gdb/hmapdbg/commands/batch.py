"""Examines the maps of one core for scripts/hmap-cores, which started this gdb: no command.

    (gdb) python from hmapdbg.commands.batch import main; main("job.json")
"""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import IO, TYPE_CHECKING, Any


from .. import parameters
from ..cores.job import (
    BEGIN,
    DOCUMENT,
    END,
    ENTRIES,
    LISTING,
    MAP,
    NOTE,
    OCCUPANCY,
    PICTURE,
    SUMMARY,
    TABLE,
    TROUBLE,
    Job,
    MapResult,
)
from ..cores.names import Names
from .command import MISSING
from .files import FileError, Outputs

if TYPE_CHECKING:
    from ..families.family import Map
    from ..listing.rows import Listing
    from ..target import Target


class _Report:
    """The report file, a line at a time."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def add(self, kind: str, **fields: Any) -> None:
        self._file.write(json.dumps({"kind": kind, **fields}) + "\n")
        self._file.flush()


def main(job_file: str) -> None:
    """Does the job. Raises nothing: all that happens is in the report."""
    job = Job.read(job_file)
    with open(job.report, "a", encoding="utf-8") as file:
        report = _Report(file)
        try:
            _examine(job, report)
        except Exception as error:  # pylint: disable=broad-except
            traceback.print_exc()
            report.add(TROUBLE, text=_explain(error))
        report.add(END)


def _examine(job: Job, report: _Report) -> None:
    from ..target import TargetError
    from ..target.opening import open_target

    try:
        target = open_target()
    except TargetError:
        report.add(TROUBLE, text="gdb finds no process in the core")
        return
    for opened in _open_maps(target, job, report):
        if isinstance(opened, MapResult):
            report.add(MAP, **asdict(opened))
            continue
        name, one = opened
        report.add(BEGIN, name=name)
        try:
            result = _examine_map(target, one, name, job)
        except Exception as error:  # pylint: disable=broad-except
            traceback.print_exc()
            result = MapResult(name, one.header.expression, _explain(error))
        report.add(MAP, **asdict(result))


def _open_maps(
    target: Target, job: Job, report: _Report
) -> Iterator[MapResult | tuple[str, Map]]:
    """The maps to examine, each with its name; or what came of one that could not be opened."""
    from ..families import open_map
    from ..reach.resolve import resolve
    from ..target import TargetError

    names = Names(taken=("core", "gdb", "maps", "index"))
    if not job.maps:
        yield from _find_maps(target, job, report, names)
        return
    for expression in job.maps:
        name = names.take(expression, "map")
        try:
            yield name, open_map(target, resolve(target, expression))
        except TargetError as error:
            yield MapResult(name, expression, str(error))


def _find_maps(
    target: Target, job: Job, report: _Report, names: Names
) -> Iterator[MapResult | tuple[str, Map]]:
    """The maps that hmap-list finds, and its list of them as a file."""
    from ..listing.collect import Left, Wanted, find_maps, has_registry, listing_of
    from ..listing.rows import ranked
    from ..reach.walk import Search

    wanted = Wanted(samples=True)
    search, left = Search(target, wanted.limits), Left()
    found = list(find_maps(target, search, left))
    for trouble in left.troubles:
        report.add(TROUBLE, text=trouble)
    for expression, why in left.unreadable:
        yield MapResult(names.take("", "unreadable"), expression, why)
    if not found and not left.troubles and not left.unreadable:
        why = "none had been made, or all had been destroyed"
        if target.is_go or not has_registry(target):
            why = "none is reached from the program's variables: name maps with --map"
        report.add(TROUBLE, text=f"no maps: {why}")
    listing = listing_of(target, search, left, found, wanted)
    order = {row.address: number for number, row in enumerate(ranked(listing.rows))}
    _write_listing(job, replace(listing, rows=ranked(listing.rows)))
    for cut in [*search.cuts, *left.notes]:
        report.add(NOTE, text=cut)
    # The largest first: that is what is looked for.
    found.sort(key=lambda one: order[one.header.address])
    if 0 < job.most < len(found):
        report.add(
            NOTE,
            text=f"the {job.most:,} largest of {len(found):,} maps: '--most 0' examines them all",
        )
        del found[job.most :]
    for one in found:
        yield names.take(one.header.name or one.path, "unnamed"), one.map


def _write_listing(job: Job, listing: Listing) -> None:
    from ..listing.saved import dump
    from ..listing.tables import list_lines

    with Outputs() as outputs:
        outputs.open(os.path.join(job.folder, LISTING)).write(dump(listing, samples=True))
        lines = "".join(f"{line}\n" for line in list_lines(listing, 0))
        outputs.open(os.path.join(job.folder, TABLE)).write(lines)
        outputs.commit()


def _examine_map(target: Target, opened: Map, name: str, job: Job) -> MapResult:
    """One walk, for the numbers, the check and all files."""
    from .. import json as dump_json
    from .. import text
    from ..csv import EntriesWriter, OccupancyWriter
    from ..plot import PlotSink, caption_of, draw
    from ..survey import Sink, survey
    from ..values import Renderer

    # A map that was not named by an expression goes by its own name.
    header = opened.header
    if not job.maps and header.name:
        header = replace(header, expression=header.name)
    renderer = Renderer(target, max_string=parameters.get(parameters.MaxString))
    stem = os.path.join(job.folder, name)
    files = [OCCUPANCY, DOCUMENT, SUMMARY]
    with Outputs() as outputs:
        sinks: list[Sink] = [OccupancyWriter(outputs.open(stem + OCCUPANCY))]
        if job.entries:
            files.append(ENTRIES)
            stream = outputs.open(stem + ENTRIES)
            sinks.append(EntriesWriter(stream, renderer, header.key_type, header.elem_type))
        plot = PlotSink(header) if job.pictures else None
        if plot is not None:
            files.append(PICTURE)
            sinks.append(plot)
        stats, problems = survey(header, opened.audit(), sinks)
        if plot is not None:
            caption = caption_of(stats, os.path.basename(job.core), len(problems))
            draw(stem + PICTURE, plot, stats, caption, stream=outputs.open(stem + PICTURE))
        outputs.open(stem + DOCUMENT).write(dump_json.dump(stats, problems))
        outputs.open(stem + SUMMARY).write(text.summary(stats, problems))
        outputs.commit()
    verdicts = stats.verdicts()
    return MapResult(
        name=name,
        expression=opened.header.expression,
        family=header.family,
        types=header.types,
        entries=stats.live,
        buckets=stats.main_buckets,
        load=stats.load,
        slots=stats.slots,
        deleted=stats.deleted,
        longest_chain=stats.longest_chain,
        held=stats.held,
        wasted=stats.wasted,
        verdicts=[verdict.name for verdict in verdicts],
        evidence=[verdict.text for verdict in verdicts],
        problems=len(problems),
        faults=sum(not problem.invariant for problem in problems),
        first_problem=str(problems[0]) if problems else "",
        files=[name + suffix for suffix in files],
    )


def _explain(error: Exception) -> str:
    """One line for the user."""
    from ..target import MemoryFault, TargetError

    if isinstance(error, (TargetError, MemoryFault, FileError)):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and error.name in MISSING:
        return (
            f"cannot import '{error.name}' in gdb's Python: "
            f"install it, on Debian with 'apt install {MISSING[error.name]}'"
        )
    if isinstance(error, MemoryError):
        return "out of memory: give fewer cores at a time with -j"
    first = (str(error).splitlines() or [""])[0]
    return f"failed inside: {type(error).__name__}: {first}: please report it"
