#!/usr/bin/env python3
"""Damages the memory of programs in 10^5 ways, and sees what the commands make of it.

    tests/damage/fuzz.py --family swiss --cases 100000
    tests/damage/fuzz.py --family swiss --cases 100000 --only 4711     one case of these again
    tests/damage/fuzz.py --moments 200

Prints a line per finding and the numbers of each run; the exit status is 1 if anything was found.
A case is a map of a fixture with one to three changes in what commands read of it; the commands
must end in their own errors, in 2 seconds of processor time (and one for each 64 MiB that the
damaged map makes them read) and 256 MiB each, without control bytes
in what they print, with statistics that equal their CSV files; and what is seen to be another map
must be a Problem.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / one) for one in ("gdb", "support")]

import absl_programs  # noqa: E402
import boost_programs  # noqa: E402
import cpp_programs  # noqa: E402
import declared_programs  # noqa: E402
import flat_programs  # noqa: E402
import glib_programs  # noqa: E402
import libcxx_programs  # noqa: E402
import qt_programs  # noqa: E402
import rust_programs  # noqa: E402
from go_fixtures import expressions, has_bucket_maps, program, program_of  # noqa: E402
from go_toolchains import Toolchain, find_toolchains  # noqa: E402
from harness import EXTENSION, GDB_SETTINGS, clean_environment  # noqa: E402

C, CPP = ROOT / "build/dev/fixtures/c/states", ROOT / "build/dev/fixtures/cpp/states_cpp"
STOP, GO_STOP = "fixture_stop", "main.fixtureStop"

# States of the fixtures.
LIBHMAP = (
    *("one_bucket", "growing_overflow_both", "same_size_half", "boxed_growing"),
    *("owned_string_keys", "parked_iterator_both", "graveyard", "struct_keys"),
)
LIBSTDCXX = (
    *("map_int", "map_string", "multimap_string", "set_string", "one", "half_erased"),
    *("one_bucket_cached", "structs", "clustered"),
)
BUCKET = (
    *("overflow_chains", "growing_half", "same_size_half", "many", "parked_on_old"),
    *("strings", "structs", "interfaces", "big_both", "nested_maps"),
)
SWISS = (
    *("nine", "many", "one_table", "many_tables", "tombstones_reused", "parked_on_old"),
    *("strings", "structs", "interfaces", "big_both", "nested_maps"),
)
SYNC = ("sync_plain", "sync_promoted", "sync_amended", "sync_expunged", "sync_large", "sync_types")
# Of these a case takes several times as long as of the others, so they get a tenth as many.
LARGE = {"map_string", "multimap_string", "one_bucket_cached", "clustered", "half_erased", "one"}
LARGE |= {"many", "many_tables", "sync_large", "interfaces", "nested_maps"}
LISTS = ("list-c", "list-cpp", "list-go")  # hmap-list alone, of programs made for it
FAMILIES = ("libhmap", "libstdcxx", "bucket", "swiss", "sync")
# Further families: the maps in the programs of their fixtures.
OTHERS = {
    "libcxx": ("map_int", "multimap_string", "set_string", "one", "structs", "clustered"),
    "abseil": (
        *("one", "seven", "tombstoned", "map_string", "structs", "set_int", "one_string"),
        *("node_map", "reserved_exactly"),
    ),
    "rust": (
        *("states::STATES.one", "states::STATES.tombstoned", "states::STATES.strings"),
        *("states::STATES.set", "states::STATES.shapes", "states::STATES.boxed"),
    ),
    "glib": ("one", "tombstoned", "strings", "names", "int64_keys", "sessions", "nested"),
    "khash": ("ints", "tombstoned", "texts", "points", "names"),
    "qt": ("one", "full", "thinned", "texts", "sessions", "words", "many", "many_texts"),
    "uthash": ("one", "many", "thinned", "clustered", "tokens", "hosts", "tiles"),
    "boost": (
        *("flat_one", "flat_full", "flat_string", "flat_structs", "flat_set", "flat_bad_hash"),
        *("list_int", "list_string", "list_structs", "list_multimap", "list_set", "list_one"),
    ),
    "redis": ("one", "growing", "shrinking", "thinned", "binary", "fields", "members", "names"),
    "valkey": ("one", "growing", "shrinking", "thinned", "members", "scores", "fields"),
    "robin": (
        *("r_one", "r_thinned", "r_texts", "r_stored", "u_one", "u_thinned", "u_texts"),
        *("u_set", "u_segmented"),
    ),
    "llvm": (
        *("d_one", "d_deleted", "d_texts", "d_refs", "d_pairs", "d_handles", "s_small"),
        *("m_one", "m_deleted", "m_points", "m_set"),
    ),
    "declared": tuple(declared_programs.DEFINITIONS),  # programs, with all of their tables
    "folly": ("values", "one", "full", "nodes", "vectors", "set", "old_values", "old_vectors"),
}


@dataclass(frozen=True)
class Result:
    """What a run gave."""

    findings: Sequence[dict[str, Any]]
    numbers: dict[str, Any]  # cases, commands, findings, slowest (seconds), errors


def images_of(family: str, folder: Path) -> list[dict[str, Any]]:
    """The programs with maps of a family, and the expressions for these."""
    if family in LISTS:
        return _of_list(family)
    if family == "libhmap":
        return [_image(C, f"{one} {folder}/{one}", STOP, {"fixture_map": one}) for one in LIBHMAP]
    if family == "libstdcxx":
        names = " ".join(LIBSTDCXX)
        return [_image(CPP, f"{folder} {names}", STOP, {one: one for one in LIBSTDCXX})]
    if family == "declared":
        return [_of_declared(name, folder) for name in OTHERS[family]]
    if family in OTHERS:
        return [_of_other(family, folder)]
    found = find_toolchains()
    old = [one for one in found if has_bucket_maps(one)][:1]
    new = [one for one in found if not has_bucket_maps(one)][-1:]
    chosen = {"bucket": [(BUCKET, old)], "swiss": [(SWISS, new)]}
    pairs = chosen.get(family, [(SYNC, old), (SYNC, new)])
    return [_of_go(go, states, folder) for states, gos in pairs for go in gos]


def _of_list(family: str) -> list[dict[str, Any]]:
    if family == "list-go":
        return [
            _image(program_of("reach", go), "", GO_STOP, {"all": ""})
            for go in find_toolchains()
            if go.minor in (find_toolchains()[0].minor, find_toolchains()[-1].minor)
        ]
    exe = C.parent / "reach" if family == "list-c" else CPP.parent / "reach_cpp"
    return [_image(exe, "", STOP, {"all": ""})]


def _of_other(family: str, folder: Path) -> dict[str, Any]:
    fixtures = ROOT / "fixtures"
    states = {one: one for one in OTHERS[family]}
    arguments = f"{folder}"
    if family == "libcxx":
        exe = libcxx_programs.states()
        arguments += f" {' '.join(states)}"
    elif family == "abseil":
        exe = absl_programs.compiled(absl_programs.BUILDS[0])
    elif family == "boost":
        exe = boost_programs.compiled(boost_programs.builds()[0])
    elif family == "folly":
        exe, arguments = cpp_programs.compiled(folder, "g++", "f14_layouts.cc"), ""
    elif family == "rust":
        exe = rust_programs.compiled(
            rust_programs.toolchains()[-1], rust_programs.SOURCE / "states.rs"
        )
    elif family == "qt":
        exe = qt_programs.compiled("g++", "-O0")
    elif family in ("robin", "llvm"):
        make = flat_programs.robin if family == "robin" else flat_programs.llvm
        exe = make("g++", "-O0") if family == "robin" else make("clang++", "-O0")
    elif family in ("redis", "valkey"):
        files = tuple((fixtures / family).glob("*.[ch]"))
        flags = ("-DGENERATION=72",) if family == "redis" else ()
        exe = glib_programs.built(family, files, "gcc", "-O0", *flags, "-D_GNU_SOURCE")
    elif family == "glib":
        exe = glib_programs.compiled("gcc", "-O0")
    else:
        flags = ("-w",) if family == "khash" else ("-D_GNU_SOURCE", "-w")
        source = fixtures / family / "states.c"
        exe = glib_programs.built(family, (source,), "gcc", "-O0", *flags)
    return _image(exe, arguments, STOP, states)


def _of_declared(name: str, folder: Path) -> dict[str, Any]:
    exe = declared_programs.program(name)
    image = _image(exe, f"{folder}", STOP, {one: one for one in declared_programs.names_of(exe)})
    return {**image, "uncounted": declared_programs.UNCOUNTED[name]}


def _of_go(go: Toolchain, states: Sequence[str], folder: Path) -> dict[str, Any]:
    known = expressions(go)
    there = [one for one in states if one in known]
    return _image(
        program(go),
        f"{folder} {' '.join(there)}",
        GO_STOP,
        {known[one]: one for one in there},
    )


def _image(exe: Path, arguments: str, stop: str, states: dict[str, str]) -> dict[str, Any]:
    """`states` by the expressions for their maps."""
    return {
        "exe": str(exe),
        "arguments": arguments,
        "stop": stop,
        "expressions": list(states),
        "shares": [1 if one in LARGE else 10 for one in states.values()],
    }


def fuzz(family: str, cases: int, seed: int = 1, only: Sequence[int] = ()) -> Result:
    """Runs gdb with so many cases. AssertionError if it does not come to the end."""
    with tempfile.TemporaryDirectory(prefix="hmap-damage-") as name:
        job = {
            "images": images_of(family, Path(name)),
            "cases": cases,
            "seed": seed,
            "only": list(only),
            "lists": family in LISTS,
        }
        if family == "declared":
            job["before"] = [declared_programs.define(*OTHERS[family])]
        return run_in_gdb("in_gdb.py", job, Path(name), bool(only))


def interrupt(moments: int, seed: int = 1) -> Result:
    """Ctrl-C at so many moments of each command that takes long, on one map of libhmap's."""
    with tempfile.TemporaryDirectory(prefix="hmap-damage-") as name:
        folder, out = Path(name), Path(name) / "out"
        dump = f"hmap-dump fixture_map --csv {out}/o.csv --entries {out}/e.csv --json {out}/d.json"
        commands: list[tuple[str, list[str]]] = [
            (dump, ["o.csv", "e.csv", "d.json"]),
            ("hmap-check fixture_map", []),
            ("hmap-find fixture_map -- 4711", []),
            (f"hmap-layout fixture_map --json {out}/l.json", ["l.json"]),
            (f"hmap-list --save {out}/m.json --csv {out}/m.csv", ["m.json", "m.csv"]),
        ]
        job = {
            **_image(C, f"half_deleted {folder}/truth", STOP, {}),
            "commands": commands,
            "moments": moments,
            "seed": seed,
        }
        return run_in_gdb("interrupts_in_gdb.py", job, folder)


def run_in_gdb(driver: str, job: dict[str, Any], folder: Path, aloud: bool = False) -> Result:
    """Runs a driver of this folder in gdb. AssertionError if it does not come to the end."""
    (folder / "out").mkdir()
    report = folder / "report.jsonl"
    job |= {"report": str(report), "folder": str(folder / "out")}
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    path = str(Path(__file__).resolve().parent / driver)
    command = ["gdb", "-nx", "-batch"]
    command += [word for setting in GDB_SETTINGS for word in ("-iex", setting)]
    command += ["-ex", EXTENSION, "-ex", "set hmap debug on"]
    command += [word for text in job.get("before", ()) for word in ("-ex", text)]
    command += ["-ex", f"python import runpy; runpy.run_path({path!r})"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=clean_environment() | {"HMAP_DAMAGE_JOB": str(folder / "job.json")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    lines = report.read_text(encoding="utf-8").splitlines() if report.exists() else []
    told = [json.loads(line) for line in lines]
    said = (done.stdout + done.stderr).decode("utf-8", "backslashreplace")
    assert told and "findings" in told[-1], f"gdb ended with {done.returncode}\n{said[-3000:]}"
    if aloud:
        print(said)
    return Result(told[:-1], told[-1])


def _lines(result: Result) -> Iterator[str]:
    for one in result.findings:
        text = one["finding"].strip().replace("\n", "\n    ")
        yield f"{one['expression']} --only {one['seed']}: {one['command']}: {text}"
        yield f"    {one['damage']}"


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", maxsplit=1)[0])
    choices = (*FAMILIES, *OTHERS, *LISTS)
    parser.add_argument("--family", choices=choices, action="append")
    parser.add_argument("--cases", type=int, default=1000, help="of each family (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the first case (%(default)s)")
    parser.add_argument("--moments", type=int, help="Ctrl-C at so many moments, in place of cases")
    parser.add_argument("--only", type=int, action="append", help="only the case of this seed")
    asked = parser.parse_args()
    os.chdir(ROOT)
    found = 0
    if asked.moments:
        result = interrupt(asked.moments, asked.seed)
        print(*result.findings, result.numbers, sep="\n")
        return 1 if result.findings else 0
    for family in asked.family or choices:
        result = fuzz(family, asked.cases, asked.seed, asked.only or ())
        for line in _lines(result):
            print(line)
        found += len(result.findings)
        numbers = result.numbers
        print(
            f"{family}: {numbers['cases']:,} cases from seed {asked.seed}, "
            f"{numbers['commands']:,} commands, the slowest {numbers['slowest']} s, "
            f"{len(result.findings):,} findings",
            flush=True,
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
