"""hmap-list: all maps of the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gdb

from .. import parameters
from ..arguments import Arguments, Option, UsageError
from ..output.files import STANDARD_OUTPUT, Outputs
from .command import HmapCommand
from .progress import Progress

if TYPE_CHECKING:
    from ..listing.collect import Wanted
    from ..listing.rows import Listing

CHOICE = (
    Option("--sort", "WHAT"),
    Option("--match", "REGEX"),
    Option("--family", "WORD"),
    Option("--min-bytes", "N"),
    Option("--limit", "N"),
    Option("--seconds", "N"),
)
FILE_OPTIONS = ("--csv", "--json", "--pprof", "--save")
SECONDS = 20


class List(HmapCommand):
    """List the maps of the program, ranked by the bytes they hold.

    Usage: hmap-list [OPTION]...

    Maps are looked for behind all globals and statics, the locals of all frames of all threads, in
    libhmap's registry, and in the heap of a Go program, and followed through structs, arrays,
    pointers, slices, interfaces, the standard containers and smart pointers of C++, and the keys
    and elems of maps themselves. Each is listed once, by a path that hmap-dump and the other
    commands take. The program is neither written to nor resumed.

      --sort WHAT     by held (bytes, the default), wasted, entries, deleted, or growth (bytes of
                      arrays that growth is about to give up, or that iterators keep)
      --match REGEX   those alone whose path, name or types match
      --family WORD   those of a family alone: libhmap, bucket, swiss, sync, go, unordered
      --min-bytes N   those alone that hold at least N bytes
      --limit N       print at most N rows; 0 is no limit
      --seconds N     look for so long at most, and then walk maps for so long at most; 20
      --csv FILE      a row for each map
      --json FILE     the same as JSON
      --pprof FILE    a profile for 'go tool pprof': bytes held, bytes wasted, entries, deleted
      --save FILE     what hmap-diff compares with later
      -h, --help      this text

    Options that name a FILE may be repeated; '-' is standard output, and then the table is left
    out.

    Example:
      (gdb) hmap-list --min-bytes 100000
      (gdb) hmap-list --match sessions --sort entries
      (gdb) hmap-list --save before.json

    The columns:
      held      what the map itself holds, not what keys and values point to; '~': by its header
                alone, there was no time to walk it
      wasted    of it, what a map made anew for the same entries would not hold
      fill      entries by the slots there are; of std::unordered containers, by the entries at
                which they grow
      deleted   tombstones
      map       the path, the types, and the map's own name where it has one"""

    name = "hmap-list"
    summary = "all maps of the program, ranked by the bytes they hold"
    options = (
        *CHOICE,
        *(Option(name, "FILE", repeatable=True) for name in FILE_OPTIONS),
    )

    def run(self, arguments: Arguments) -> None:
        from ..listing.rows import SORTS
        from ..listing.tables import list_lines

        if arguments.expression or arguments.rest:
            given = arguments.expression or arguments.rest
            raise UsageError(f"unexpected '{given}': hmap-list takes options alone, see -h")
        by = arguments.last("--sort") or "held"
        if by not in SORTS:
            raise UsageError(f"option '--sort' takes {', '.join(SORTS)}, not '{by}'")
        limit = arguments.number("--limit", parameters.get(parameters.ListLimit))
        listing = list_maps(arguments, self.name, by, samples="--save" in arguments)
        write_files(arguments, listing)
        paths = [path for name in FILE_OPTIONS for path in arguments.all(name)]
        if STANDARD_OUTPUT not in paths:
            gdb.write("".join(f"{line}\n" for line in list_lines(listing, limit)))


def list_maps(arguments: Arguments, what: str, by: str, samples: bool) -> Listing:
    """The maps that the command line asks for. UsageError, TargetError."""
    from dataclasses import replace

    from ..listing.collect import collect
    from ..listing.rows import ranked
    from ..target.opening import open_target

    wanted = _wanted(arguments, samples)
    with Progress(what, "maps") as progress:
        listing = collect(open_target(), wanted, progress)
    return replace(listing, rows=ranked(listing.rows, by))


def _wanted(arguments: Arguments, samples: bool) -> Wanted:
    from ..listing.collect import Wanted
    from ..reach.limits import Limits

    return Wanted(
        match=arguments.pattern("--match"),
        family=arguments.last("--family") or "",
        min_bytes=arguments.number("--min-bytes", 0),
        samples=samples,
        limits=Limits(seconds=arguments.number("--seconds", SECONDS)),
    )


def write_files(arguments: Arguments, listing: Listing) -> None:
    """The files that the command line names. FileError."""
    from ..listing import pprof, saved, tables

    with Outputs(expand_user=True) as outputs:
        for path in arguments.all("--csv"):
            outputs.open(path).write(tables.list_csv(listing))
        for path in arguments.all("--json"):
            outputs.open(path).write(saved.dump(listing, samples=False))
        for path in arguments.all("--pprof"):
            outputs.open(path).write(pprof.profile(listing))
        for path in arguments.all("--save"):
            outputs.open(path).write(saved.dump(listing, samples=True))
        outputs.commit()
