"""Keys and elems of the types that C++ programs have: shown as their values, found by them."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import pytest

from harness import Fails, Session, gdb_session
from libcxx_programs import LIBCXX, need_libcxx

PROGRAM = Path(__file__).resolve().parent / "programs" / "shown.cc"
STOP = ("break stop", "run")
LONG = "a text that is too long to be in the string itself"

NARROW = {
    "items": {
        "short": '{name = "a \\"name\\"", number = 1}',
        LONG: f'{{name = "{LONG}", number = 2}}',
    },
    "texts": {"key": "value", LONG: ""},
    "by_number": {"1": "one", "2": LONG},
}
SHOWN = {
    "wide": {"short": "1", "a rather long wide string, on the heap: € 😀": "2", "": "3"},
    "u16": {"1": "short", "2": "a rather long one: 😀"},
    "u32": {"ä€😀": "1", "b": "2"},
    "views": {"view": "seen"},
    "narrow_views": {"view": "seen"},
    "pointers": {"wide": "sixteen"},
    "arrays": {"1": '{letters = "wide", others = "full"}'},
    "pmr": {"key": "value"},
    "tuples": {'{7, "seven", 120}': '{8, "eight", 121}'},
    "pairs": {"{first = 3, second = 4}": "{}"},
    "eithers": {"7": "text", "text": "{first = 1, second = 2}"},
    "optionals": {"5": "five", "[no contained value]": "[no contained value]"},
    "types": {"int": "1", "Item": "2"},
    "durations": {"250ms": "-3ns"},
    "frames": {"1": "6[1/25]s"},
    "points": {"1": "42s"},
    "paths": {"/usr/share": "1", "relative": "2"},
    "owners": {"0x0": "0x0"},
    "atomics": {"1": "77"},
    "anys": {"1": "5", "2": "inside", "3": "[no contained value]"},
}
FOUND = {
    "wide": ('L"short"', '"short"', 'L"a rather long wide string, on the heap: € 😀"'),
    "u32": ('"b"', 'U"ä€😀"'),
    "views": ('"view"',),
    "pointers": ('L"wide"',),
    "pmr": ('"key"',),
    "tuples": ('{7, "seven", 120}', "{7, \"seven\", 'x'}"),
    "pairs": ("{3, 4}", "{second = 4, first = 3}"),
    "eithers": ("7", '"text"'),
    "optionals": ("5",),
    "types": ("Item", "int"),
    "durations": ("250ms", "250"),
    "paths": ('"/usr/share"',),
    "owners": ("0",),
}
ABSENT = {
    "wide": 'L"shor"',
    "u32": '"bb"',
    "pointers": 'L"wid"',
    "tuples": '{7, "seven", 121}',
    "eithers": '"texts"',
    "optionals": "6",
    "types": "long",
    "durations": "251ms",
    "paths": '"/usr"',
}
REFUSED = {"tuples": "{7}", "eithers": "2.5", "durations": '"x"'}

BUILDS = {
    "gcc": ["g++"],
    "clang": ["clang++", "-DNARROW"],  # declares part of std::string only
    "old ABI": ["g++", "-DNARROW", "-D_GLIBCXX_USE_CXX11_ABI=0"],
    "libc++": [*LIBCXX, "-fstandalone-debug"],
}
LACKS = {"libc++": ("pmr",)}  # of version 14


def run(program: Path, stopped: str, commands: list[str | Fails]) -> Session:
    if stopped == "live":
        return Session(gdb_session(program, commands=[*STOP, *commands])[2:])
    core = program.parent / "core"
    gdb_session(program, commands=[*STOP, f"generate-core-file {core}"])
    return gdb_session(program, core=core, commands=commands)


def build(folder: Path, name: str) -> Path:
    if name == "libc++":
        need_libcxx()
    program = folder / "shown"
    subprocess.run([*BUILDS[name], "-g", "-std=c++17", "-o", program, PROGRAM], check=True)
    return program


CASES = [(name, stopped) for name in BUILDS for stopped in ("live", "core")]
CASES.remove(("libc++", "live"))  # the core has what the process has


@pytest.mark.parametrize(("name", "stopped"), CASES)
def test_values_are_shown(folder: Path, name: str, stopped: str) -> None:
    program = build(folder, name)
    maps = NARROW | (SHOWN if "-DNARROW" not in BUILDS[name] else {})
    maps = {one: entries for one, entries in maps.items() if one not in LACKS.get(name, ())}
    asked: list[str | Fails] = [f"hmap-dump {one} --entries {folder}/{one}.csv" for one in maps]
    asked += [f"hmap-check {one}" for one in maps]
    asked += ['hmap-find texts -- "key"', f'hmap-find items -- "{LONG}"', "hmap-find items -- lone"]
    outcomes = run(program, stopped, asked)
    for one, entries in maps.items():
        with open(folder / f"{one}.csv", encoding="utf-8", newline="") as file:
            rows = {row["key"]: row["value"] for row in csv.DictReader(file)}
        assert rows == entries, one
    for outcome in outcomes[len(maps) : 2 * len(maps)]:
        assert outcome.output.startswith("consistent:"), outcome
    found, long, absent = outcomes[-3:]
    assert "(by its hash)" in found.output and found.output.endswith("  value\n")
    assert "(by its hash)" in long.output and "number = 2" in long.output
    assert absent.output.startswith("lone is absent (by its hash")


@pytest.mark.parametrize("stopped", ["live", "core"])
def test_keys_are_found(folder: Path, stopped: str) -> None:
    program = build(folder, "gcc")
    found = [(name, key) for name, keys in FOUND.items() for key in keys]
    asked: list[str | Fails] = [f"hmap-find {name} -- {key}" for name, key in found]
    asked += [f"hmap-find {name} -- {key}" for name, key in ABSENT.items()]
    asked += [Fails(f"hmap-find {name} -- {key}") for name, key in REFUSED.items()]
    outcomes = run(program, stopped, asked)
    for (name, key), outcome in zip(found, outcomes):
        assert " is in bucket " in outcome.output, (name, key, outcome.output)
        is_hashed = name in ("wide", "u32", "views", "pmr")
        assert ("(by its hash)" in outcome.output) == is_hashed, (name, key, outcome.output)
    for (name, key), outcome in zip(ABSENT.items(), outcomes[len(found) :]):
        assert " is absent (" in outcome.output, (name, key, outcome.output)
    for outcome in outcomes[-len(REFUSED) :]:
        assert outcome.error is not None and "give " in outcome.error, outcome
