"""The two sessions of docs/five-minutes.md: finding a leak among a thousand maps."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

from built import fixture_program
from go_fixtures import main_toolchains, on, program_of
from go_toolchains import OFFLINE, Toolchain, find_toolchains
from harness import Session, gdb_session


def pprof(profile: Path, *options: str) -> str:
    """The output of `go tool pprof`."""
    go = find_toolchains()[-1].go
    command = [str(go), "tool", "pprof", *options, str(profile)]
    done = subprocess.run(
        command,
        env=os.environ | OFFLINE | {"PPROF_TMPDIR": str(profile.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def told(program: Path, stops: tuple[str, str], *arguments: str, folder: Path) -> Session:
    return gdb_session(
        program,
        arguments,
        commands=[
            # Temporary: a goroutine that moves to another thread would hit it twice.
            f"tbreak {stops[0]}",
            "run",
            f"hmap-list --limit 5 --save {folder}/before.json",
            f"tbreak {stops[1]}",
            "continue",
            f"hmap-diff {folder}/before.json --limit 3 --json {folder}/diff.json",
            f"hmap-list --limit 1 --match sessions --pprof {folder}/maps.pb.gz",
        ],
    )


def check(session: Session, path: str, folder: Path) -> None:
    """Checks that the leak is listed first, with its verdict."""
    lines = session[5].output.splitlines()
    assert lines[2].startswith("  +800"), session[5].output
    assert path in lines[2] and "2,180" in lines[2]
    assert lines[3].startswith("    new keys: ") and "no old keys are gone" in lines[3]
    assert lines[-1].endswith(f"% of what was gained is in {path} (full)"), lines[-1]
    changes = json.loads((folder / "diff.json").read_text(encoding="utf-8"))["changes"]
    assert changes[0]["path"] == path
    assert changes[0]["growth"] > 4 * changes[1]["growth"]
    assert len({one["path"] for one in changes}) == len(changes)
    top = pprof(folder / "maps.pb.gz", "-top", "-sample_index=entries", "-nodecount=3")
    rows = re.findall(r"^\s*(\d+).*%\s+(\S+)$", top, re.MULTILINE)
    assert rows[0] == ("2180", path), top


def test_c_service(folder: Path) -> None:
    session = told(
        fixture_program("dev", "tenants"), ("fixture_stop", "fixture_stop"), folder=folder
    )
    check(session, "service.tenants[133].sessions", folder)
    assert re.search(r"^1,000 maps hold .*: 1,000 by globals$", session[2].output, re.MULTILINE)


@on(main_toolchains())
def test_go_service(go: Toolchain, folder: Path) -> None:
    program = program_of("tenants", go)
    heap = folder / "heap.pb.gz"
    session = told(program, ("main.firstStop", "main.secondStop"), str(heap), folder=folder)
    check(session, "main.srv.tenants[133].sessions", folder)
    # The session begins here: the heap profile ends at an assignment to some map.
    for index in ("alloc_space", "inuse_space"):
        top = pprof(heap, "-top", f"-sample_index={index}", str(program))
        assert re.search(r"main\.\(\*tenant\)\.logIn", top), top
        lines = pprof(heap, "-list=logIn", f"-sample_index={index}", str(program)).splitlines()
        assert any(re.search(r"MB.*t\.sessions\[t\.newest\] = session", line) for line in lines)
