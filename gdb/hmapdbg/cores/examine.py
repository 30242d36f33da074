"""Examines the maps of one core: the files of each, and what came of it for the report."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Union

from ..families import DEFINITIONS, open_map
from ..families.family import Map
from ..listing import saved, tables
from ..listing.collect import Left, Wanted, has_registry, listing_of, search_maps
from ..listing.rows import Listing, ranked
from ..output.dump import Dumped, MapFiles, dump_map
from ..output.files import Outputs
from ..reach.limits import Limits
from ..reach.resolve import resolve
from ..reach.walk import Search
from ..target import Target, TargetError
from ..target.opening import open_target, take_twin
from ..values.renderer import MAX_STRING
from .explain import explain
from .job import (
    BEGIN,
    DOCUMENT,
    ENTRIES,
    INCOMPLETE,
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
    ReportFile,
)
from .names import Names

# A map to examine and its name, or what came of one that could not be opened.
_Found = Union[MapResult, tuple[str, Map]]


def examine(job: Job, report: ReportFile) -> None:
    """Does the job, in the gdb that has the core."""
    try:
        if job.twin:
            take_twin(job.twin)
    except TargetError as error:
        report.add(TROUBLE, text=str(error))
        return
    try:
        target = open_target()
    except TargetError:
        report.add(TROUBLE, text="gdb found no process in the core")
        return
    try:
        for path in job.definitions:
            DEFINITIONS.load(path, target.lookup_type)
    except TargetError as error:
        report.add(TROUBLE, text=str(error))
        return
    for found in _open_maps(target, job, report):
        if isinstance(found, MapResult):
            report.add(MAP, **asdict(found))
            continue
        name, opened = found
        report.add(BEGIN, name=name)
        try:
            result = _examine_map(target, opened, name, job)
        except Exception as error:  # pylint: disable=broad-except
            traceback.print_exc()
            result = MapResult(name, opened.header.expression, explain(error))
        report.add(MAP, **asdict(result))


def _open_maps(target: Target, job: Job, report: ReportFile) -> Iterator[_Found]:
    """The maps that the job names, or all that are found."""
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


def _find_maps(target: Target, job: Job, report: ReportFile, names: Names) -> Iterator[_Found]:
    """The maps that hmap-list finds; its list of them is written on the way."""
    wanted = Wanted(samples=True, limits=Limits(seconds=job.seconds, wall_seconds=job.seconds))
    search, left = Search(target, wanted.limits), Left()
    found = search_maps(target, search, left)
    for trouble in left.troubles:
        report.add(TROUBLE, text=trouble)
    for expression, why in left.unreadable:
        yield MapResult(names.take("", "unreadable"), expression, why)
    if not found and not left.troubles and not left.unreadable:
        why = "none existed, or all had been destroyed"
        if search.has_stopped:
            why = "the search ended before it came to one"
        elif target.is_go or not has_registry(target):
            why = "no variable leads to one: name maps with --map"
        report.add(TROUBLE, text=f"no maps: {why}")
    listing = listing_of(target, search, left, found, wanted)
    order = {row.address: number for number, row in enumerate(ranked(listing.rows))}
    _write_listing(job, replace(listing, rows=ranked(listing.rows)))
    for cut in listing.cuts:
        if cut not in left.troubles and not cut.startswith(("the registry: ", "left out: ")):
            report.add(NOTE, text=f"{INCOMPLETE}{cut}")
    for note in left.notes:
        report.add(NOTE, text=note)
    # The largest first: that is what is looked for.
    found.sort(key=lambda one: order[one.header.address])
    if 0 < job.most < len(found):
        report.add(
            NOTE,
            text=f"the {job.most:,} largest of {len(found):,} maps: '--most 0' examines all",
        )
        del found[job.most :]
    for one in found:
        yield names.take(one.header.name or one.path, "unnamed"), one.map


def _write_listing(job: Job, listing: Listing) -> None:
    with Outputs() as outputs:
        outputs.open(os.path.join(job.folder, LISTING)).write(saved.dump(listing, samples=True))
        lines = "".join(f"{line}\n" for line in tables.list_lines(listing, 0))
        outputs.open(os.path.join(job.folder, TABLE)).write(lines)
        outputs.commit()


def _examine_map(target: Target, opened: Map, name: str, job: Job) -> MapResult:
    """One walk, for the numbers, the check and all files."""
    # A map that was not named by an expression goes by its own name.
    header = opened.header
    if not job.maps and header.name:
        header = replace(header, expression=header.name)
    stem = os.path.join(job.folder, name)
    files = MapFiles(
        occupancy=[stem + OCCUPANCY],
        documents=[stem + DOCUMENT],
        summaries=[stem + SUMMARY],
        entries=[stem + ENTRIES] if job.entries else [],
        pictures=[stem + PICTURE] if job.pictures else [],
        guarded=job.guarded,
    )
    with Outputs() as outputs:
        dumped = dump_map(
            target,
            opened,
            files,
            outputs,
            max_string=MAX_STRING,
            origin=os.path.basename(job.core),
            header=header,
            audit=True,
        )
        outputs.commit()
    return _result(name, opened.header.expression, dumped, files)


def _result(name: str, expression: str, dumped: Dumped, files: MapFiles) -> MapResult:
    stats, problems = dumped.stats, dumped.problems
    verdicts = stats.verdicts()
    return MapResult(
        name=name,
        expression=expression,
        family=stats.header.family,
        types=stats.header.types,
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
        files=[os.path.basename(path) for path in files.paths()],
    )
