"""The report of scripts/hmap-cores --html: write a page per core and an index.

Each page is one file that needs no other and no network. All text goes through the templates, which
escape it: paths, names and keys come from the cores.
"""

from __future__ import annotations

import base64
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..listing.difference import Change, Difference, compare, row_like
from ..listing.rows import Listing, Row
from ..listing.saved import NotAListing, load
from ..listing.tables import rate_unit, unseen_lines
from ..output.files import Outputs
from ..plot.growth import Growth, growth_of
from ..text import printable, size_text
from .job import LISTING, PICTURE, MapResult
from .outcome import detail_of, status_of
from .packed import packing_of
from .run import EXTENSION, CoreResult

TEMPLATES = Path(__file__).resolve().parent / "templates"
PAGE = "index.html"
MOST_ROWS = 40  # of a ranking
MOST_LINES = 6  # maps in the plot of growth


def read_listing(output: str, result: CoreResult) -> Listing | None:
    """The list of a core's maps; None where there is none."""
    path = os.path.join(output, result.core.name, LISTING)
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return load(file.read())
    except (OSError, NotAListing):
        return None


def compared(listings: Sequence[Listing | None]) -> Difference | None:
    """What has changed from the first core to the last; None where there are no two."""
    there = [one for one in listings if one is not None]
    return compare(there[0], there[-1]) if len(there) > 1 else None


def write_pages(
    output: str,
    program: str,
    results: Sequence[CoreResult],
    listings: Sequence[Listing | None],
    sysroot: str = "",
) -> None:
    """Writes all pages. ModuleNotFoundError where Jinja2 is missing, FileError, OSError.

    program: its path; empty: each core has its own, in sysroot."""
    import jinja2
    import markupsafe

    def steps(path: str) -> markupsafe.Markup:
        """A path that may be broken between its steps."""
        parts = re.split(r"(?=\.[\w(]|->|\[)", printable(path))
        return markupsafe.Markup("<wbr>").join(parts)

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_visible,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["size"] = size_text
    environment.filters["steps"] = steps
    environment.filters["number"] = lambda number: f"{number:,}"
    environment.filters["signed"] = lambda number: f"{number:+,}"
    environment.filters["percent"] = lambda share: f"{share:.0%}"

    def write(path: str, template: str, values: dict[str, Any]) -> None:
        with Outputs() as outputs:
            text = environment.get_template(template).render(values)
            outputs.open(path).write(text.encode("utf-8", "backslashreplace"))
            outputs.commit()

    for number, result in enumerate(results):
        if result.has_folder:
            values = _core(output, program, results, listings, number, sysroot)
            write(os.path.join(output, result.core.name, PAGE), "core.html", values)
    write(os.path.join(output, PAGE), "all.html", _index(program, results, listings))


def _visible(shown: object) -> object:
    """What a template shows, without what a page would hide or turn round; markup as it is."""
    is_text = isinstance(shown, str) and not hasattr(shown, "__html__")
    return printable(str(shown)) if is_text else shown


# ---- the index


def _index(
    program: str, results: Sequence[CoreResult], listings: Sequence[Listing | None]
) -> dict[str, Any]:
    difference = compared(listings)
    changes = () if difference is None else difference.changes
    return {
        "program": _name_of(program, results),
        "cores": [
            {
                "shown": result.core.shown,
                "page": f"{result.core.name}/{PAGE}" if result.has_folder else "",
                "maps": len(listing.rows) if listing is not None else len(result.maps),
                "least": "" if listing is None or listing.is_complete else "at least ",
                "held": listing.held if listing is not None else _sum(result, "held"),
                "wasted": listing.wasted if listing is not None else _sum(result, "wasted"),
                "verdicts": _verdicts(result),
                "problems": _sum(result, "problems"),
                "troubles": list(result.troubles),
                "notes": list(result.notes),
            }
            for result, listing in zip(results, listings)
        ],
        "difference": difference,
        "unseen": [] if difference is None else list(unseen_lines(difference)),
        "rate": rate_unit(None if difference is None else difference.seconds),
        "changes": [one for one in changes if one.growth > 0 or one.state][:20],
        "plot": _growth_plot(changes, results, listings),
    }


def _name_of(program: str, results: Sequence[CoreResult]) -> str:
    """The name of the program, or the names of the cores' programs."""
    found = [one.program.path for one in results if one.program is not None]
    paths = [program] if program else found
    return ", ".join(dict.fromkeys(os.path.basename(path) for path in paths)) or "unknown programs"


def _sum(result: CoreResult, name: str) -> int:
    return sum(int(getattr(one, name)) for one in result.maps)


def _verdicts(result: CoreResult) -> str:
    count: dict[str, int] = {}
    for one in result.maps:
        for name in one.verdicts:
            count[name] = count.get(name, 0) + 1
    return ", ".join(f"{number} {name}" for name, number in count.items())


# ---- one core


def _core(
    output: str,
    program: str,
    results: Sequence[CoreResult],
    listings: Sequence[Listing | None],
    number: int,
    sysroot: str,
) -> dict[str, Any]:
    result, listing = results[number], listings[number]
    gdb = _gdb(program, result, sysroot)
    examined = {one.expression: one for one in result.maps}
    rows = list(listing.rows) if listing is not None else []
    before = next((one for one in reversed(listings[:number]) if one is not None), None)
    gained: dict[str, Change] = {}
    if before is not None and listing is not None:
        gained = {one.row.path: one for one in compare(before, listing).changes}
    return {
        "program": _name_of(program, results),
        "core": result.core,
        "troubles": list(result.troubles),
        "notes": list(result.notes),
        "least": "" if listing is None or listing.is_complete else "at least ",
        "held": listing.held if listing is not None else _sum(result, "held"),
        "wasted": listing.wasted if listing is not None else _sum(result, "wasted"),
        "count": len(rows) or len(result.maps),
        "has_gained": before is not None,
        "ranking": [
            _ranked(row, examined.get(row.path), gained.get(row.path)) for row in rows[:MOST_ROWS]
        ]
        or [_ranked_result(one) for one in result.maps if not one.error],
        "more": max(len(rows) - MOST_ROWS, 0),
        "maps": [_map(output, gdb, result, one, results, listings, number) for one in result.maps],
        "command": gdb + shlex.quote("hmap-list"),
    }


def _ranked(row: Row, one: MapResult | None, change: Change | None) -> dict[str, Any]:
    return {
        "path": row.path,
        "types": row.types,
        "name": row.name if row.name not in row.path else "",
        "anchor": one.name if one is not None else "",
        "held": row.held,
        "wasted": row.wasted,
        "entries": row.entries,
        "gained": change.entries if change is not None else 0,
        "fill": f"{row.fill:.0%}" if row.capacity else "",
        "verdicts": list(row.verdicts),
    }


def _ranked_result(one: MapResult) -> dict[str, Any]:
    return {
        "path": one.expression,
        "types": one.types,
        "name": "",
        "anchor": one.name,
        "held": one.held,
        "wasted": one.wasted,
        "entries": one.entries,
        "gained": 0,
        "fill": f"{one.entries / one.slots:.0%}" if one.slots else "",
        "verdicts": list(one.verdicts),
    }


def _map(
    output: str,
    gdb: str,
    result: CoreResult,
    one: MapResult,
    results: Sequence[CoreResult],
    listings: Sequence[Listing | None],
    number: int,
) -> dict[str, Any]:
    sentence = "; ".join(one.evidence) or ("nothing unusual" if one.entries else "empty")
    return {
        "result": one,
        "status": status_of(one),
        "sentence": one.error or sentence,
        "problem": detail_of(one) if one.problems else "",
        "picture": _picture(output, result, one),
        "plot": _map_plot(one.expression, results, listings, number),
        "commands": list(_commands(gdb, one)),
    }


def _commands(gdb: str, one: MapResult) -> Iterator[str]:
    for command in ("hmap-dump", "hmap-check"):
        yield gdb + shlex.quote(f"{command} {one.expression}")


def _gdb(program: str, result: CoreResult, sysroot: str) -> str:
    """The command line of a gdb that has the core, up to what it is to execute."""
    core = path = result.core.path
    packing = packing_of(core)
    if packing is not None:
        core = f"{result.core.name}.unpacked"
    if not program and result.program is not None:
        program = os.path.abspath(result.program.path)
    words = ["gdb", program, core, "-ex", f"source {EXTENSION}", "-ex"]
    if result.twin:
        words += [f"hmap-twin {shlex.quote(result.twin)}", "-ex"]
    for path in result.definitions:
        words += [f"hmap-define {shlex.quote(path)}", "-ex"]
    if sysroot:
        words[1:1] = ["-iex", f"set sysroot {sysroot}"]
    line = shlex.join(words) + " "
    if packing is None:
        return line
    return f"{packing.by_hand} <{shlex.quote(path)} >{shlex.quote(core)} && {line}"


def _picture(output: str, result: CoreResult, one: MapResult) -> str:
    """The plots as a data URL; empty where there are none."""
    name = one.name + PICTURE
    if name not in one.files:
        return ""
    data = Path(output, result.core.name, name).read_bytes()
    return "data:image/png;base64," + base64.b64encode(data).decode("ascii")


# ---- plots of growth


def _growth_plot(
    changes: Sequence[Change], results: Sequence[CoreResult], listings: Sequence[Listing | None]
) -> Growth | None:
    """The entries of the maps that grew most, over the cores."""
    return _plot([one.row for one in changes if one.growth > 0][:MOST_LINES], results, listings)


def _map_plot(
    path: str, results: Sequence[CoreResult], listings: Sequence[Listing | None], number: int
) -> Growth | None:
    listing = listings[number]
    rows = [] if listing is None else [row for row in listing.rows if row.path == path]
    return _plot(rows, results, listings)


def _plot(
    rows: Sequence[Row], results: Sequence[CoreResult], listings: Sequence[Listing | None]
) -> Growth | None:
    """The entries of maps over the cores whose maps could be listed."""
    there = [(result, one) for result, one in zip(results, listings) if one is not None]
    counts: list[tuple[str, list[int | None]]] = []
    for row in rows:
        entries: list[int | None] = []
        for _, listing in there:
            found = row_like(row, listing)
            missing = 0 if listing.is_complete else None
            entries.append(missing if found is None else found.entries)
        counts.append((row.path, entries))
    return growth_of([os.path.basename(result.core.shown) for result, _ in there], counts)
