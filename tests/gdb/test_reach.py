"""hmap-list finds each map of a program once, by a path that hmap-dump takes."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from built import fixture_program
from harness import ROOT
from listings import listed_live_and_in_core, told_by

STOP = ("break fixture_stop", "run")


def test_c_program(folder: Path) -> None:
    program = fixture_program("dev", "reach")
    rows, session, _ = listed_live_and_in_core(program, folder, STOP)
    told = told_by(session[1].output)
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


def test_cpp_program(folder: Path) -> None:
    program = ROOT / "build" / "dev" / "fixtures" / "cpp" / "reach_cpp"
    rows, session, _ = listed_live_and_in_core(program, folder, STOP)
    told = told_by(session[1].output)
    by_address = {int(row["address"], 16): row for row in rows}
    assert len(by_address) == len(rows)
    assert by_address.keys() == {one.address for one in told}
    for one in told:
        assert by_address[one.address]["entries"] == one.count, one


def test_service_by_core(folder: Path) -> None:
    rows, _, _ = listed_live_and_in_core(fixture_program("dev", "service"), folder, STOP)
    assert Counter(row["name"] for row in rows) == Counter(
        ["sessions", "cache", "connections", "rate_limits", "prices", "subscriptions"]
    )
    verdicts = {row["name"]: row["verdicts"] for row in rows}
    assert verdicts["connections"] == ["oversized"] and verdicts["cache"] == ["emptied"]
