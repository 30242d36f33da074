"""What hmap-list and hmap-diff print, and their CSVs."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ..csv import guard
from ..text import count_of, printable, size_text
from ..reach.walk import SOURCES
from .difference import Change, Difference
from .rows import Listing, Row

CSV_HEADER = (
    "path,source,family,key,elem,address,name,created_at,entries,capacity,fill,deleted,held,"
    "wasted,growing,verdicts,problems,exact,complete"
).split(",")


def list_lines(listing: Listing, limit: int) -> Iterator[str]:
    """The table, safe for a terminal; at most `limit` rows (0: all)."""
    yield from incomplete_lines(listing.cuts)
    rough = sum(not row.is_exact for row in listing.rows)
    if rough:
        yield (
            f"{rough:,} of {len(listing.rows):,} maps were not walked: their numbers, marked '~', "
            "are from their headers"
        )
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
            "'--limit N' shows N, 0 all"
        )
    yield total_line(listing)
    yield from incomplete_lines(listing.cuts)
    yield from (f"note: {printable(note)}" for note in listing.notes)


def incomplete_lines(cuts: Sequence[str], whose: str = "") -> Iterator[str]:
    """What is said of a search that was cut short, above and below what was found."""
    for cut in cuts:
        yield printable(f"incomplete{whose}: {cut}")


# ---- hmap-diff

DIFF_HEADER = (
    "path,state,family,key,elem,entries_before,entries,entries_gained,held_before,held,held_gained,"
    "growth,entries_per_second,new_keys"
).split(",")
WITH_KEYS = 3  # rows under which new keys are shown


def diff_lines(found: Difference, limit: int) -> Iterator[str]:
    """What has changed, safe for a terminal; at most `limit` rows (0: all)."""
    yield _when(found)
    yield from unseen_lines(found)
    changes = found.changes[:limit] if limit else found.changes
    if changes:
        unit, length = rate_unit(found.seconds)
        table: list[tuple[str, ...]] = [
            ("gained", f"per {unit}", "entries", "held", "gained", "", "map")
        ]
        rows = [_change_cells(one, length) for one in changes]
        lines = list(aligned(table + rows, "rrrrrll"))
        yield lines[0]
        for number, (change, line) in enumerate(zip(changes, lines[1:])):
            yield line
            if number < WITH_KEYS and change.keys is not None and change.keys.found:
                keys = change.keys
                shown = ", ".join(keys.shown) + (", …" if keys.found > len(keys.shown) else "")
                yield printable(
                    f"    new keys: {shown} (of {keys.sampled:,} sampled {keys.found:,} are new; "
                    f"{_gone(keys.gone)})"
                )
    if len(changes) < len(found.changes):
        yield f"{len(found.changes) - len(changes):,} more: '--limit N' shows N, 0 all"
    yield _diff_total(found)
    yield from unseen_lines(found)


def unseen_lines(found: Difference) -> Iterator[str]:
    """What either look has not covered, and how many maps cannot be compared for that."""
    yield from incomplete_lines(found.cuts_before, " before")
    yield from incomplete_lines(found.cuts_after, " now")
    for rows, which, other in (
        (found.only_after, "now", "before"),
        (found.only_before, "before", "now"),
    ):
        if rows:
            held = size_text(sum(row.held for row in rows))
            yield (
                f"{count_of(len(rows), 'map')} seen only {which}, with {held}, not compared: "
                f"the look {other} was incomplete and may have missed them"
            )


def _gone(count: int) -> str:
    return "no old keys are gone" if count == 0 else f"{count:,} old keys are gone"


def _when(found: Difference) -> str:
    since = "the maps before" if found.seconds is None else f"{duration(found.seconds)} before"
    where = "" if found.same_process else ", from another process or core, matched by path"
    return f"compared with {since}{where}"


def duration(seconds: float) -> str:
    """A length of time for people.

    >>> duration(4.54), duration(86400)
    ('4.5 s', '24.0 h')
    """
    for least, length, unit in ((172_800, 86_400, "days"), (7200, 3600, "h"), (120, 60, "min")):
        if seconds >= least:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:,.1f} s"


def rate_unit(seconds: float | None) -> tuple[str, int]:
    """What a rate is given by, after that time, and its length in seconds."""
    if seconds is None or seconds < 3600:
        return "s", 1
    return ("h", 3600) if seconds < 172_800 else ("day", 86_400)


def _diff_total(found: Difference) -> str:
    if not found.changes:
        both = " seen by both looks" if found.is_partial else ""
        return f"no change in {found.unchanged:,} maps{both}"
    new = sum(one.state == "new" for one in found.changes)
    gone = sum(one.state == "gone" for one in found.changes)
    text = (
        f"{len(found.changes):,} of {len(found.changes) + found.unchanged:,} maps "
        f"{'seen by both looks ' if found.is_partial else ''}have changed, "
        f"{new:,} of them new, {gone:,} gone"
    )
    first = found.changes[0]
    if first.growth > 0:
        share = first.growth / found.grown
        verdicts = f" ({', '.join(first.row.verdicts)})" if first.row.verdicts else ""
        text += printable(f"; {share:.0%} of what was gained is in {first.row.path}{verdicts}")
    return text


def _change_cells(one: Change, length: int) -> tuple[str, ...]:
    row = one.row
    rate = one.per_second
    held = f"{'+' if one.held > 0 else '-'}{short_size(abs(one.held))}" if one.held else "0"
    words = [one.state, *row.verdicts] if one.state else list(row.verdicts)
    name = f'  "{row.name}"' if row.name and row.name not in row.path else ""
    return (
        f"{one.entries:+,}",
        "" if rate is None else f"{rate * length:+,.1f}",
        f"{row.entries:,}" if one.after is not None else "",
        short_size(row.held) if one.after is not None else "",
        held,
        ", ".join(words),
        printable(f"{row.path}   {row.types}{name}"),
    )


def diff_csv(found: Difference, guarded: bool = False) -> str:
    """A row for each map that has changed; guarded: texts as csv.guard has them."""
    table: list[Sequence[object]] = [DIFF_HEADER]
    for one in found.changes:
        row, before, after, rate = one.row, one.before, one.after, one.per_second
        table.append(
            [
                row.path,
                one.state,
                row.family,
                row.key_type,
                row.elem_type,
                "" if before is None else before.entries,
                "" if after is None else after.entries,
                one.entries,
                "" if before is None else before.held,
                "" if after is None else after.held,
                one.held,
                one.growth,
                "" if rate is None else f"{rate:.4f}",
                ";".join(one.keys.shown) if one.keys is not None else "",
            ]
        )
    return csv_of(table, guarded)


# ---- what both share


def total_line(listing: Listing) -> str:
    """How many maps, what they hold, and how they were found."""
    if not listing.rows:
        if listing.met:
            more = ", and not everything was searched: see below" if listing.cuts else ""
            return f"none of {count_of(listing.met, 'map')} matches{more}"
        if listing.cuts or listing.notes:
            return "no maps found, but not everything was searched: see below"
        return "no maps: none was found"
    sources = Counter(row.source for row in listing.rows)
    words = {
        "global": "by globals",
        "local": "by locals",
        "registry": "by the registry",
        "goroutine": "on goroutines' stacks",
        "unreached": "unreached",
    }
    found = ", ".join(f"{sources[one]:,} {words[one]}" for one in SOURCES if sources[one])
    count = len(listing.rows)
    least = "at least " if listing.cuts else ""
    return (
        f"{least}{count:,} {'map holds' if count == 1 else 'maps hold'} "
        f"{least}{size_text(listing.held)}, {least}{size_text(listing.wasted)} of it wasted: "
        f"{found}"
    )


def _cells(row: Row) -> tuple[str, ...]:
    about = "~" if not row.is_exact else ""
    verdicts = ", ".join(row.verdicts)
    if row.problems:
        verdicts += f"{', ' if verdicts else ''}{row.problems:,} Problems: hmap-check"
    name = f'  "{row.name}"' if row.name and row.name not in row.path else ""
    held = f"   held by {row.held_by}" if row.held_by else ""
    return (
        about + short_size(row.held),
        about + short_size(row.wasted),
        f"{row.entries:,}",
        f"{row.fill:.0%}" if row.capacity else "",
        f"{row.deleted:,}",
        printable(verdicts),
        printable(f"{row.path}   {row.types}{name}{held}"),
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


def list_csv(listing: Listing, guarded: bool = False) -> str:
    """A row for each map; guarded: texts as csv.guard has them."""
    table: list[Sequence[object]] = [CSV_HEADER]
    for row in listing.rows:
        table.append(
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
                int(listing.is_complete),
            ]
        )
    return csv_of(table, guarded)


def csv_of(table: Iterable[Sequence[object]], guarded: bool) -> str:
    """Rows as a CSV; guarded: texts as csv.guard has them."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    for row in table:
        texts = [str(cell) for cell in row]
        writer.writerow(guard(texts) if guarded else texts)
    return stream.getvalue()
