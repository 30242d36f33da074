"""Maps behind base classes, in variants, optionals, std::any and std::function are found, and what
is left of maps that are gone is not."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from cpp_programs import COMPILERS, compiled
from harness import Fails, Session, gdb_session
from listings import listed_live_and_in_core, told_by

PROGRAM = Path(__file__).resolve().parent / "programs" / "holders.cc"
STOP = ("break stop", "run")
BUILDS = {
    "gcc": ["g++", "-std=c++17", "-O0"],
    "gcc-O2": ["g++", "-std=c++17", "-O2"],
    "gcc-23": ["g++", "-std=c++23", "-O0"],
    "gcc-23-O2": ["g++", "-std=c++23", "-O2"],
    "clang": ["clang++", "-std=c++17", "-O0"],
}


@pytest.fixture(
    scope="module",
    params=[pytest.param(one, marks=pytest.mark.xdist_group(f"holders {one}")) for one in BUILDS],
)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(str(request.param))
    command = [*BUILDS[str(request.param)], "-g"]
    for name, more in (("one.o", []), ("two.o", ["-DOTHER"])):
        subprocess.run([*command, *more, "-c", "-o", folder / name, PROGRAM], check=True)
    out = folder / "holders"
    subprocess.run([*command, "-o", out, folder / "one.o", folder / "two.o"], check=True)
    gdb_session(out, commands=[*STOP, f"generate-core-file {folder}/core"])
    return out


def run(built: Path, stopped: str, commands: list[str | Fails]) -> Session:
    if stopped == "core":
        return gdb_session(built, core=built.parent / "core", commands=commands)
    return Session(gdb_session(built, commands=[*STOP, *commands])[2:])


@pytest.mark.parametrize("stopped", ["live", "core"])
def test_what_holds_maps(built: Path, stopped: str) -> None:
    printed = gdb_session(built, commands=STOP)[1].output
    told = re.findall(r"^MAP (\S+) (\d+) (.*)$", printed, re.M)
    sums = re.findall(r"^SUMS (\d+) (\d+) (\d+)$", printed, re.M)[0]
    listed = run(built, stopped, ["hmap-list --limit 0", "hmap-list --json -"])
    rows = json.loads(listed[1].output)["maps"]
    entries = sorted([int(count) for _, count, _ in told] + [int(one) for one in sums])
    assert sorted(row["entries"] for row in rows) == entries, listed[0].output
    by_address = {row["address"]: row for row in rows}
    for address, count, how in told:
        if address != "*":
            assert by_address[address]["entries"] == int(count), how
    # Nothing is not followed, and what is no map is said to be none.
    assert "debug info does not have the type" not in listed[0].output, listed[0].output
    assert "member of 2 unions was left out" in listed[0].output
    dumps = run(built, stopped, [f"hmap-dump {row['path']} --json -" for row in rows])
    for row, dump in zip(rows, dumps):
        header = json.loads(dump.output)["header"]
        assert header["address"] == row["address"], row
        assert header["count"] == row["entries"], row
    expected = [row["path"] for row in rows if row["path"].startswith("expected.")]
    assert expected in ([], ["expected.(std::unordered_map<int, int>)"])


def test_what_holds_nothing_is_said_to(built: Path) -> None:
    cases = {
        "emptied": "holds no value",
        "*emptied": "holds no value",
        "expired": "has expired",
        "second_variant.(std::unordered_map<int, int>)": "holds a 'int'",
        "valueless.(std::unordered_map<int, int>)": "holds nothing",
        "empty_any.(std::unordered_map<int, int>)": "holds nothing",
        "(*handlers[0]).(Both)": "Hidden'",
        "raw.(Both)": "Of<",
    }
    outcomes = run(built, "core", [Fails(f"hmap-dump {case}") for case in cases])
    for (case, error), outcome in zip(cases.items(), outcomes):
        assert outcome.error is not None and error in outcome.error, (case, outcome.error)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_elements_of_large_alignment(folder: Path, compiler: str) -> None:
    """In nodes, they do not lie right behind the links."""
    program = compiled(folder, compiler, "aligned.cc")
    rows, live, _ = listed_live_and_in_core(program, folder, STOP)
    told = {one.address: one for one in told_by(live[1].output)}
    assert {int(row["address"], 16): row["entries"] for row in rows} == {
        one.address: one.count for one in told.values()
    }
    for row in rows:
        assert row["path"].startswith(told[int(row["address"], 16)].how.strip()), row
    assert "note" not in live[2].output
