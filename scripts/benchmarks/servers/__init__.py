"""Five servers that nobody here wrote: how soon, completely and rightly their maps are listed.

The servers are built from Go's module proxy with debug information, loaded a little, and looked at
in two cores each, beside goref, which reads the same heaps, and Delve, which evaluates the same
paths.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.servers import delve as delves
from benchmarks.servers.cores import dig_holes, kernel_core_obstacle, take_cores
from benchmarks.servers.measure import (
    Listing,
    Spent,
    gdb_spend,
    list_maps,
    look_with_goref,
    spend,
)
from benchmarks.servers.modules import build_module
from benchmarks.servers.programs import SERVERS, Server
from benchmarks.servers.table import render
from benchmarks.tools import ROOT, CannotRun, build, build_go, core_of, run

MAX_TIMES_GOREF = 2.0  # processor time of a complete list
MAX_PEAK_MB = 400.0
LIMITS = """\
What stands in the way of the goals for time and memory: gdb with the program, the core and numpy is
0.5 to 1.3 s and 130 to 230 MB before the search begins; each map is opened by itself, its header,
tables and types checked, which takes 0.1 to 0.2 ms and 2.7 KB; and each type that leads to maps is
planned once, some 10,000 in a server. goref adds up bytes by path, and reads no map."""
MIN_TIMES_DELVE = 14.0  # Delve's print of a million entries, over hmap-dump

RUNS = 2  # of a dump or print of a million entries; the fastest counts

MILLION = "main.mapStringInt64"  # of fixtures/go/states


@dataclass(frozen=True)
class Options:
    """What of the benchmark is wanted."""

    folder: Path  # of the programs and cores, which are kept
    goref: Path | None  # None: the ratios are not measured
    delve: bool
    servers: Sequence[str] = ()  # names; empty: all
    verbose: bool = False


@dataclass(frozen=True)
class Look:
    """What was measured on one core."""

    server: str
    writer: str  # of the core
    goref: Spent | None
    listing: Listing
    stripped: Listing
    agreement: delves.Agreement | None

    def ratio(self) -> float | None:
        return self.listing.spent.seconds / self.goref.seconds if self.goref else None


def bench_servers(options: Options) -> bool:
    """Five servers from Go's module proxy: their maps, beside goref's look at the same cores."""
    chosen = [one for one in SERVERS if not options.servers or one.name in options.servers]
    folder = options.folder.resolve()
    tool = build("libhmap/layout/hmap-layout")
    bin_folder = folder / "bin"
    programs = [
        build_module(server.module, server.version, server.package, bin_folder / stem(server))
        for server in chosen
    ]
    dlv = None
    if options.delve:
        dlv = bin_folder / f"dlv-{delves.VERSION}"
        build_module(delves.MODULE, delves.VERSION, delves.PACKAGE, dlv)
    cache = folder / "cache"
    shutil.rmtree(cache, ignore_errors=True)
    looks: list[Look] = []
    for server, exe in zip(chosen, programs):
        cores = cores_of(server, exe, folder / "cores" / stem(server))
        stripped, layout = strip(exe, tool, folder / "stripped")
        for writer, core in cores.items():
            out = folder / "looks" / server.name / writer
            out.mkdir(parents=True, exist_ok=True)
            goref = look_with_goref(options.goref, exe, core, out) if options.goref else None
            full = list_maps(exe, core, "list", out, cache)
            bare = list_maps(stripped, core, "stripped", out, cache, layout)
            agreement = ask_delve(dlv, exe, core, full) if dlv else None
            looks.append(Look(server.name, writer, goref, full, bare, agreement))
            print_progress(looks[-1])
    print_looks(looks)
    print_notes(looks, options.verbose)
    return print_goals(looks, measure_dump(folder, dlv) if dlv else None)


def stem(server: Server) -> str:
    """The name of what is kept of a server: another version is another program."""
    return f"{server.name}-{server.version}"


def cores_of(server: Server, exe: Path, folder: Path) -> dict[str, Path]:
    """The cores that were taken before, or new ones. CannotRun."""
    wanted = ["gdb"] if kernel_core_obstacle() else ["gdb", "kernel"]
    known = {writer: folder / f"{writer}.core" for writer in wanted}
    if all(core.exists() for core in known.values()):
        return known
    print(f"  loading {server.name}", flush=True)
    return take_cores(server, exe, folder)


def strip(exe: Path, tool: Path, folder: Path) -> tuple[Path, Path]:
    """The program stripped, which its cores fit too, and its layout file. CannotRun."""
    folder.mkdir(parents=True, exist_ok=True)
    bare, layout = folder / exe.name, folder / f"{exe.name}.layout.json"
    run([tool, exe, "--json", layout])
    run(["strip", "-o", bare, exe])
    return bare, layout


def ask_delve(dlv: Path, exe: Path, core: Path, listing: Listing) -> delves.Agreement:
    with delves.delve(dlv, exe, core) as client:
        return delves.compare(delves.sample(listing.rows), client)


def measure_dump(folder: Path, dlv: Path) -> tuple[Spent, Spent]:
    """hmap-dump and Delve's print of a map of a million entries, each with its start. CannotRun."""
    exe = build_go("./states", ROOT / "fixtures" / "go")
    work = folder / "million"
    work.mkdir(parents=True, exist_ok=True)
    core = work / "core"
    if not core.exists():
        core_of(exe, [work, "million"], "main.fixtureStop", str(work))
        dig_holes(core)
    entries = work / "view.csv"
    command = f"hmap-dump {MILLION} --entries {entries}"
    dumps = [gdb_spend(exe, core, [command], work / "dump.log") for _ in range(RUNS)]
    script = work / "print.dlv"
    script.write_text(f"config max-array-values 2000000\nprint {MILLION}\nexit\n", encoding="utf-8")
    words: list[str | Path] = [
        dlv,
        "core",
        exe,
        core,
        "--init",
        script,
        "--allow-non-terminal-interactive=true",
    ]
    prints = [spend(words, work / "print.log") for _ in range(RUNS)]
    with entries.open(encoding="utf-8") as lines:
        if sum(1 for _ in lines) != 1_000_001:
            raise CannotRun(f"hmap-dump did not write a million entries: see '{work}/dump.log'")
    if (work / "print.log").stat().st_size < 10_000_000:
        raise CannotRun(f"Delve did not print a million entries: see '{work}/print.log'")
    return fastest(dumps), fastest(prints)


def fastest(runs: Sequence[Spent]) -> Spent:
    return min(runs, key=lambda one: one.seconds)


# ---- what is printed -----------------------------------------------------------------------------


def print_progress(look: Look) -> None:
    """A line when a core was looked at: the tables come when all were."""
    said = [f"hmap-list {look.listing.spent.seconds:.1f} s, {len(look.listing.rows):,} maps"]
    if look.goref:
        said.append(f"goref {look.goref.seconds:.1f} s")
    if look.agreement:
        said.append(f"Delve: {look.agreement.equal:,} equal, {len(look.agreement.different):,} not")
    print(f"  {look.server}, {look.writer}'s core: {'; '.join(said)}", flush=True)


def print_looks(looks: Sequence[Look]) -> None:
    head = ["program", "core", "goref s", "MB", "hmap-list s", "MB", "maps", "cut"]
    rows = [[*head, "stripped s", "MB", "maps", "cut", "times goref", "goals"]]
    for look in looks:
        goref = cost(look.goref) if look.goref else ["-", "-"]
        ratio = look.ratio()
        rows.append(
            [
                *(look.server, look.writer, *goref, *cells(look.listing), *cells(look.stripped)),
                f"{ratio:.1f}" if ratio is not None else "-",
                ", ".join(missed(look)) or ("met" if ratio else "met, time not measured"),
            ]
        )
    print(render(rows, (0, 1, 7, 11, 13)))


def cost(spent: Spent) -> list[str]:
    return [f"{spent.seconds:.1f}", f"{spent.peak_mb:.0f}"]


def cells(listing: Listing) -> list[str]:
    if listing.failure:
        return [*cost(listing.spent), "none", "failed"]
    return [*cost(listing.spent), f"{len(listing.rows):,}", "cut" if listing.cuts else "no"]


def missed(look: Look) -> list[str]:
    """The goals that the list of a core missed."""
    listing, ratio = look.listing, look.ratio()
    goals = {
        "NOT MET: complete": bool(listing.failure or listing.cuts),
        "NOT MET: time": ratio is not None and ratio > MAX_TIMES_GOREF,
        "NOT MET: memory": listing.spent.peak_mb > MAX_PEAK_MB,
    }
    return [goal for goal, is_missed in goals.items() if is_missed]


def print_notes(looks: Sequence[Look], verbose: bool) -> None:
    """Why lists were cut or failed, how they differ, and what Delve said."""
    for look in looks:
        where = f"{look.server}, {look.writer}"
        for name, listing in (("", look.listing), (", stripped", look.stripped)):
            for note in (*listing.cuts, *([listing.failure] if listing.failure else [])):
                print(f"  {where}{name}: {note}")
        if difference := unlike(look.listing, look.stripped):
            print(f"  {where}: of the maps {difference}")
    agreements = [(look, look.agreement) for look in looks if look.agreement]
    if not agreements:
        return
    rows = [["program", "core", "rows", "equal", "of them locals", "different", "no answer"]]
    for look, one in agreements:
        numbers = (one.rows, one.equal, one.frames, len(one.different), one.refused.total())
        rows.append([look.server, look.writer, *(f"{number:,}" for number in numbers)])
    print("  Delve's length and address of each map, by the path of hmap-list:")
    print(render(rows, (0, 1)))
    total = delves.Agreement()
    for _, one in agreements:
        total.add(one)
    for why, count in total.refused.most_common(None if verbose else 8):
        print(f"  no answer, {count:,} times: {why}")
    for line in total.different[: None if verbose else 8]:
        print(f"  different: {line}")


def unlike(full: Listing, bare: Listing) -> str:
    """How the list with debug information differs from the other; empty: in nothing."""
    known, found = ({row["address"]: row["entries"] for row in one.rows} for one in (full, bare))
    counts = {
        "only with debug information": len(known.keys() - found.keys()),
        "only stripped": len(found.keys() - known.keys()),
        "of another length": sum(found[at] != known[at] for at in known.keys() & found.keys()),
    }
    return ", ".join(f"{count:,} {where}" for where, count in counts.items() if count)


def print_goals(looks: Sequence[Look], dump: tuple[Spent, Spent] | None) -> bool:
    """The goals beside today's figures; whether all that were measured are met."""
    lists = [look.listing for look in looks]
    whole = [one for one in lists if not one.failure and not one.cuts]
    ratios = [ratio for look in looks if (ratio := look.ratio()) is not None]
    peaks = [one.spent.peak_mb for one in lists]
    goals: list[tuple[str, str, bool | None]] = [
        ("lists are complete", f"{len(whole)} of {len(lists)}", len(whole) == len(lists)),
        (
            f"at most {MAX_TIMES_GOREF:g} times goref's processor time",
            f"{min(ratios):.1f} to {max(ratios):.1f} times" if ratios else "needs --goref",
            max(ratios) <= MAX_TIMES_GOREF if ratios else None,
        ),
        (
            f"at most {MAX_PEAK_MB:g} MB",
            f"{min(peaks):.0f} to {max(peaks):.0f} MB",
            max(peaks) <= MAX_PEAK_MB,
        ),
    ]
    agreements = [look.agreement for look in looks if look.agreement]
    equal = sum(one.equal for one in agreements)
    different = sum(len(one.different) for one in agreements)
    goals.append(
        (
            "agreement with Delve on every path both evaluate",
            f"{equal:,} equal, {different:,} different" if agreements else "needs --delve",
            different == 0 and equal > 0 if agreements else None,
        )
    )
    ours, theirs = dump or (None, None)
    times = theirs.seconds / ours.seconds if ours and theirs else None
    seconds = f": {ours.seconds:.1f} s, {theirs.seconds:.1f} s" if ours and theirs else ""
    goals.append(
        (
            f"hmap-dump of 1,000,000 entries {MIN_TIMES_DELVE:g} times cheaper than Delve's print",
            f"{times:.1f} times{seconds}" if times else "needs --delve",
            times >= MIN_TIMES_DELVE if times else None,
        )
    )
    words = {True: "met", False: "NOT MET", None: "not measured"}
    rows = [["goal", "today", ""], *([goal, today, words[holds]] for goal, today, holds in goals)]
    print(render(rows, (0, 1, 2)))
    print(LIMITS)
    return all(holds is not False for _, _, holds in goals)
