"""hmap-list: all maps of the process."""

from __future__ import annotations

from typing import TYPE_CHECKING


from .. import parameters
from ..arguments import Arguments, Option, UsageError
from ..output.files import STANDARD_OUTPUT, Outputs
from ..terminal import write
from .command import GUARD, HmapCommand, warned, write_trace
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
    Option("--places", "N"),
)
FILE_OPTIONS = ("--csv", "--json", "--pprof", "--save")


class List(HmapCommand):
    """List the maps of the program, largest first.

    Usage: hmap-list [OPTION]...

    Searches all globals and statics, the thread-locals and the locals of all frames of all threads,
    libhmap's registry and the heap of a Go program, following structs, arrays, pointers, slices,
    interfaces, standard containers and smart pointers of C++, and the keys and values of maps. Each
    map is listed once, by a path that hmap-dump and the other commands accept. The program is
    neither written to nor resumed.

    Ctrl-C ends the search and shows what was found until then. A list that may lack maps says so in
    its first and last lines.

      --sort WHAT     sort by held (bytes, the default), wasted, entries, deleted, or growth (bytes
                      of arrays that growth will free, or that iterators pin)
      --match REGEX   list only maps whose path, name or types match
      --family WORD   list only maps of a family: libhmap, bucket, swiss, sync, go, unordered,
                      libc++, rust, abseil, glib, qt, khash, uthash, boost, folly, redis,
                      valkey, robin, ankerl, densemap, stringmap, llvm
      --min-bytes N   list only maps that hold at least N bytes
      --limit N       print at most N rows; 0 means no limit
      --seconds N     end the search after N seconds, and the walks of the maps after N more
      --places N      end the search after N places in memory; default 20,000,000
      --csv FILE      write a row per map
      --json FILE     write the same as JSON
      --pprof FILE    write a profile for 'go tool pprof': bytes held and wasted, entries, deleted
      --save FILE     save the list for hmap-diff
      --guard         write CSVs for spreadsheets, as hmap-dump does
      -h, --help      show this help

    Options with a FILE may be repeated; '-' is standard output and suppresses the table.

    Example:
      (gdb) hmap-list --min-bytes 100000
      (gdb) hmap-list --match sessions --sort entries
      (gdb) hmap-list --save before.json

    The columns:
      held      bytes held by the map itself, not by what keys and values point to; with the
                rounding of Go's allocator or glibc's malloc (a note counts maps of others); '~'
                marks an estimate from the header of a map that was not walked
      wasted    bytes that a rebuilt map with the same entries would not need
      fill      entries per slot; of std::unordered containers, per entry at which they grow
      deleted   tombstones
      map       the path, the types, and the map's own name if it has one; of a map of Go's
                that no variable leads to, what holds it: a closure, a goroutine's frame"""

    name = "hmap-list"
    summary = "all maps of the program, largest first"
    options = (
        *CHOICE,
        *(Option(name, "FILE", repeatable=True) for name in FILE_OPTIONS),
        GUARD,
    )

    def run(self, arguments: Arguments) -> None:
        from ..listing.rows import SORTS
        from ..listing.tables import list_lines

        if arguments.expression or arguments.rest:
            given = arguments.expression or arguments.rest
            raise UsageError(f"unexpected '{given}': hmap-list takes only options, see -h")
        by = arguments.last("--sort") or "held"
        if by not in SORTS:
            raise UsageError(f"option '--sort' takes {', '.join(SORTS)}, not '{by}'")
        limit = arguments.number("--limit", parameters.get(parameters.ListLimit))
        listing = list_maps(arguments, self.name, by, samples="--save" in arguments)
        write_files(arguments, listing)
        paths = [path for name in FILE_OPTIONS for path in arguments.all(name)]
        if STANDARD_OUTPUT not in paths:
            write("".join(f"{line}\n" for line in list_lines(listing, limit)))
        show_traces(listing)


def list_maps(arguments: Arguments, what: str, by: str, samples: bool) -> Listing:
    """The maps that the command line asks for. UsageError, TargetError."""
    from dataclasses import replace

    from ..listing.collect import collect
    from ..listing.rows import ranked
    from ..target.opening import open_target

    wanted = _wanted(arguments, samples)
    with Progress(what, ends="Ctrl-C shows what was found") as progress:
        listing = collect(warned(open_target()), wanted, progress)
    return replace(listing, rows=ranked(listing.rows, by), choice=choice_of(arguments))


def show_traces(listing: Listing) -> None:
    """Where errors arose inside, after 'set hmap debug on'."""
    if parameters.get(parameters.Debug):
        for trace in listing.traces:
            write_trace(trace)


def choice_of(arguments: Arguments) -> str:
    """The options that choose maps, as typed."""
    given = ((name, arguments.last(name)) for name in ("--match", "--family", "--min-bytes"))
    return " ".join(f"{name} {value}" for name, value in given if value)


def _wanted(arguments: Arguments, samples: bool) -> Wanted:
    from ..listing.collect import Wanted
    from ..reach.limits import MAX_PLACES, Limits

    return Wanted(
        match=arguments.pattern("--match"),
        family=family_of(arguments),
        min_bytes=arguments.number("--min-bytes", 0),
        samples=samples,
        limits=Limits(
            seconds=arguments.number("--seconds", 0) or None,
            places=arguments.number("--places", 0) or MAX_PLACES,
        ),
    )


def family_of(arguments: Arguments) -> str:
    """The word of a family that was given; empty: none was. UsageError."""
    from ..families import words

    word = arguments.last("--family") or ""
    if word and word not in words():
        raise UsageError(f"no family '{word}': option '--family' takes {', '.join(words())}")
    return word


def write_files(arguments: Arguments, listing: Listing) -> None:
    """The files that the command line names. FileError."""
    from ..listing import pprof, saved, tables

    with Outputs(expand_user=True) as outputs:
        for path in arguments.all("--csv"):
            outputs.open(path).write(tables.list_csv(listing, GUARD.name in arguments))
        for path in arguments.all("--json"):
            outputs.open(path).write(saved.dump(listing, samples=False))
        for path in arguments.all("--pprof"):
            outputs.open(path).write(pprof.profile(listing))
        for path in arguments.all("--save"):
            outputs.open(path).write(saved.dump(listing, samples=True))
        outputs.commit()
