"""Maps at the end of long chains of pointers, and of maps in maps: all are listed, each by a path
that opens it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from cpp_programs import PROGRAMS, compiled
from go_fixtures import main_toolchains, on
from go_programs import build
from go_toolchains import Toolchain
from harness import gdb_session
from listings import list_maps, listed, told_by


def check(exe: Path, folder: Path, stop: str) -> set[str]:
    """Lists the maps of a program, compares them with what it printed, and opens some; the paths of
    the list."""
    document = folder / "list.json"
    session = gdb_session(
        exe, commands=[f"break {stop}", "run", *list_maps(document, "--limit 5", every=400)]
    )
    found = json.loads(document.read_text(encoding="utf-8"))
    assert found["complete"], found["cuts"]
    told = {one.address: one for one in told_by(session[1].output)}
    rows = {int(row["address"], 16): row for row in found["maps"]}
    assert told.keys() <= rows.keys() and len(found["maps"]) == len(rows)
    assert all(rows[at]["entries"] == one.count for at, one in told.items())
    assert 25 <= len(listed(document)) < 50
    return {row["path"] for row in found["maps"]}


def test_cpp(folder: Path) -> None:
    paths = check(compiled(folder, "g++", "deep.cc"), folder, "stop")
    assert {"each->map", "each->next->next->map", "level.below", "level.below[0]->below"} <= paths
    assert max(map(len, paths)) < 1000


def test_libhmap(folder: Path, compile_program: Callable[..., Path]) -> None:
    source = (PROGRAMS / "deep.c").read_text(encoding="utf-8")
    paths = check(compile_program("deep", source), folder, "stop")
    assert {"each->map", "each->next->next->map", "level", "level[4999]"} <= paths
    assert max(map(len, paths)) < 1000


@on(main_toolchains())
def test_go(go: Toolchain, folder: Path) -> None:
    paths = check(build(go, "go_deep", folder), folder, "main.stop")
    assert {"main.each.m", "main.each.next.next.m", "main.levels", "main.levels[4999]"} <= paths
    assert max(map(len, paths)) < 1000
