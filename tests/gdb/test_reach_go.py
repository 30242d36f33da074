"""hmap-list finds each map of a Go program once, by a path that hmap-dump takes."""

from __future__ import annotations

import re
from pathlib import Path

from go_fixtures import main_toolchains, on, program_of
from go_toolchains import Toolchain
from listings import listed_live_and_in_core, told_by

STOP = ("break main.fixtureStop", "run")


@on(main_toolchains())
def test_go_program(go: Toolchain, folder: Path) -> None:
    program = program_of("reach", go)
    rows, session, _ = listed_live_and_in_core(program, folder, STOP)
    told = told_by(session[1].output)
    by_address = {int(row["address"], 16): row for row in rows}
    assert len(by_address) == len(rows)
    assert {one.address for one in told} <= by_address.keys()
    for one in told:
        row = by_address[one.address]
        assert row["entries"] == one.count, row
        if one.how.startswith("goroutine N "):
            assert row["source"] == "goroutine", row
            assert re.sub(r"\d+", "N", row["path"], count=1) == one.how
        elif one.how == "unreached":
            # Stale data on a running goroutine's stack may lead to it too.
            assert row["source"] in (one.how, "goroutine"), row
            assert row["path"].startswith("--type 'map[")
            if go.minor >= (1, 22) and one.count > 50 and "string" in row["path"]:
                # The type for which the block of its buckets was allocated.
                assert row["key_type"] == "string" and row["elem_type"] == "map[string]int"
        elif one.how == "local":
            assert re.fullmatch(r"frame \d: local", row["path"])
        else:
            assert (row["source"], row["path"]) == ("global", one.how)
    # Every unreached map in the list is one of the program's.
    nameless = {int(row["address"], 16) for row in rows if row["path"].startswith("--type")}
    assert nameless <= {one.address for one in told}
