"""hmap-find by keys of every type: structs, arrays, enumerators, characters, interfaces."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from go_toolchains import find_toolchains
from harness import Fails, Session, gdb_session

PROGRAMS = Path(__file__).resolve().parent / "programs"


FOUND = {
    "points": ("{x=7,y=-7}", "{7,-7}", "{y = -7, x = 7}", "{.x = 0x7, .y = -07}"),
    "keys": (
        '{tag = 7, at = {x = 7, y = 14}, name = "name7", colour = Colour::Blue}',
        '{7,{7,14},"name7",Blue}',
        '{colour = 7, name = "name7", tag = 0x7, at = {14, 7}}'.replace("{14, 7}", "{y=14,x=7}"),
    ),
    "arrays": ("{7, 2, 3}", "{{7,2,3}}"),
    "letters": ("'H'", "72", "0x48", "72 'H'"),
    "doubles": ("0.875", ".875", "8.75e-1", "0x1.cp-1"),
}
ABSENT = {
    "points": ("{x=7,y=7}",),
    "keys": ('{7,{7,14},"name8",Blue}', '{7,{7,14},"name7",Red}'),
    "arrays": ("{{7, 2, 4}}",),
    "letters": ("'~'",),
    "doubles": ("0.876", "nan"),
}
REFUSED = {
    "points": ("{x=7}", "{x=7,z=7}", "7", "{7,7,7}", "{x=7,y=", '"a"'),
    "keys": ("{7}", '{7,{7,14},"name7",Green}', '{700,{7,14},"name7",Blue}'),
    "arrays": ("{1,2}",),
    "letters": ("300", "-129"),
    "doubles": ('"1"', "{1}"),
}


def all_of(table: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(name, key) for name, keys in table.items() for key in keys]


def test_keys_of_every_type_of_cpp(folder: Path) -> None:
    program = folder / "keys"
    subprocess.run(["g++", "-g", "-std=c++17", "-o", program, PROGRAMS / "keys.cc"], check=True)
    asked = [
        "break stop",
        "run",
        *(f"hmap-find {name} -- {key}" for name, key in (*all_of(FOUND), *all_of(ABSENT))),
        *(Fails(f"hmap-find {name} -- {key}") for name, key in all_of(REFUSED)),
    ]
    outcomes = gdb_session(program, commands=asked)[2:]
    for (name, key), outcome in zip(all_of(FOUND), outcomes):
        assert " is in bucket " in outcome.output, (name, key, outcome.output)
        assert outcome.output.splitlines()[-1].split()[-1] == "7", (name, key, outcome.output)
    del outcomes[: len(all_of(FOUND))]
    for (name, key), outcome in zip(all_of(ABSENT), outcomes):
        assert " is absent (" in outcome.output, (name, key, outcome.output)
    del outcomes[: len(all_of(ABSENT))]
    for (name, key), outcome in zip(all_of(REFUSED), outcomes):
        assert outcome.error and "\n" not in outcome.error, (name, key, outcome)
        assert outcome.error.startswith("key "), (name, key, outcome.error)


@pytest.mark.parametrize("stopped", ["live", "core"])
def test_keys_of_interfaces_by_the_types_that_are_there(folder: Path, stopped: str) -> None:
    toolchain = max(find_toolchains(), key=lambda one: one.minor)
    toolchain.run("build", "-o", folder / "prog", ".", cwd=PROGRAMS / "go_keys")
    cases = {
        'main.byAny -- "k"': "text",
        "main.byAny -- 2": "number",
        "main.byAny -- {3, 4}": "point",
        "main.byAny -- {y = 4, x = 3}": "point",
        "main.byAny -- 2.5": "float",
        "main.byAny -- true": "yes",
        "main.syncs -- 42": "42",
        'main.syncs -- "five"': "5",
    }
    last = [
        "hmap-find main.byAny -- {4, 3}",
        Fails("hmap-find main.syncs -- {1, 2}"),
        Fails("hmap-find main.syncs -- 2.5"),
    ]
    asked = [*(f"hmap-find {case}" for case in cases), *last]
    prelude: list[str] = ["break main.stop", "run"]
    if stopped == "core":
        gdb_session(folder / "prog", commands=[*prelude, f"generate-core-file {folder}/core"])
        outcomes = gdb_session(folder / "prog", core=folder / "core", commands=asked)
    else:
        outcomes = Session(gdb_session(folder / "prog", commands=[*prelude, *asked])[2:])
    for (case, value), outcome in zip(cases.items(), outcomes):
        assert outcome.output.splitlines()[-1].split()[-1] == value, (case, outcome.output)
    assert "is absent (5 entries compared)" in outcomes[len(cases)].output
    for outcome in outcomes[-2:]:
        assert "fits none of the types" in (outcome.error or "")
        assert "int, 'string' (\"text\")" in (outcome.error or "")
