"""hmap-diff: which maps have grown since a saved list."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import gdb

from .. import parameters
from ..arguments import Arguments, Option, UsageError
from ..output.files import STANDARD_OUTPUT, FileError, Outputs
from ..terminal import write
from .command import GUARD, HmapCommand
from .list import CHOICE, family_of, list_maps, show_traces

if TYPE_CHECKING:
    from ..listing.rows import Listing


class Diff(HmapCommand):
    """Show which maps have grown since 'hmap-list --save FILE', fastest growth first.

    Usage: hmap-diff FILE [OPTION]...

    FILE was saved by hmap-list from the same process, or from another run of the program. Within
    one process maps are matched by address and creation site, otherwise by path. Maps are ranked by
    the size of the entries gained, not by bytes held: a map that fills the room it has grows too,
    and one that doubles its array for one more entry does not. A map in only one of the lists is
    called new or gone only where the other list is complete.

      --match REGEX   compare only maps whose path, name or types match
      --family WORD   only maps of a family: libhmap, bucket, swiss, sync, go, unordered,
                      libc++, rust, abseil, glib, qt, khash, uthash, boost, folly, redis,
                      valkey, robin, ankerl, densemap, stringmap, llvm
      --limit N       print at most N rows; 0 means no limit
      --seconds N     end the search after N seconds, and the walks of the maps after N more
      --places N      end the search after N places in memory; default 20,000,000
      --csv FILE      write a row per changed map
      --json FILE     write the same as JSON
      --guard         write CSVs for spreadsheets, as hmap-dump does
      -h, --help      show this help

    Options with a FILE may be repeated; '-' is standard output and suppresses the table.

    Example:
      (gdb) hmap-list --save before.json
      (gdb) continue
      (gdb) hmap-diff before.json

    New keys of the fastest-growing maps come from samples: a few hundred keys of each map are
    saved, chosen by a hash, so that both lists sample the same keys."""

    name = "hmap-diff"
    summary = "which maps have grown since 'hmap-list --save FILE'"
    options = (
        *(one for one in CHOICE if one.name not in ("--sort", "--min-bytes")),
        Option("--csv", "FILE", repeatable=True),
        Option("--json", "FILE", repeatable=True),
        GUARD,
    )

    def run(self, arguments: Arguments) -> None:
        from ..listing.difference import compare
        from ..listing.saved import dump_difference
        from ..listing.tables import diff_csv, diff_lines
        from ..text import printable

        path = arguments.expression.strip("'\"")
        if not path or arguments.rest:
            raise UsageError("name one file that 'hmap-list --save FILE' has written")
        limit = arguments.number("--limit", parameters.get(parameters.ListLimit))
        before = _load(path)
        after = list_maps(arguments, self.name, "held", samples=True)
        found = compare(_chosen(before, arguments), after)
        with Outputs(expand_user=True) as outputs:
            for name in arguments.all("--csv"):
                outputs.open(name).write(diff_csv(found, GUARD.name in arguments))
            for name in arguments.all("--json"):
                outputs.open(name).write(dump_difference(found))
            outputs.commit()
        if STANDARD_OUTPUT not in [*arguments.all("--csv"), *arguments.all("--json")]:
            write("".join(f"{line}\n" for line in diff_lines(found, limit)))
            notes = [*_doubts(before, after, path), *after.notes]
            write("".join(f"note: {printable(note)}\n" for note in notes))
        show_traces(after)

    def complete(self, text: str, word: str | None) -> object:
        if not text.lstrip().startswith("-") and " " not in text.strip():
            return gdb.COMPLETE_FILENAME
        return super().complete(text, word)


def _doubts(before: Listing, after: Listing, path: str) -> list[str]:
    """What speaks against comparing two listings: other programs."""
    names = [os.path.basename(one.program) for one in (before, after)]
    if not all(names) or names[0] == names[1]:
        return []
    return [
        f"'{path}' was saved of the program '{names[0]}', this one is '{names[1]}': unless it was "
        "renamed, maps that match do so by chance"
    ]


def _load(path: str) -> Listing:
    """The listing in a file. FileError."""
    from ..listing.saved import MAX_BYTES, NotAListing, load

    try:
        given = os.path.expanduser(path)
        if os.path.getsize(given) > MAX_BYTES:
            raise NotAListing(f"it has more than {MAX_BYTES:,} bytes")
        with open(given, encoding="utf-8", errors="surrogateescape") as file:
            return load(file.read())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FileError(f"cannot read '{path}': {reason}: check the path") from None
    except (NotAListing, UnicodeDecodeError) as error:
        raise FileError(
            f"'{path}' is no saved list: {error}: make one by 'hmap-list --save FILE'"
        ) from None


def _chosen(before: Listing, arguments: Arguments) -> Listing:
    """Of the saved maps, those that the options ask for."""
    from dataclasses import replace

    from ..listing.rows import is_wanted

    match, family = arguments.pattern("--match"), family_of(arguments)
    return replace(before, rows=[row for row in before.rows if is_wanted(row, match, family)])
