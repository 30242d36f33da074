"""Maps in what libc++ wraps values in are found, each path opens its map, and what is gone or not
there is none; by clang, and by gcc, optimised or not."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from harness import Fails, gdb_session
from libcxx_programs import LIBCXX, need_libcxx, of_gcc
from listings import list_maps, listed, told_by
from test_cpp_holders import PROGRAM, STOP

REACH = Path(__file__).resolve().parents[2] / "fixtures" / "cpp" / "reach.cc"


@pytest.mark.parametrize("level", ["-O0", "-O2"])
def test_every_map_of_gcc_is_listed_and_each_path_opens_it(level: str, folder: Path) -> None:
    command, link = of_gcc()
    program = folder / "reach"
    flags = ["-std=c++17", "-g", level, "-o", program, REACH]
    subprocess.run([*command, *flags, *link], check=True)
    file = folder / "list.json"
    commands = ["break fixture_stop", "run", *list_maps(file, every=6)]
    live = gdb_session(program, commands=commands)
    assert len(listed(file)) > 10
    rows = json.loads(file.read_text(encoding="utf-8"))["maps"]
    told = {one.address: one for one in told_by(live[1].output)}
    if level == "-O2":  # a local may be in registers
        told = {at: one for at, one in told.items() if one.how != "local"}
    found = {int(row["address"], 16): row["entries"] for row in rows}
    assert not [one.how for at, one in told.items() if found.get(at) != one.count]


def test_what_holds_maps_and_what_holds_none(folder: Path) -> None:
    need_libcxx()
    command = [*LIBCXX, "-std=c++17", "-g", "-O0"]
    for name, more in (("one.o", []), ("two.o", ["-DOTHER"])):
        subprocess.run([*command, *more, "-c", "-o", folder / name, PROGRAM], check=True)
    program = folder / "holders"
    subprocess.run([*command, "-o", program, folder / "one.o", folder / "two.o"], check=True)
    cases = {
        "emptied": "holds no value",
        "expired": "has expired",
        "second_variant.(std::unordered_map<int, int>)": "holds a 'int'",
        "valueless.(std::unordered_map<int, int>)": "holds nothing",
        "empty_any.(std::unordered_map<int, int>)": "holds nothing",
    }
    refused = [Fails(f"hmap-dump {case}") for case in cases]
    file = folder / "list.json"
    listing = [f"hmap-list --json {file}", "hmap-list --limit 0", *refused]
    outcomes = gdb_session(program, commands=[*STOP, *listing])
    told = re.findall(r"^MAP (\S+) (\d+) (.*)$", outcomes[1].output, re.M)
    sums = re.findall(r"^SUMS (\d+) (\d+) (\d+)$", outcomes[1].output, re.M)[0]
    rows = json.loads(file.read_text(encoding="utf-8"))["maps"]
    entries = sorted([int(count) for _, count, _ in told] + [int(one) for one in sums])
    assert sorted(row["entries"] for row in rows) == entries, outcomes[3].output
    by_address = {row["address"]: row["entries"] for row in rows}
    for address, count, how in told:
        assert address == "*" or by_address[address] == int(count), how
    assert "member of 2 unions was left out" in outcomes[3].output
    for (case, error), outcome in zip(cases.items(), outcomes[4:]):
        assert outcome.error is not None and error in outcome.error, (case, outcome.error)
