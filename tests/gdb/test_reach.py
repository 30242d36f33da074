"""hmap-list finds each map of a program once, by a path that hmap-dump takes."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from built import fixture_program
from harness import ROOT, Session, gdb_session

STOP = ("break fixture_stop", "run")


@dataclass(frozen=True)
class Told:
    """A map as printed by its program."""

    address: int
    count: int
    how: str


def told_by(session: Session) -> list[Told]:
    """The lines that a program printed before it stopped."""
    text = session[1].output
    found = re.findall(r"^0x([0-9a-f]+) (\d+) (.*)$", text, re.MULTILINE)
    assert found, text
    return [Told(int(address, 16), int(count), how) for address, count, how in found]


def listed(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["maps"]
    return rows


def assert_paths_paste_back(
    exe: Path, rows: list[dict[str, Any]], *stop: str, core: Path | None = None, folder: Path
) -> None:
    """Checks that hmap-dump of each row's path shows that map, with the same numbers."""
    commands = [
        f"hmap-dump {row['path']} --json {folder}/{number}.dump" for number, row in enumerate(rows)
    ]
    gdb_session(exe, core=core, commands=[*stop, *commands])
    for number, row in enumerate(rows):
        dump = json.loads((folder / f"{number}.dump").read_text(encoding="utf-8"))
        header, statistics, memory = dump["header"], dump["statistics"], dump["memory"]
        if core is not None:
            assert header["address"] == row["address"], row["path"]
        elif "0x" in row["path"]:  # an address of another process
            continue
        assert statistics["live"] == row["entries"], row["path"]
        assert memory["held"] == row["held"], row["path"]
        assert memory["wasted"] == row["wasted"], row["path"]
        assert header["family"] == row["family"], row["path"]


def test_c_program(folder: Path) -> None:
    program = fixture_program("dev", "reach")
    session = gdb_session(program, commands=[*STOP, f"hmap-list --json {folder}/list.json"])
    told = told_by(session)
    rows = listed(folder / "list.json")
    by_address = {int(row["address"], 16): row for row in rows}
    assert len(by_address) == len(rows)
    assert by_address.keys() == {one.address for one in told}
    for one in told:
        row = by_address[one.address]
        how = re.sub(r"frame \d+", "frame N", row["path"])
        assert row["entries"] == one.count, row
        if one.how == "unreached":
            assert (row["source"], how) == ("registry", 'registry "nobody\'s"')
        else:
            assert how == one.how
    assert_paths_paste_back(program, rows, *STOP, folder=folder)


def test_cpp_program(folder: Path) -> None:
    program = ROOT / "build" / "dev" / "fixtures" / "cpp" / "reach_cpp"
    session = gdb_session(program, commands=[*STOP, f"hmap-list --json {folder}/list.json"])
    told = told_by(session)
    rows = listed(folder / "list.json")
    by_address = {int(row["address"], 16): row for row in rows}
    assert len(by_address) == len(rows)
    assert by_address.keys() == {one.address for one in told}
    for one in told:
        assert by_address[one.address]["entries"] == one.count, one
    assert_paths_paste_back(program, rows, *STOP, folder=folder)


@pytest.mark.parametrize("stop", ["break fixture_stop"])
def test_service_by_core(folder: Path, stop: str) -> None:
    program = fixture_program("dev", "service")
    core = folder / "core"
    gdb_session(
        program,
        commands=[stop, "run", f"hmap-list --json {folder}/live", f"generate-core-file {core}"],
    )
    gdb_session(program, core=core, commands=[f"hmap-list --json {folder}/core.json"])
    live, dead = listed(folder / "live"), listed(folder / "core.json")
    assert live == dead
    assert Counter(row["name"] for row in live) == Counter(
        ["sessions", "cache", "connections", "rate_limits", "prices", "subscriptions"]
    )
    verdicts = {row["name"]: row["verdicts"] for row in live}
    assert verdicts["connections"] == ["oversized"] and verdicts["cache"] == ["emptied"]
