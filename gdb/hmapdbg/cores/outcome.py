"""What is told of a run: lines on a terminal, summary.csv, the exit status."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..listing.tables import csv_of
from ..text import printable
from . import FINE, FOUND, UNREADABLE
from .job import INCOMPLETE, MapResult
from .run import CoreResult

# Of stats.Stats.verdicts(), as --fail-on takes them.
VERDICTS = (
    "full",
    "emptied",
    "oversized",
    "skewed",
    "growing",
    "stalled",
    "pinned",
    "incomplete",
    "writer inside",
)

COLUMNS = (
    "core",
    "status",  # ok, problem, unreadable
    "map",  # that its files begin with; empty: the row is about the core
    "verdicts",  # names with ";" between them
    "entries",
    "buckets",
    "load",
    "deleted",  # slots
    "longest_chain",
    "held",  # bytes
    "wasted",
    "problems",
    "folder",  # in the output
    "detail",  # what is wrong, or what the verdicts say
    "notes",  # about the core
)


def status_of(one: MapResult) -> str:
    """The status of a map: "ok", "problem" or "unreadable"."""
    if one.is_unreadable:
        return "unreadable"
    return "problem" if one.problems else "ok"


def exit_status(results: Iterable[CoreResult], fail_on: Sequence[str]) -> int:
    """The highest status that applies."""
    status = FINE
    for result in results:
        if result.troubles or any(one.is_unreadable for one in result.maps):
            return UNREADABLE
        # Truncated, but all of its maps are in the part that is there; or not all was searched.
        if any(note.startswith(("truncated", INCOMPLETE)) for note in result.notes):
            return UNREADABLE
        for one in result.maps:
            if one.problems or set(fail_on).intersection(one.verdicts):
                status = FOUND
    return status


def detail_of(one: MapResult) -> str:
    """What is wrong with a map, or what its verdicts say."""
    if one.error:
        return one.error
    if one.problems:
        more = f" (and {one.problems - 1:,} more)" if one.problems > 1 else ""
        return f"{one.first_problem}{more}"
    return "; ".join(one.evidence)


# ---- the terminal


def iter_lines(result: CoreResult, fail_on: Sequence[str] = ()) -> Iterator[str]:
    """The lines about a core, safe for a terminal: one where nothing of it could be examined."""
    shown = printable(result.core.shown)
    if not result.maps and len(result.troubles) == 1:
        yield f"{shown}: {printable(result.troubles[0])}"
        return
    count = len(result.maps)
    notes = "".join(f"; {printable(note)}" for note in result.notes)
    yield f"{shown}: {count:,} {'map' if count == 1 else 'maps'}{notes}"
    names = max((len(one.name) for one in result.maps), default=0)
    verdicts = max((len(_verdicts(one, fail_on)) for one in result.maps), default=0)
    for one in result.maps:
        yield f"  {one.name:<{names}}  {_map_line(one, f'{_verdicts(one, fail_on):<{verdicts}}')}"
    for trouble in result.troubles:
        yield f"  unreadable: {printable(trouble)}"


def _verdicts(one: MapResult, fail_on: Sequence[str]) -> str:
    """The verdicts on a map, those that --fail-on names marked."""
    if one.error:
        return ""
    names = [f"{name} (--fail-on)" if name in fail_on else name for name in one.verdicts]
    return ", ".join(names) or ("nothing unusual" if one.entries else "empty")


def _map_line(one: MapResult, verdicts: str) -> str:
    if one.error:
        return f"unreadable: {printable(one.error)}"
    entries = f"{one.entries:,} {'entry' if one.entries == 1 else 'entries'}"
    line = f"{verdicts}  {entries:>18}  {size(one.held):>9} held  {size(one.wasted):>9} wasted"
    if one.problems:
        what = "unreadable" if one.is_unreadable else "problem"
        line += f"  {what}: {printable(detail_of(one))}"
    return line


def closing_line(results: Sequence[CoreResult], output: str) -> str:
    """What came of all cores."""
    cores = len(results)
    failed = sum(1 for one in results if not one.maps)
    maps = [one for result in results for one in result.maps]
    bad = sum(1 for one in maps if one.problems and not one.is_unreadable)
    blind = sum(1 for one in maps if one.is_unreadable)
    parts = [f"{cores - failed:,} of {cores:,} {'core' if cores == 1 else 'cores'} examined"]
    parts.append(f"{len(maps):,} {'map' if len(maps) == 1 else 'maps'}")
    if bad:
        parts.append(f"{bad:,} with Problems")
    if blind:
        parts.append(f"{blind:,} unreadable")
    return f"{', '.join(parts)}; the table of all is {printable(output)}/summary.csv"


def size(count: int) -> str:
    """Bytes for people.

    >>> size(100), size(2703368)
    ('100 B', '2.6 MiB')
    """
    if count < 1024:
        return f"{count} B"
    amount = count / 1024
    for unit in ("KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            break
        amount /= 1024
    return f"{amount:,.1f} {unit}"


# ---- summary.csv


def summary(results: Sequence[CoreResult], guarded: bool = False) -> str:
    """The CSV over all cores: a row for each map, and for each thing that could not be examined;
    guarded: texts as csv.guard has them."""
    table: list[Sequence[str]] = [COLUMNS]
    for result in results:
        for row in _iter_rows(result):
            table.append([printable(str(row.get(name, ""))) for name in COLUMNS])
    return csv_of(table, guarded)


def _iter_rows(result: CoreResult) -> Iterator[dict[str, object]]:
    about: dict[str, object] = {"core": result.core.shown, "notes": "; ".join(result.notes)}
    if result.has_folder:
        about["folder"] = result.core.name
    for one in result.maps:
        row = about | {"status": status_of(one), "map": one.name, "detail": detail_of(one)}
        if not one.error:
            row |= {
                "verdicts": ";".join(one.verdicts),
                "entries": one.entries,
                "buckets": one.buckets,
                "load": f"{one.load:.2f}",
                "deleted": one.deleted,
                "longest_chain": one.longest_chain,
                "held": one.held,
                "wasted": one.wasted,
                "problems": one.problems,
            }
        yield row
    for trouble in result.troubles:
        yield about | {"status": "unreadable", "detail": trouble}
