"""hmap-dump: what is inside one map."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING


from .. import parameters
from ..arguments import Arguments, Option, UsageError
from ..output.files import STANDARD_OUTPUT, Outputs
from ..terminal import write
from .command import GUARD, TYPES, HmapCommand
from .progress import Progress

if TYPE_CHECKING:
    from ..families.family import Map
    from ..header import Array
    from ..target import Target

MAX_NAMES = 8  # of a map's arrays in an error
_RANGE = re.compile(r"(?:(\w+):)?(\d+)(?:-(\d+))?\Z")


class Dump(HmapCommand):
    """Show what is inside a hash map: how full it is, how entries are spread, what it holds.

    Usage: hmap-dump EXPR [OPTION]...
           hmap-dump --type TYPE ADDRESS [OPTION]...

    EXPR is a map or a pointer to one, as for 'print', or a path printed by hmap-list: frame 3: m,
    registry "sessions", server.by_name["acme"]; an index into a map is a key. Of a long text, dots
    stand for a part: cache["GET /api/"...], or cache["GET /api/"..."id=7"]; if several keys fit, it
    is an error. EXPR extends to the first option and is not unquoted. The program is neither
    written to nor resumed, and none of its functions is called.

      --csv FILE      write a row per bucket: array,bucket,address,chain,slots,live,deleted,empty,
                      evacuated,geometry
      --entries FILE  write a row per live entry: array,bucket,chain_index,slot,tophash,key,value
      --json FILE     write header, statistics, verdicts and problems as JSON
      --plot FILE     draw the map; .png, .svg or .pdf
      --guard         write CSVs for spreadsheets: a ' before texts that they would take for
                      formulas, control bytes and bidirectional marks as \\xNN
      --buckets A-B   print buckets A to B slot by slot, with the stale keys of deleted slots;
                      'old:A-B' selects the array that growth is emptying, 'TABLE:A-B' one of
                      several tables
      --limit N       print at most N slots, write at most N entries; 0 means no limit
      --type TYPE     read a map of type TYPE at ADDRESS
      --key-type T    read keys that are void *, or another pointer, as type T: a pointer as it is,
                      an integer or enum as what stands in place of one, any other type as what the
                      pointer leads to; '*T' does that for all types
      --elem-type T   the same of elems
      -h, --help      show this help

    Options with a FILE may be repeated; '-' is standard output and suppresses the summary. A file
    is written completely or not at all.

    Example:
      (gdb) hmap-dump server->sessions --csv sessions.csv --plot sessions.png
      (gdb) hmap-dump sessions --buckets 0-3
      (gdb) hmap-dump --type "struct hmap" 0x5555555592a0
      (gdb) hmap-dump table --key-type "char *" --elem-type "struct session"

    The lines of the summary:
      slots      8 per bucket; deleted slots are tombstones, left behind by mass deletion
      chains     buckets by chain length, including the main bucket
      spread     entries per bucket compared with a uniform hash (Poisson), the standard deviation
                 of the entries' positions compared with a uniform one, and the probability that a
                 uniform hash spreads at least as unevenly (chi² p)
      memory     bytes held by the map itself, not by what keys and values point to; "with
                 rounding": of the blocks that the allocator gave for them, by Go's runtime or
                 glibc's malloc; "without rounding": by an allocator that is not known; wasted
                 bytes are those that a rebuilt map with the same entries would not need
      occupancy  fill of the array from first to last bucket; a full block is the load factor
      verdict    what the numbers mean; there may be several"""

    name = "hmap-dump"
    summary = "summary, statistics and verdict; buckets and entries as CSV, JSON, pictures"
    options = (
        Option("--csv", "FILE", repeatable=True),
        Option("--entries", "FILE", repeatable=True),
        Option("--json", "FILE", repeatable=True),
        Option("--plot", "FILE", repeatable=True),
        GUARD,
        Option("--buckets", "A-B"),
        Option("--limit", "N"),
        *TYPES,
    )

    def run(self, arguments: Arguments) -> None:
        if arguments.rest:
            raise UsageError(f"unexpected '{arguments.rest}' after '--': name one map")
        arguments.number("--limit", 0)
        for path in arguments.all("--plot"):
            from ..plot import format_of

            format_of(path)
        target, opened = self.open_map(arguments)
        if "--buckets" in arguments:
            chosen = _chosen_buckets(opened, str(arguments.last("--buckets")))
        summary = self._write_files(target, opened, arguments)
        paths = [path for option in self.options[:4] for path in arguments.all(option.name)]
        if STANDARD_OUTPUT not in paths:
            write(summary)
        if "--buckets" in arguments:
            self._print_buckets(target, opened, arguments, *chosen)

    def _write_files(self, target: Target, opened: Map, arguments: Arguments) -> str:
        """One walk for all files; the summary."""
        from ..output.dump import MapFiles, dump_map

        files = MapFiles(
            occupancy=arguments.all("--csv"),
            entries=arguments.all("--entries"),
            documents=arguments.all("--json"),
            pictures=arguments.all("--plot"),
            guarded=GUARD.name in arguments,
        )
        with Outputs(expand_user=True) as outputs, Progress(self.name) as progress:
            dumped = dump_map(
                target,
                opened,
                files,
                outputs,
                max_string=parameters.get(parameters.MaxString),
                origin=_origin(target),
                most=arguments.number("--limit", 0) or None,
                progress=progress,
            )
            outputs.commit()
        return dumped.summary

    def _print_buckets(
        self, target: Target, opened: Map, arguments: Arguments, array: str, low: int, high: int
    ) -> None:
        from ..text import bucket_lines
        from ..values import Renderer

        limit = arguments.number("--limit", parameters.get(parameters.Limit))
        renderer = Renderer(target, max_string=parameters.get(parameters.MaxString))
        chains = opened.iter_chains(array, low, high)
        for line in bucket_lines(opened.header, chains, renderer, limit):
            write(line)


def _chosen_buckets(opened: Map, text: str) -> tuple[str, int, int]:
    """Array name and range [low, high) of an argument like "3-5" or "old:7". UsageError."""
    found = _RANGE.match(text)
    if not found:
        raise UsageError(
            f"option '--buckets' takes A-B, old:A-B or TABLE:A-B, not '{text}': for example 0-3"
        )
    arrays = opened.header.arrays
    if not arrays:
        raise UsageError(f"no bucket '{text}': the map has no buckets yet")
    wanted = found.group(1)
    array = arrays[0]
    if wanted:
        is_old = wanted == "old"
        matching = [one for one in arrays if _name_of(one) == wanted or one.name == wanted]
        if not matching:
            names = [_name_of(one) for one in arrays]
            if len(names) > MAX_NAMES:
                names[MAX_NAMES - 1 : -1] = ["…"]
            known = ", ".join(f"'{name}'" for name in names)
            why = ": the map is not growing" if is_old else ""
            raise UsageError(f"no array '{wanted}'{why}: it has {known}")
        array = matching[0]
    low = int(found.group(2))
    high = int(found.group(3)) if found.group(3) else low
    if low > high or high >= array.buckets:
        raise UsageError(
            f"no buckets '{text}': array '{array.name}' has buckets 0 to {array.buckets - 1:,}"
        )
    return array.name, low, high + 1


def _name_of(array: Array) -> str:
    """What --buckets calls an array."""
    return "old" if array.role.value == "old" else array.name


def _origin(target: Target) -> str:
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    return f"{target.describe()}, read {now}"
