"""What holds of every list of maps: each row's path opens exactly the map of that row.

A test lists maps by `list_maps(file)` among the commands of a session, and then calls
`listed(file)`; or has `listed_live_and_in_core` do all of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import Session, gdb_session

SCRIPT = Path(__file__).resolve().parent / "paste_back.py"

Row = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """A map as its program prints it."""

    address: int
    count: int
    how: str


def told_by(output: str) -> list[Told]:
    """The lines that a program printed before it stopped."""
    found = re.findall(r"^0x([0-9a-f]+) (\d+) (.*)$", output, re.MULTILINE)
    assert found, output
    return [Told(int(address, 16), int(count), how) for address, count, how in found]


def list_maps(file: Path, options: str = "", every: int = 1) -> list[str]:
    """The commands that list maps to a file and then open each path of the list, or one in some."""
    given = f"dict(FILE={str(file)!r}, EVERY={every})"
    script = f"runpy.run_path({str(SCRIPT)!r}, {given}, '__main__')"
    return [f"hmap-list --json {file} {options}", f"python import runpy; {script}"]


def listed(file: Path) -> list[Row]:
    """The rows of a list. AssertionError where a path has opened another map than its row's."""
    pairs = json.loads(Path(f"{file}.pasted").read_text(encoding="utf-8"))
    for pair in pairs:
        row, dump = pair["row"], pair["dump"]
        assert "error" not in dump, (row["path"], dump["error"])
        header, statistics, memory = dump["header"], dump["statistics"], dump["memory"]
        names = ["address", "family"]
        names += ["key_type", "elem_type"] if row["key_type"] != "?" else []  # of unknown types
        assert [header[name] for name in names] == [row[name] for name in names], row["path"]
        numbers = [statistics["live"], memory["held"], memory["wasted"]]
        assert numbers == [row["entries"], row["held"], row["wasted"]], row["path"]
    return [pair["row"] for pair in pairs]


def listed_live_and_in_core(
    program: Path,
    folder: Path,
    stop: Sequence[str],
    args: Sequence[str] = (),
    more: Sequence[str] = (),
) -> tuple[list[Row], Session, Session]:
    """The rows of a program that has stopped, which are those of its core; and the sessions: of the
    process, of its core. `more`: commands after the list, in both."""
    live, core = folder / "live.json", folder / "core"
    first = gdb_session(
        program,
        args,
        commands=[*stop, *list_maps(live), *more, f"generate-core-file {core}"],
    )
    second = gdb_session(program, core=core, commands=[*list_maps(folder / "dead.json"), *more])
    rows, of_core = listed(live), listed(folder / "dead.json")
    assert rows == of_core
    return rows, first, second
