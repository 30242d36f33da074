"""Go programs of tests/gdb/programs, built with a toolchain, and what hmap-list has of them, live
and from a core."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from go_toolchains import Toolchain
from harness import Session, gdb_session

PROGRAMS = Path(__file__).resolve().parent / "programs"

Rows = list[dict[str, Any]]


def build(go: Toolchain, name: str, folder: Path, *flags: str, package: str = ".") -> Path:
    """The program of that name, built in a folder; with a plugin, by the C compiler too."""
    exe = folder / ("prog" if package == "." else package.strip("./"))
    cgo = "1" if name == "go_plugin" else "0"
    go.run(
        *("build", "-p", "1", *flags, "-o", exe, package),
        cwd=PROGRAMS / name,
        env={"CGO_ENABLED": cgo},
    )
    return exe


@dataclass(frozen=True)
class Looks:
    """What was listed of a process, and what of its core."""

    session: Session  # the live one
    live: Rows
    core: Rows
    notes: list[str]

    def row(self, path: str) -> dict[str, Any]:
        """The row of a path, from the core."""
        return next(row for row in self.core if row["path"] == path)


def look(exe: Path, folder: Path, *, args: str = "", stop: str = "main.stop") -> Looks:
    """The maps of a program stopped in a function: the same live and from its core, each path of
    which opens the map of its row in both."""
    core, document = folder / "core", folder / "list.json"
    listing = (
        f"hmap-list --limit 0 --json {document}",
        _OPENING,
        f"python open_listed('{document}')",
    )
    live = gdb_session(
        exe,
        commands=[f"break {stop}", f"run {args}", *listing, f"generate-core-file {core}"],
    )
    assert live[4].output == f"opened {len(_rows(document))}\n"
    rows_live = _rows(document)
    of_core = gdb_session(exe, core=core, commands=listing)
    assert of_core[2].output == f"opened {len(_rows(document))}\n"
    rows_core = _rows(document)
    assert _short(rows_live) == _short(rows_core)
    notes = json.loads(document.read_text(encoding="utf-8"))["notes"]
    return Looks(live, rows_live, rows_core, notes)


_OPENING = f"python exec(open('{Path(__file__).resolve().parent / 'open_listed.py'}').read())"


def _rows(document: Path) -> Rows:
    rows: Rows = json.loads(document.read_text(encoding="utf-8"))["maps"]
    return rows


def _short(rows: Rows) -> list[tuple[str, str, int, str, str]]:
    """What is the same live and in a core: gdb numbers threads anew, the one that stopped first."""
    return sorted(
        (
            re.sub(r"^thread \d+ ", "thread ? ", row["path"]),
            *(row["address"], row["entries"], row["key_type"], row["elem_type"]),
        )
        for row in rows
    )
