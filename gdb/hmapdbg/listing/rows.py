"""The data model of hmap-list: a row for each map."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import field, replace

from ..compat import dataclass
from ..families import goes_by
from ..stats import Stats
from ..header import Header


@dataclass(frozen=True)
class Sample:
    """Some of a map's keys: those whose number (a hash of what they are) has `level` zero bits at
    its end. `comparable`: the numbers mean the same in another process."""

    level: int
    keys: dict[int, str]  # by number, as text
    comparable: bool = True


@dataclass(frozen=True)
class Row:
    """One map. Sizes are bytes."""

    path: str  # what one types for it
    source: str  # one of SOURCES
    family: str
    key_type: str
    elem_type: str
    address: int
    entries: int
    capacity: int  # slots in use; where a bucket is a list, entries at which it grows
    deleted: int  # slots
    held: int
    wasted: int
    growing: int = 0  # of `held`: the array that growth empties, and superseded ones
    verdicts: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()  # the verdicts in words
    problems: int = 0
    name: str = ""  # the map's own
    created_at: str = ""
    held_by: str = ""  # what leads to a map without a path from a variable, as far as known
    is_exact: bool = True  # False: by the header alone, the map was not walked
    sample: Sample | None = None

    @property
    def types(self) -> str:
        """What is in the map."""
        return f"{self.key_type} -> {self.elem_type}" if self.elem_type else self.key_type

    @property
    def fill(self) -> float:
        """Entries by capacity."""
        return self.entries / self.capacity if self.capacity else 0.0


@dataclass(frozen=True)
class Listing:
    """The maps of a process at one moment."""

    rows: Sequence[Row]
    process: str = ""  # what tells one process from others
    taken_at: float | None = None  # seconds since 1970; None: not known
    program: str = ""
    notes: Sequence[str] = field(default=())  # what else there is to say
    # By what the search was cut short: maps may be missing. Empty: none is, as far as is known.
    cuts: Sequence[str] = field(default=())
    traces: Sequence[str] = field(default=())  # where errors arose inside; not saved
    choice: str = ""  # the options by which maps were chosen, as typed; empty: all of them
    met: int = 0  # maps found, also those that were not asked for; 0: not known

    @property
    def is_complete(self) -> bool:
        """Whether all maps were looked for."""
        return not self.cuts

    @property
    def held(self) -> int:
        return sum(row.held for row in self.rows)

    @property
    def wasted(self) -> int:
        return sum(row.wasted for row in self.rows)


SORTS: dict[str, Callable[[Row], int]] = {
    "held": lambda row: row.held,
    "wasted": lambda row: row.wasted,
    "entries": lambda row: row.entries,
    "deleted": lambda row: row.deleted,
    "growth": lambda row: row.growing,
}


def ranked(rows: Sequence[Row], by: str = "held") -> list[Row]:
    """The rows, the largest first; among equals, by bytes held, then by path."""
    measure = SORTS[by]
    return sorted(rows, key=lambda row: (-measure(row), -row.held, row.path))


def chosen_path(
    header: Header, paths: Sequence[str], match: re.Pattern[str] | None, family: str
) -> str | None:
    """The path by which a map is one of those asked for: of its paths the first that matches, else
    the first if its name or its types do. None: it is not asked for."""
    if not goes_by(header.family, family):
        return None
    if match is None or match.search(header.name) or match.search(header.types):
        return paths[0]
    return next((path for path in paths if match.search(path)), None)


def is_wanted(row: Row, match: re.Pattern[str] | None, family: str) -> bool:
    """Whether a row is one of those asked for, by its path, name or types."""
    if not goes_by(row.family, family):
        return False
    return match is None or any(match.search(one) for one in (row.path, row.name, row.types))


def row_of_header(header: Header, path: str, source: str) -> Row:
    """The row of a map by its header alone: what is held is exact where the family counts its
    overflow buckets itself; nothing is known of how entries are spread."""
    stats = Stats(header)
    stats.live = header.count
    if header.overflow is not None and header.arrays:
        stats.overflow = max(header.overflow.estimate, 0)
        spare_used = header.arrays[0].spare - header.overflow.spare_left
        stats.spare_used = min(spare_used, stats.overflow)
    old = header.old
    buckets = sum(array.buckets for array in header.arrays) + stats.overflow
    return Row(
        path=path,
        source=source,
        family=header.family,
        key_type=header.key_type.name,
        elem_type=header.elem_type.name,
        address=header.address,
        entries=header.count,
        capacity=header.geometry.capacity(stats.main_buckets, buckets * header.geometry.slots),
        deleted=sum(table.tombstones for table in header.tables),
        held=stats.held,
        wasted=stats.wasted,
        growing=(old.size if old else 0) + sum(array.size for array in header.pins.retired),
        problems=len(header.problems),
        name=header.name,
        created_at=header.created_at,
        is_exact=not header.arrays,
    )


def row_of_stats(stats: Stats, path: str, source: str, problems: int, sample: Sample | None) -> Row:
    """The row of a map that has been walked."""
    verdicts = stats.verdicts()
    return replace(
        row_of_header(stats.header, path, source),
        entries=stats.live,
        capacity=stats.header.geometry.capacity(stats.main_buckets, stats.slots),
        deleted=stats.deleted,
        held=stats.held,
        wasted=stats.wasted,
        verdicts=tuple(one.name for one in verdicts),
        evidence=tuple(one.text for one in verdicts),
        problems=problems,
        sample=sample,
        is_exact=True,
    )
