"""The bytes that a map holds are those that Go's own heap statistics count for it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from go_fixtures import main_toolchains, on
from go_programs import build
from go_toolchains import Toolchain
from harness import gdb_session

NOISE = 8192  # bytes


@on(main_toolchains())
def test_held_is_what_the_heap_has_grown_by(go: Toolchain, folder: Path) -> None:
    document = folder / "list.json"
    session = gdb_session(
        build(go, "go_held", folder),
        commands=[
            "break main.stop",
            "run",
            f"hmap-list --limit 0 --json {document}",
            "hmap-dump main.hinted",
        ],
    )
    told = {
        f"main.{name}": int(size)
        for name, size in re.findall(r"^held (\w+) (\d+)$", session[1].output, re.MULTILINE)
    }
    assert len(told) == 14
    rows = {row["path"]: row for row in json.loads(document.read_text("utf-8"))["maps"]}
    held = {path: rows[path]["held"] for path in told}
    # The runtime may have made something of its own meanwhile.
    more = {path: told[path] - held[path] for path in told if held[path] != told[path]}
    assert len(more) <= 2 and all(0 < one < NOISE for one in more.values()), more
    assert all(rows[path]["wasted"] <= rows[path]["held"] for path in told)
    assert (
        " held with rounding (groups " in session[3].output
        or " held with rounding (buckets " in session[3].output
    )
