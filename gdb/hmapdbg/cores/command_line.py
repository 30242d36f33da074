"""The command line of hmap-cores."""

from __future__ import annotations

import argparse
import os
import re
import threading
from collections.abc import Sequence
from typing import NoReturn

from ..compat import dataclass
from ..text import printable
from . import USAGE
from .outcome import VERDICTS

TIMEOUT = 300.0  # seconds
MOST = 64  # maps of a core
MAX_UNPACKED = "32G"  # what systemd-coredump takes at most, ExternalSizeMax

EXAMPLE = """\
example:
  $ hmap-cores -o out/cores --fail-on skewed,pinned build/server /var/crash/core.*
  /var/crash/core.4711: 2 maps
    sessions     full                    96,875 entries    2.6 MiB held  191.8 KiB wasted
    rate_limits  skewed (--fail-on)       8,000 entries  332.7 KiB held   94.5 KiB wasted
  /var/crash/core.4712: of another build of 'server': build id 99dcefdd50e7…, not 3a5c89885baa…
  1 of 2 cores examined, 2 maps; the table of all is out/cores/summary.csv
  $ echo $?
  2

Without --map the maps are those that hmap-list finds: behind globals, statics and the locals of all
frames, in libhmap's registry, and in the heap of a Go program. For each core OUT has a folder, and
in it the list of all its maps (maps.txt, maps.json), and for each map examined what hmap-dump
prints (NAME.txt), the occupancy of its buckets (NAME.csv), its entries (NAME.entries.csv), all
numbers (NAME.json) and the picture (NAME.png). OUT/summary.csv has a row for each map of each core,
and for each core that is bad. A folder of an earlier run is replaced.

With --diff the cores are taken to be in the order of their time: it says which maps have grown from
the first to the last, the one that grew most first (OUT/diff.csv has all of them). With --html
OUT/index.html and a page for each core show all that, and how the maps grew from core to core.

Compressed cores (zstd, lz4, xz, gzip, bzip2) are unpacked for as long as they are looked at, to a
hidden folder in OUT:

  $ hmap-cores server /var/lib/systemd/coredump/core.server.*.zst
  $ hmap-cores --sysroot /var/lib/containers/storage/overlay/…/merged /usr/bin/server core.zst

exit status, the highest that applies:
  0  every map of every core is sound
  1  hmap-check found a Problem in a map, or a map has a verdict of --fail-on
  2  a core or a map could not be examined, or not all of it; or results could not be written
  3  the command line is wrong: no core was looked at

verdicts: """ + ", ".join(
    VERDICTS
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"hmap-cores: {printable(message)}: see 'hmap-cores --help'\n")


@dataclass(frozen=True)
class Asked:
    """What the command line asks for."""

    program: str  # with sysroot: or the first core
    cores: Sequence[str]
    output: str
    map: Sequence[str]
    most: int
    diff: bool
    html: bool
    fail_on: Sequence[str]  # names of verdicts
    jobs: int
    timeout: float  # seconds
    max_unpacked: int  # bytes
    no_entries: bool
    no_plots: bool
    guard: bool
    sysroot: str
    twin: str
    definitions: Sequence[str]
    any_build: bool
    gdb: str
    ex: Sequence[str]


def parse(arguments: Sequence[str]) -> Asked:
    """Takes the command line apart; exits with USAGE where it is wrong."""
    parser = _Parser(
        prog="hmap-cores",
        usage="hmap-cores [OPTION]... EXE CORE...\n"
        "       hmap-cores [OPTION]... --sysroot DIR [EXE] CORE...",
        description="Examine the hash maps in core files of one program: a folder a core with "
        "summaries, CSVs and pictures, and one table over all.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("program", metavar="EXE", help="the program that wrote the cores, with debug info")
    add(
        "cores",
        metavar="CORE",
        nargs="*",
        help="a core file, also compressed by zstd, lz4, xz, gzip or bzip2; or a folder of them",
    )
    add("-o", "--output", metavar="OUT", default="hmap-cores.out", help="(default: %(default)s)")
    add(
        "--map",
        metavar="EXPR",
        action="append",
        default=[],
        help="examine only this map; repeatable",
    )
    add(
        "--most",
        metavar="N",
        type=_whole,
        default=MOST,
        help="examine the N largest maps of a core; 0: all (default: %(default)s)",
    )
    add("--diff", action="store_true", help="show which maps grew from the first core to the last")
    add("--html", action="store_true", help="write a page per core and an index")
    add(
        "--fail-on",
        metavar="VERDICT,…",
        type=_verdicts,
        action="extend",
        default=[],
        help="verdicts that set exit status 1",
    )
    cpus = len(os.sched_getaffinity(0))
    add(
        "-j",
        "--jobs",
        metavar="N",
        type=_count,
        default=cpus,
        help="cores in parallel (%(default)s)",
    )
    add(
        "--timeout",
        metavar="S",
        type=_seconds,
        default=TIMEOUT,
        help=f"seconds per core, 0.3 of it for the search (default: {TIMEOUT:g}); "
        "as many to unpack it",
    )
    add(
        "--max-unpacked",
        metavar="SIZE",
        type=_size,
        default=MAX_UNPACKED,
        help="unpack no core that is larger (default: %(default)s)",
    )
    add("--no-entries", action="store_true", help="write no CSVs of entries")
    add("--no-plots", action="store_true", help="draw no pictures")
    add(
        "--guard",
        action="store_true",
        help="write CSVs for spreadsheets: a ' before texts that they would take for formulas",
    )
    add(
        "--sysroot",
        metavar="DIR",
        default="",
        help="root folder of the container that the cores are of, with its executables and "
        "libraries; EXE is a path in it or, left out, found for each core",
    )
    add(
        "--twin",
        metavar="FILE",
        default="",
        help="take names and types of a Go program without debug info from a rebuild of it "
        "(hmap-twin)",
    )
    add(
        "--definitions",
        metavar="FILE",
        action="append",
        default=[],
        help="map families of your own: a file for hmap-define; repeatable",
    )
    add("--any-build", action="store_true", help="do not compare build ids")
    add("--gdb", metavar="GDB", default="gdb", help="the gdb to run (default: %(default)s)")
    add(
        "--ex",
        metavar="COMMAND",
        action="append",
        default=[],
        help="gdb command before reading the core: --ex 'set solib-search-path DIR'; repeatable",
    )
    asked = Asked(**vars(parser.parse_intermixed_args(_without_marker(arguments))))
    if not asked.cores and not asked.sysroot:
        parser.error("the following arguments are required: CORE")
    return asked


def _without_marker(arguments: Sequence[str]) -> list[str]:
    """Arguments without "--", behind which none is an option: argparse cannot take it where options
    may stand among other arguments."""
    if "--" not in arguments:
        return list(arguments)
    at = arguments.index("--")
    files = (f"./{one}" if one.startswith("-") else one for one in arguments[at + 1 :])
    return [*arguments[:at], *files]


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a number")
    return int(text)


def _count(text: str) -> int:
    number = _whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number < threading.TIMEOUT_MAX:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds")
    return number


def _size(text: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text, re.IGNORECASE)
    size = 0 if found is None else float(found[1]) * 1024 ** " KMGT".index(found[2].upper() or " ")
    if not 1 <= size < 1 << 63:
        raise argparse.ArgumentTypeError(f"'{text}' is not a size, such as 500M or 32G")
    return int(size)


def _verdicts(text: str) -> list[str]:
    names = [name.strip().replace("-", " ") for name in text.split(",")]
    for name in names:
        if name not in VERDICTS:
            known = ", ".join(VERDICTS)
            raise argparse.ArgumentTypeError(f"no verdict '{name}': use one of {known}")
    return names
