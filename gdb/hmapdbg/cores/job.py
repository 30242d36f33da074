"""What the two sides tell one another: a job, and what came of it.

The outer side writes a job file and starts gdb; the inner side appends a line of JSON to the report
for each thing that it knows, so that of a gdb that dies all but the last is known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, field
from typing import IO, Any

from ..compat import dataclass

# Kinds of lines in a report.
BEGIN, MAP, TROUBLE, NOTE, END = "begin", "map", "trouble", "note", "end"

INCOMPLETE = "incomplete: "  # begins a note on maps that may be missing

# The files of a map, by what stands behind its name.
SUMMARY, OCCUPANCY, ENTRIES, DOCUMENT, PICTURE = ".txt", ".csv", ".entries.csv", ".json", ".png"

# The list of all maps of a core, as hmap-list saves and prints it.
LISTING, TABLE = "maps.json", "maps.txt"


@dataclass(frozen=True)
class Job:
    """What to do with one core."""

    core: str
    folder: str  # where the files go
    report: str
    maps: Sequence[str] = ()  # expressions; empty: all that hmap-list finds
    most: int = 0  # maps to examine of those found, the largest ones; 0: all
    entries: bool = True
    pictures: bool = True
    guarded: bool = False  # CSVs are for spreadsheets
    twin: str = ""  # that names and types are taken from; empty: the program's own
    seconds: float | None = None  # for the search, and again for the list; None: no limit
    definitions: Sequence[str] = ()  # files that declare further families

    def write(self, path: str) -> None:
        """Writes the job file."""
        with open(path, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)

    @staticmethod
    def read(path: str) -> Job:
        """Reads the job file."""
        with open(path, encoding="utf-8") as file:
            return Job(**json.load(file))


@dataclass(frozen=True)
class MapResult:
    """What came of one map; where `error` is set, it could not be examined, and that is all."""

    name: str  # that its files begin with; unique in its core
    expression: str
    error: str = ""
    family: str = ""
    types: str = ""
    entries: int = 0
    buckets: int = 0
    load: float = 0.0
    slots: int = 0
    deleted: int = 0
    longest_chain: int = 0
    held: int = 0  # bytes
    wasted: int = 0  # bytes
    verdicts: Sequence[str] = ()  # names
    evidence: Sequence[str] = ()  # the verdicts in words
    problems: int = 0  # broken invariants, and faults
    faults: int = 0  # of them: memory that could not be read
    first_problem: str = ""
    files: Sequence[str] = field(default=())

    @property
    def is_unreadable(self) -> bool:
        """Whether part of it could not be examined."""
        return bool(self.error or self.faults)


class ReportFile:
    """The report as it is written, a line at a time."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def add(self, kind: str, **fields: Any) -> None:
        """Appends a line."""
        self._file.write(json.dumps({"kind": kind, **fields}) + "\n")
        self._file.flush()


@dataclass
class Report:
    """The lines of one report, put together."""

    maps: list[MapResult] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)  # what could not be examined beside the maps
    notes: list[str] = field(default_factory=list)
    working_on: str = ""  # the map that was being examined when the report broke off
    ended: bool = False

    def add(self, line: dict[str, Any]) -> None:
        """Takes a line up."""
        kind = line.pop("kind")
        if kind == BEGIN:
            self.working_on = line["name"]
        elif kind == MAP:
            self.working_on = ""
            self.maps.append(MapResult(**line))
        elif kind == TROUBLE:
            self.troubles.append(line["text"])
        elif kind == NOTE:
            self.notes.append(line["text"])
        elif kind == END:
            self.ended = True


def read_report(path: str) -> Report:
    """The report at `path`, as far as it goes; a line cut off by a death is left out."""
    report = Report()
    for line in _iter_lines(path):
        report.add(line)
    return report


def _iter_lines(path: str) -> Iterator[dict[str, Any]]:
    try:
        with open(path, encoding="utf-8") as file:
            for text in file:
                if not text.endswith("\n"):
                    return
                yield json.loads(text)
    except FileNotFoundError:
        return
