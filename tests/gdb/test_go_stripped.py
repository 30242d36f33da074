"""Go programs without debug info and symbols, with nothing prepared: the maps that the program says
it has, with the numbers, types and entries that its twin with debug info tells of the same core."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import json

from go_fixtures import main_toolchains, on, program_of, toolchains, unlike_toolchains
from go_programs import build, look
from go_toolchains import Toolchain
from harness import Fails, gdb_session

STRIPPED, TRIMMED, PIE = "-ldflags=-s -w", "-trimpath", "-buildmode=pie"
TRUTH = re.compile(r"^(0x[0-9a-f]+) (\d+) ", re.MULTILINE)
NOTE = "no debug info: read by Go's own runtime tables; variables go by their section"


def stop_of(twin: Path, name: str = "main.fixtureStop") -> str:
    """Where both programs stop: -trimpath leaves the code of a stripped program as it is."""
    names = subprocess.run(["nm", twin], check=True, capture_output=True, text=True).stdout
    found = re.search(rf"^([0-9a-f]+) . {re.escape(name)}$", names, re.MULTILINE)
    assert found
    return f"*0x{found[1]}"


def is_known(row: dict[str, Any]) -> bool:
    return "?" not in row["key_type"] + row["elem_type"]


def dumps_of(rows: Sequence[dict[str, Any]], folder: Path, name: str) -> list[str]:
    return [
        f"hmap-dump {row['path']} --csv {folder / name}{at}.csv --entries {folder / name}{at}.txt"
        for at, row in enumerate(rows)
    ]


@on(toolchains())
def test_maps_of_a_stripped_program_are_those_of_its_twin(go: Toolchain, folder: Path) -> None:
    stripped = program_of("reach", go, TRIMMED, STRIPPED)
    twin = program_of("reach", go, TRIMMED)
    found = look(stripped, folder, stop=stop_of(twin))
    told = {address: int(count) for address, count in TRUTH.findall(found.session[1].output)}
    assert len(told) == 19
    own = {row["address"]: row for row in found.core}
    assert {addr: own[addr]["entries"] for addr in told if addr in own} == told
    assert NOTE in found.notes
    # What variables point to goes by them, so that its path is the same in another process.
    by_variable = [row["path"] for row in found.core if "bss+0x" in row["path"]]
    assert len(by_variable) >= 8 and any(path.startswith("--type ") for path in by_variable)
    labels = {row["held_by"].split(",")[0] for row in found.core if row["entries"] == 20}
    assert any(re.fullmatch(r"goroutine \d+ park", one) for one in labels), labels

    document = folder / "twin.json"
    core = folder / "core"
    gdb_session(twin, core=core, commands=[f"hmap-list --limit 0 --json {document}"])
    others = {row["address"]: row for row in json.loads(document.read_text("utf-8"))["maps"]}
    both = sorted(own.keys() & others.keys())
    # sync.Maps in fields of variables have no type of their own anywhere.
    lost = {others[addr]["path"] for addr in others.keys() - own.keys()}
    assert lost <= {"main.top.sync", "main.top.next.sync"}
    typed = [addr for addr in both if is_known(own[addr])]
    assert len(typed) >= len(both) * (0.5 if go.minor < (1, 22) else 0.65)
    for addr in typed:
        if is_known(others[addr]):
            ours, theirs = own[addr], others[addr]
            assert (ours["key_type"], ours["elem_type"]) == (
                theirs["key_type"],
                theirs["elem_type"],
            )

    gdb_session(stripped, core=core, commands=dumps_of([own[one] for one in both], folder, "own"))
    gdb_session(twin, core=core, commands=dumps_of([others[one] for one in both], folder, "other"))
    for at, addr in enumerate(both):
        assert (folder / f"own{at}.csv").read_bytes() == (folder / f"other{at}.csv").read_bytes()
        if is_known(own[addr]) and is_known(others[addr]):
            mine, theirs = (folder / f"{one}{at}.txt" for one in ("own", "other"))
            assert mine.read_bytes() == theirs.read_bytes()


@on(main_toolchains())
def test_a_stripped_program_at_another_address(go: Toolchain, folder: Path) -> None:
    stripped = program_of("reach", go, TRIMMED, PIE, STRIPPED)
    twin = program_of("reach", go, TRIMMED, PIE)
    document, core = folder / "list.json", folder / "core"
    session = gdb_session(
        stripped,
        commands=[
            f"symbol-file {twin}",
            "break main.fixtureStop",
            "run",
            f"symbol-file {stripped}",
            f"hmap-list --limit 0 --json {document}",
            f"generate-core-file {core}",
        ],
    )
    told = {address: int(count) for address, count in TRUTH.findall(session[2].output)}
    assert len(told) == 19
    for command in (None, f"hmap-list --limit 0 --json {document}"):
        if command is not None:
            document.unlink()
            gdb_session(stripped, core=core, commands=[command])
        rows = json.loads(document.read_text("utf-8"))["maps"]
        found = {row["address"]: row["entries"] for row in rows}
        assert {addr: found.get(addr) for addr in told} == told


# What go_places holds by other types than map[int]int and map[string]int.
OTHER_TYPES = {
    "map of elems in boxes": ("int", "main.large"),
    "map of keys in boxes": ("main.large", "int"),
    "generic map type in any": ("string", "struct {}"),
}


@on(unlike_toolchains())
def test_maps_in_awkward_places_are_found_with_their_types(go: Toolchain, folder: Path) -> None:
    stripped = build(go, "go_places", folder, TRIMMED, STRIPPED)
    (folder / "twin").mkdir()
    twin = build(go, "go_places", folder / "twin", TRIMMED)
    found = look(stripped, folder, stop=stop_of(twin, "main.arguments"))
    told = {
        int(number): place
        for number, place in re.findall(r"^map (\d+) (.*)$", found.session[1].output, re.MULTILINE)
    }
    assert len(told) == 330
    rows = {row["entries"]: row for row in found.core if row["entries"] in told}
    typed = {number: row for number, row in rows.items() if is_known(row)}
    lacking = Counter(told[number] for number in told.keys() - typed.keys())
    print(f"{go.name}: {len(rows)} found, {len(typed)} with types; without: {dict(lacking)}")
    assert rows.keys() == told.keys()
    # Up to go1.21 no block of the heap says of what type it is.
    assert len(typed) >= len(told) * (0.85 if go.minor < (1, 21) else 0.97)
    for number, row in typed.items():
        types = row["key_type"], row["elem_type"]
        other = OTHER_TYPES.get(told[number])
        assert types in ((other,) if other else (("int", "int"), ("string", "int"))), row


def test_names_that_are_not_there_are_told(folder: Path) -> None:
    go = main_toolchains()[-1]
    stripped = program_of("reach", go, TRIMMED, STRIPPED)
    stop = stop_of(program_of("reach", go, TRIMMED))
    session = gdb_session(
        stripped,
        commands=[
            f"break {stop}",
            "run",
            Fails("hmap-dump main.byName"),
            Fails("hmap-dump bss+0xfffff8"),
            Fails("hmap-dump noptrbss+0x8"),
            Fails("hmap-dump (*main.nothing)(0x1000)"),
        ],
    )
    assert session[2].error == (
        "cannot evaluate 'main.byName': the program has no debug info: give a path of 'hmap-list', "
        "or build it without -ldflags=-w or -s"
    )
    for one, name in zip(session[3:5], ("bss+0xfffff8", "noptrbss+0x8")):
        assert one.error == (
            f"the type of '{name}' is not known: give the one that it points to, as in "
            f"--type 'map[string]int' {name}"
        )
    assert "no type 'main.nothing'" in str(session[5].error)


def test_a_version_that_is_not_known_is_told(folder: Path) -> None:
    go = main_toolchains()[-1]
    stripped = program_of("reach", go, TRIMMED, STRIPPED)
    session = gdb_session(
        stripped,
        commands=[
            f"break {stop_of(program_of('reach', go, TRIMMED))}",
            "run",
            "hmap-list",
            "python import hmapdbg.target.go_stripped as made",
            "python from hmapdbg.target.gdb_layouts import STRIPPED_GO",
            "python made.go_version = lambda path: 'go1.99.1'; STRIPPED_GO._files.clear()",
            "hmap-list",
            "python made.go_version = lambda path: 'go1.26.1 X:noswissmap'",
            "python STRIPPED_GO._files.clear()",
            "hmap-list",
        ],
    )
    doubt = "the runtime's structs of go1.99.1 are not known, and those of "
    assert doubt not in session[2].output
    assert f"note: {doubt}" in session[6].output
    refused = "no debug info, and the runtime of 'go1.26.1 X:noswissmap' is not known (build it "
    assert refused in session[9].output
