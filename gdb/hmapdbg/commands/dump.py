"""hmap-dump: what is inside one map."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import gdb

from .. import parameters
from .arguments import Arguments, Option, UsageError
from .command import TYPE, HmapCommand, number_of
from .files import STANDARD_OUTPUT, Outputs
from .progress import Progress

if TYPE_CHECKING:
    from ..families.family import Map
    from ..target import Target

_RANGE = re.compile(r"(?:(\w+):)?(\d+)(?:-(\d+))?\Z")


class Dump(HmapCommand):
    """Show what is inside a hash map: how full it is, how it is spread, what it holds in memory.

    Usage: hmap-dump EXPR [OPTION]...
           hmap-dump --type TYPE ADDRESS [OPTION]...

    EXPR is the map, or a pointer to it, as you would give it to 'print'; or a path as hmap-list
    prints it: frame 3: m, registry "sessions", server.by_name["acme"]; an index behind a map is a
    key. It is taken as it stands, up to the first option. The program is neither written to nor
    resumed, and none of its functions is called.

      --csv FILE      a row for each bucket: array,bucket,address,chain,slots,live,deleted,empty,
                      evacuated
      --entries FILE  a row for each live entry: array,bucket,chain_index,slot,tophash,key,value
      --json FILE     header, statistics, verdicts and problems, as JSON
      --plot FILE     a picture of four panels; .png, .svg or .pdf
      --buckets A-B   print the buckets from A to B slot by slot, stale keys of deleted slots too;
                      'old:A-B' are those of the array that growth is emptying
      --limit N       print at most N slots, write at most N rows of entries; 0 is no limit
      --type TYPE     the map is at the bare ADDRESS, and is a TYPE
      -h, --help      this text

    Options that name a FILE may be repeated; '-' is standard output, and then the summary is left
    out. A file is written whole or not at all.

    Example:
      (gdb) hmap-dump server->sessions --csv sessions.csv --plot sessions.png
      (gdb) hmap-dump sessions --buckets 0-3
      (gdb) hmap-dump --type "struct hmap" 0x5555555592a0

    The lines of the summary:
      slots      8 a bucket; deleted ones are tombstones, which mass deletion leaves behind
      chains     buckets by the length of their chain, main bucket included
      spread     entries a bucket beside a uniform hash (Poisson), the standard deviation of the
                 entries' position beside a uniform one, and the probability that a uniform hash
                 spreads at least so unevenly (chi² p)
      memory     what the map itself holds, not what keys and values point to; wasted is what a map
                 made anew for the same entries would not hold
      occupancy  how full the array is from its first bucket to its last; a full block is the load
                 at which the map grows
      verdict    what the numbers say; several may hold"""

    name = "hmap-dump"
    summary = "summary, statistics and verdict; buckets and entries as CSV, JSON, pictures"
    options = (
        Option("--csv", "FILE", repeatable=True),
        Option("--entries", "FILE", repeatable=True),
        Option("--json", "FILE", repeatable=True),
        Option("--plot", "FILE", repeatable=True),
        Option("--buckets", "A-B"),
        Option("--limit", "N"),
        TYPE,
    )

    def run(self, arguments: Arguments) -> None:
        if arguments.rest:
            raise UsageError(f"unexpected '{arguments.rest}' behind '--': name one map")
        number_of(arguments, "--limit", 0)
        for path in arguments.all("--plot"):
            from ..plot import format_of

            format_of(path)
        target, opened = self.open_map(arguments)
        if "--buckets" in arguments:
            chosen = _chosen_buckets(opened, str(arguments.last("--buckets")))
        summary = self._write_files(target, opened, arguments)
        paths = [path for option in self.options[:4] for path in arguments.all(option.name)]
        if STANDARD_OUTPUT not in paths:
            gdb.write(summary)
        if "--buckets" in arguments:
            self._print_buckets(target, opened, arguments, *chosen)

    def _write_files(self, target: Target, opened: Map, arguments: Arguments) -> str:
        """One walk for all files; the summary."""
        from .. import json, text
        from ..csv import EntriesWriter, OccupancyWriter
        from ..plot import PlotSink, caption_of, draw
        from ..survey import survey
        from ..values import Renderer

        header = opened.header
        renderer = Renderer(target, max_string=parameters.get(parameters.MaxString))
        most = number_of(arguments, "--limit", 0) or None
        with Outputs() as outputs, Progress(self.name) as progress:
            tables = [OccupancyWriter(outputs.open(path)) for path in arguments.all("--csv")]
            entries = [
                EntriesWriter(outputs.open(path), renderer, header.key_type, header.elem_type, most)
                for path in arguments.all("--entries")
            ]
            documents = [outputs.open(path) for path in arguments.all("--json")]
            pictures = [(path, outputs.open(path)) for path in arguments.all("--plot")]
            sinks = [PlotSink(header)] if pictures else []
            stats, problems = survey(
                header,
                opened.walk(cells=bool(entries or pictures)),
                [*tables, *entries, *sinks],
                progress,
            )
            for document in documents:
                document.write(json.dump(stats, problems))
            for path, output in pictures:
                caption = caption_of(stats, _origin(target), len(problems))
                probes = stats.probes if header.probing else None
                draw(path, sinks[0], stats, caption, probes=probes, stream=output)
            outputs.commit()
        notes = [
            f"{path} holds the first {one.rows:,} of {stats.live:,} entries (--limit)"
            for path, one in zip(arguments.all("--entries"), entries)
            if one.rows < stats.live
        ]
        if renderer.cut_strings:
            notes.append(
                f"{renderer.cut_strings:,} strings are cut at "
                f"{parameters.get(parameters.MaxString):,} bytes: see 'set hmap max-string'"
            )
        if renderer.cut_arrays:
            notes.append(f"{renderer.cut_arrays:,} arrays inside values are cut")
        return text.summary(stats, problems, notes)

    def _print_buckets(
        self, target: Target, opened: Map, arguments: Arguments, array: str, low: int, high: int
    ) -> None:
        from ..text import bucket_lines
        from ..values import Renderer

        limit = number_of(arguments, "--limit", parameters.get(parameters.Limit))
        renderer = Renderer(target, max_string=parameters.get(parameters.MaxString))
        chains = opened.iter_chains(array, low, high)
        for line in bucket_lines(opened.header, chains, renderer, limit):
            gdb.write(line)


def _chosen_buckets(opened: Map, text: str) -> tuple[str, int, int]:
    """Array name and range [low, high) of an argument like "3-5" or "old:7". UsageError."""
    found = _RANGE.match(text)
    if not found:
        raise UsageError(f"option '--buckets' takes A-B or old:A-B, not '{text}': for example 0-3")
    arrays = opened.header.arrays
    if not arrays:
        raise UsageError(f"no bucket '{text}': the map has no buckets yet")
    wanted = found.group(1)
    array = arrays[0]
    if wanted:
        name = "oldbuckets" if wanted == "old" else wanted
        matching = [one for one in arrays if one.name == name]
        if not matching:
            known = ", ".join(f"'{one.name}'" for one in arrays)
            raise UsageError(f"no array '{wanted}': the map is not growing; it has {known}")
        array = matching[0]
    low = int(found.group(2))
    high = int(found.group(3)) if found.group(3) else low
    if low > high or high >= array.buckets:
        raise UsageError(
            f"no buckets '{text}': array '{array.name}' has buckets 0 to {array.buckets - 1:,}"
        )
    return array.name, low, high + 1


def _origin(target: Target) -> str:
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    return f"{target.describe()}, read {now}"
