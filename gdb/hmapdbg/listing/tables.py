"""What hmap-list prints, and its CSV."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence

from ..text import printable, size_text
from .rows import SOURCES, Listing, Row

CSV_HEADER = (
    "path,source,family,key,elem,address,name,created_at,entries,capacity,fill,deleted,held,"
    "wasted,growing,verdicts,problems,exact"
).split(",")


def list_lines(listing: Listing, limit: int, by: str) -> Iterator[str]:
    """The table, safe for a terminal; at most `limit` rows (0: all). `by` is what the rows are
    sorted by."""
    rows = listing.rows[:limit] if limit else listing.rows
    if rows:
        yield from aligned(
            [("held", "wasted", "entries", "fill", "deleted", "", "map")]
            + [_cells(row) for row in rows],
            "rrrrrll",
        )
    if len(rows) < len(listing.rows):
        rest = listing.rows[len(rows) :]
        yield (
            f"{len(rest):,} more, which hold {size_text(sum(row.held for row in rest))}: "
            "'--limit N' shows N, 0 shows all"
        )
    yield total_line(listing)
    yield from (f"note: {printable(note)}" for note in listing.notes)


def total_line(listing: Listing) -> str:
    """How many maps, what they hold, and how they were found."""
    if not listing.rows:
        return "no maps: none is reached, or none was asked for"
    sources = Counter(row.source for row in listing.rows)
    words = {
        "global": "by globals",
        "local": "by locals",
        "registry": "by the registry alone",
        "goroutine": "on goroutines' stacks",
        "unreached": "unreached",
    }
    found = ", ".join(f"{sources[one]:,} {words[one]}" for one in SOURCES if sources[one])
    count = len(listing.rows)
    return (
        f"{count:,} {'map holds' if count == 1 else 'maps hold'} {size_text(listing.held)}, "
        f"{size_text(listing.wasted)} of it wasted: {found}"
    )


def _cells(row: Row) -> tuple[str, ...]:
    about = "~" if not row.is_exact else ""
    verdicts = ", ".join(row.verdicts)
    if row.problems:
        verdicts += f"{', ' if verdicts else ''}{row.problems:,} Problems: hmap-check"
    name = f'  "{row.name}"' if row.name and row.name not in row.path else ""
    return (
        about + short_size(row.held),
        about + short_size(row.wasted),
        f"{row.entries:,}",
        f"{row.fill:.0%}" if row.capacity else "",
        f"{row.deleted:,}",
        printable(verdicts),
        printable(f"{row.path}   {row.types}{name}"),
    )


def short_size(size: int) -> str:
    """A number of bytes in a column of them.

    >>> short_size(100), short_size(2703368)
    ('100 B', '2.6 MiB')
    """
    return size_text(size).replace(" bytes", " B")


def aligned(rows: Sequence[Sequence[str]], sides: str) -> Iterator[str]:
    """Rows as columns, each to its side: "l" or "r"."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(sides))]
    for row in rows:
        parts = [
            f"{cell:>{width}}" if side == "r" else f"{cell:<{width}}"
            for cell, width, side in zip(row, widths, sides)
        ]
        yield "  ".join(parts).rstrip()


def list_csv(listing: Listing) -> str:
    """A row for each map."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(CSV_HEADER)
    for row in listing.rows:
        writer.writerow(
            [
                row.path,
                row.source,
                row.family,
                row.key_type,
                row.elem_type,
                f"0x{row.address:x}",
                row.name,
                row.created_at,
                row.entries,
                row.capacity,
                f"{row.fill:.4f}",
                row.deleted,
                row.held,
                row.wasted,
                row.growing,
                ";".join(row.verdicts),
                row.problems,
                int(row.is_exact),
            ]
        )
    return stream.getvalue()
