"""One core, examined with the program, and with its stripped copy and a layout file."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import Session, gdb_session
from matrix import run
from tool import run_layout

FILES = ("occupancy.csv", "entries.csv", "dump.json")


@dataclass(frozen=True)
class Specimen:
    """A program, its stripped copy, its layout file, and a core."""

    exe: Path
    stripped: Path
    layout: Path
    core: Path


def take(exe: Path, args: Sequence[str | Path], stop: str, folder: Path) -> Specimen:
    """Runs a program until it stops, takes a core, and strips a copy of the program."""
    taken = Specimen(exe, folder / "stripped", folder / "layout.json", folder / "core")
    run_layout(exe, "--json", taken.layout)
    run(["strip", "-o", str(taken.stripped), str(exe)], folder)
    sections = subprocess.run(
        ["readelf", "-SW", taken.stripped], check=True, capture_output=True, text=True
    ).stdout
    assert ".debug_info" not in sections and ".symtab" not in sections
    commands = [f"break {stop}", "run", f"generate-core-file {taken.core}", "kill"]
    gdb_session(exe, [str(word) for word in args], commands=commands, extension=False)
    return taken


def assert_same_view(
    taken: Specimen, expressions: Sequence[str], folder: Path, same_names: bool = True
) -> None:
    """Checks that each of the maps gives the same text, files and verdicts either way. Without
    `same_names` the names of types may differ: gdb respells those of C++ ("long" for "long int").
    """
    with_info = look(taken.exe, taken.core, [], expressions, folder / "debug_info", same_names)
    load = [f"hmap-layout load {taken.layout}"]
    without = look(
        taken.stripped, taken.core, load, expressions, folder / "layout_file", same_names
    )
    for one, other in zip(with_info, without, strict=True):
        texts = [comparable(outcome.output, same_names) for outcome in (one, other)]
        assert texts[0] == texts[1], one.command
        assert one.messages == other.messages
    for expression in expressions:
        for name in FILES:
            data, other_data = (
                (folder / kind / slug(expression) / name).read_text(encoding="utf-8")
                for kind in ("debug_info", "layout_file")
            )
            if name.endswith(".json"):
                documents = [comparable_json(text, same_names) for text in (data, other_data)]
                assert documents[0] == documents[1], expression
            else:
                assert data == other_data, f"{expression}: {name}"


def look(
    exe: Path,
    core: Path,
    before: Sequence[str],
    expressions: Sequence[str],
    folder: Path,
    lists: bool,
) -> Session:
    """The outcomes of hmap-dump and hmap-check, two per map, and that of hmap-list."""
    commands = list(before)
    for expression in expressions:
        view = folder / slug(expression)
        view.mkdir(parents=True)
        options = zip(("--csv", "--entries", "--json"), FILES)
        files = " ".join(f"{option} {view / name}" for option, name in options)
        commands += [f"hmap-dump {expression} {files}", f"hmap-check {expression}"]
    if lists:
        commands.append("hmap-list")
    outcomes = gdb_session(exe, core=core, commands=commands)
    return Session(outcomes[len(before) :])


def slug(expression: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in expression)


def comparable(text: str, same_names: bool) -> str:
    """The text without where a map was made: source lines are only in debug info."""
    if not same_names and not text.startswith("consistent"):
        text = text.partition("\n")[2]  # the first line names the types
    return re.sub(r", made in \S+ at \S+$", "", text, flags=re.MULTILINE)


def comparable_json(document: str, same_names: bool) -> object:
    found = json.loads(document)
    for name in ["created_at"] + ([] if same_names else ["type", "key_type", "elem_type"]):
        found["header"].pop(name, None)
    return found
