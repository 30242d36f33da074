"""The command line of hmap-plot."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from .. import plot
from ..compat import dataclass
from ..output.files import FileError
from ..text import printable
from . import UNREADABLE, USAGE
from .picture import draw

EXAMPLE = """\
example:
  (gdb) hmap-dump server->sessions --csv sessions.csv --entries entries.csv
  $ hmap-plot sessions.csv --entries entries.csv -o sessions.png

The picture has four panels: occupancy of each bucket, spread of the entries over bucket and
tophash (or place in the chain), buckets by number of entries beside a uniform hash, chains by
length. Without --entries the second one is left out. A CSV does not tell the map's types, its B,
or the bytes it holds, so the verdicts that need them are not given.

exit status: 0 written; 2 a file cannot be read or written, or is no such CSV; 3 wrong usage"""


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    occupancy: str
    entries: str | None
    output: str
    title: str | None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"hmap-plot: {printable(message)}: see 'hmap-plot --help'\n")


def parse(arguments: Sequence[str]) -> Options:
    """Takes the command line apart; exits with USAGE where it is wrong."""
    parser = _Parser(
        prog="hmap-plot",
        usage="hmap-plot OCCUPANCY.csv [--entries ENTRIES.csv] -o OUT [--title TITLE]",
        description="Draw the picture of a hash map from the CSV files of hmap-dump, without gdb.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "occupancy", metavar="OCCUPANCY.csv", help="written by hmap-dump --csv; - is standard input"
    )
    parser.add_argument("--entries", metavar="FILE", help="written by hmap-dump --entries")
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        required=True,
        help="output: .png, .svg or .pdf; - is standard output, as PNG",
    )
    parser.add_argument("--title", help="title; default: the name of the occupancy CSV")
    return Options(**vars(parser.parse_args(arguments)))


def main(arguments: Sequence[str]) -> int:
    """Draws the picture; the exit status. ModuleNotFoundError where matplotlib is missing."""
    options = parse(arguments)
    try:
        plot.format_of(options.output)
    except plot.PlotError as error:
        print(f"hmap-plot: {printable(str(error))}", file=sys.stderr)
        return USAGE
    if options.occupancy == options.entries == "-":
        print("hmap-plot: both CSVs are '-': give one of them as a file", file=sys.stderr)
        return USAGE
    try:
        draw(options.occupancy, options.entries, options.output, options.title)
    except FileError as error:
        print(f"hmap-plot: {printable(str(error))}", file=sys.stderr)
        return UNREADABLE
    return 0
