"""Go programs that are stripped, as releases are built: without section headers, movable, with C
code in them, with the race detector, mangled names, other maps. All numbers of maps are right."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from go_fixtures import main_toolchains, on, toolchains
from go_programs import PROGRAMS
from go_toolchains import Toolchain
from harness import Fails, Session, gdb_session

gos = on(main_toolchains())
EXPERIMENT = "noswissmap"
NOTE = "no debug info: read by Go's own runtime tables; variables go by their section"
STRIPPED = ("-trimpath", "-ldflags=-s -w")
PIE = "-buildmode=pie"
TRUTH = re.compile(r"^(0x[0-9a-f]+) (\d+)$", re.MULTILINE)
MAPS = 9  # that the program tells of


def without_section_headers(exe: Path) -> None:
    """What sstrip does: the file ends with its last segment."""
    data = bytearray(exe.read_bytes())
    (start,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    end = 0
    for at in range(start, start + size * count, size):
        _, _, offset, _, _, held = struct.unpack_from("<IIQQQQ", data, at)
        end = max(end, offset + held)
    struct.pack_into("<Q", data, 40, 0)
    struct.pack_into("<3H", data, 58, 64, 0, 0)
    exe.write_bytes(data[:end])


def without_version(exe: Path) -> None:
    """What garble does, besides names: the version is none."""
    data = bytearray(exe.read_bytes())
    start = data.index(b"\xff Go buildinf:") + 32
    length = data[start]
    data[start + 1 : start + 1 + length] = b"unknown".ljust(length, b"_")
    exe.write_bytes(data)


def strip(exe: Path) -> None:
    subprocess.run(["strip", exe], check=True)


@dataclass(frozen=True)
class Way:
    """How a program is built, and what is done to it then."""

    flags: tuple[str, ...] = STRIPPED
    change: Callable[[Path], None] | None = None
    cgo: bool = False
    is_read: bool = False  # also the entries of its maps


WAYS = {
    "strip": Way((), strip),
    "strip, trimpath": Way(("-trimpath",), strip),
    "flags": Way(("-ldflags=-s -w",)),
    "no table of symbols": Way(("-ldflags=-w",), strip),
    "trimpath": Way(is_read=True),
    "pie": Way((*STRIPPED, PIE)),
    "external link": Way(("-trimpath", "-ldflags=-s -w -linkmode=external"), cgo=True),
    "external link, pie": Way(("-trimpath", "-ldflags=-s -w -linkmode=external", PIE), cgo=True),
    "race": Way((*STRIPPED, "-race"), cgo=True, is_read=True),
    "no section headers": Way(STRIPPED, without_section_headers, is_read=True),
    "no section headers, pie": Way((*STRIPPED, PIE), without_section_headers),
    "no version": Way(STRIPPED, without_version, is_read=True),
}


def built(
    go: Toolchain, name: str, exe: Path, *flags: str, cgo: bool = False, experiment: str = ""
) -> Path:
    go.run(
        *("build", "-p", "1", "-buildvcs=false", *flags, "-o", exe, "."),
        cwd=PROGRAMS / name,
        env={"CGO_ENABLED": "1" if cgo else "0", "GOEXPERIMENT": experiment},
    )
    return exe


def listed(document: Path) -> dict[str, Any]:
    """The list of all maps, and a row for each address."""
    found: dict[str, Any] = json.loads(document.read_text("utf-8"))
    return found


def assert_found(exe: Path, folder: Path) -> tuple[Path, Path, dict[str, int]]:
    """Live and in a core, all maps have the numbers that the program tells. Returns the core, the
    list of its maps, and what was told."""
    core, document = folder / "core", folder / "list.json"
    listing = f"hmap-list --limit 0 --json {document}"
    live = gdb_session(exe, commands=["run", listing, f"generate-core-file {core}"])
    told = truth_of(live[0].output)
    assert_told(told, listed(document))
    gdb_session(exe, core=core, commands=[listing])
    assert_told(told, listed(document))
    return core, document, told


def truth_of(text: str) -> dict[str, int]:
    told = {address: int(count) for address, count in TRUTH.findall(text)}
    assert len(told) == MAPS
    return told


def assert_told(told: dict[str, int], found: dict[str, Any]) -> None:
    rows = {row["address"]: row for row in found["maps"]}
    assert {addr: rows[addr]["entries"] for addr in told if addr in rows} == told
    assert NOTE in found["notes"]


def assert_sound(
    exe: Path, core: Path, document: Path, told: dict[str, int], gdb: str = "gdb"
) -> None:
    """Each map of the core is consistent, and those whose types are known have their entries."""
    rows = {row["address"]: row for row in listed(document)["maps"]}
    known = [addr for addr in told if "?" not in rows[addr]["key_type"]]
    assert len(known) >= 2
    checks = [f"hmap-check {rows[addr]['path']}" for addr in told]
    # Of a type that is not certain: what is taken for keys may have equal bytes.
    first = next(iter(told))
    guess = f"hmap-check --type map[?]? {first}"
    dumps = [f"hmap-dump {rows[addr]['path']} --entries -" for addr in known]
    session: Session = gdb_session(exe, core=core, commands=[*checks, *dumps, guess], gdb=gdb)
    assert session[-1].output.splitlines()[0] == f"consistent: {told[first]:,} entries"
    for addr, outcome in zip(told, session):
        assert outcome.output.splitlines()[0] == f"consistent: {told[addr]:,} entries"
    for addr, outcome in zip(known, session[len(told) :]):
        assert len(outcome.output.splitlines()) == told[addr] + 1


@gos
@pytest.mark.parametrize("way", WAYS)
def test_maps_are_found_however_a_program_was_stripped(
    go: Toolchain, way: str, folder: Path
) -> None:
    how = WAYS[way]
    exe = built(go, "go_variants", folder / "exe", *how.flags, cgo=how.cgo)
    if how.change is not None:
        how.change(exe)
    core, document, told = assert_found(exe, folder)
    if how.is_read:
        assert_sound(exe, core, document, told)
    notes = listed(document)["notes"]
    doubts = [one for one in notes if "seem to fit: what is shown is probable" in one]
    assert len(doubts) == (way == "no version")
    if doubts:
        assert doubts[0].startswith("the program does not say which version built it ('unknown")


@on(go for go in toolchains() if go.minor in ((1, 24), (1, 25)))
def test_bucket_maps_of_newer_versions(go: Toolchain, folder: Path) -> None:
    exe = built(go, "go_variants", folder / "exe", *STRIPPED, experiment=EXPERIMENT)
    core, document, told = assert_found(exe, folder)
    assert_sound(exe, core, document, told)
    assert not any("probable" in one for one in listed(document)["notes"])
    outcome = gdb_session(exe, commands=["run", "hmap-dump --type 'map[int]string' bss+0x8"])[1]
    assert "Go bucket map" in outcome.output


@on(go for go in main_toolchains() if go.minor >= (1, 27))
def test_groups_with_keys_and_elems_apart(go: Toolchain, folder: Path) -> None:
    exe = built(go, "go_variants", folder / "exe", *STRIPPED, experiment="mapsplitgroup")
    core, document, told = assert_found(exe, folder)
    assert_sound(exe, core, document, told)
    assert not any("probable" in one for one in listed(document)["notes"])


@on(go for go in toolchains() if go.minor == (1, 18))
def test_a_version_before_the_first_known_one(go: Toolchain, folder: Path) -> None:
    exe = built(go, "go_variants", folder / "exe", *STRIPPED)
    exe.write_bytes(exe.read_bytes().replace(b"go1.18", b"go1.17"))
    _, document, _ = assert_found(exe, folder)
    doubt = "the runtime's structs of go1.17."
    assert any(
        one.startswith(doubt) and "those of 1.18 seem to fit: what is shown is probable" in one
        for one in listed(document)["notes"]
    )


@gos
def test_programs_of_which_no_twin_can_be_told(go: Toolchain, folder: Path) -> None:
    twin = built(go, "go_variants", folder / "twin", "-trimpath")
    reasons = {
        without_section_headers: "has no section headers",
        without_version: "does not say which version built it ('unknown')",
    }
    for change, reason in reasons.items():
        exe = built(go, "go_variants", folder / change.__name__, *STRIPPED)
        change(exe)
        found = gdb_session(exe, commands=[Fails(f"hmap-twin {twin}"), "hmap-twin"])
        error = re.sub(r"_+(?=.\))", "", str(found[0].error))  # as long as the version was
        assert error == f"'{exe}' {reason}: no file can be compared with it"


@gos
def test_a_library_in_a_program_of_c(go: Toolchain, folder: Path) -> None:
    """The maps of both are listed."""
    source = PROGRAMS / "go_shared"
    library = built(
        go, "go_shared", folder / "libshared.so", *STRIPPED, "-buildmode=c-shared", cgo=True
    )
    root = PROGRAMS.parents[2]
    exe = folder / "exe"
    subprocess.run(
        [
            *("gcc", "-g", "-o", exe, source / "c" / "main.c", f"-I{root}/libhmap/include"),
            *(f"-I{folder}", root / "build" / "dev" / "libhmap" / "libhmap.a", library),
            *("-pthread", f"-Wl,-rpath,{folder}"),
        ],
        check=True,
    )
    document, core = folder / "list.json", folder / "core"
    listing = f"hmap-list --limit 0 --json {document}"
    live = gdb_session(exe, commands=["run", listing, f"generate-core-file {core}"])
    told = re.search(r"^(0x[0-9a-f]+) 1000$", live[0].output, re.MULTILINE)
    assert told is not None
    for _ in range(2):
        rows = listed(document)["maps"]
        assert {row["entries"] for row in rows if row["address"] == told[1]} == {1000}
        assert [row["entries"] for row in rows if row["path"] == "of_c"] == [50]
        document.unlink(missing_ok=True)
        gdb_session(exe, core=core, commands=[listing])


@gos
def test_a_stripped_plugin(go: Toolchain, folder: Path) -> None:
    source = folder / "source"
    shutil.copytree(PROGRAMS / "go_plugin", source)
    exe, plugin = folder / "exe", folder / "plug.so"
    for target, package, flags in ((exe, ".", ()), (plugin, "./plug", ("-buildmode=plugin",))):
        go.run(
            *("build", "-p", "1", "-buildvcs=false", *STRIPPED, *flags, "-o", target, package),
            cwd=source,
            env={"CGO_ENABLED": "1"},
        )
    document = folder / "list.json"
    stop = "catch syscall exit_group"
    gdb_session(exe, commands=[stop, f"run {plugin}", f"hmap-list --limit 0 --json {document}"])
    rows = [(row["path"], row["entries"], row["elem_type"]) for row in listed(document)["maps"]]
    inside = rf'bss\+0x[0-9a-f]+\["{re.escape(str(plugin))}"\]\.syms\["Inside"\]'
    assert any(re.search(inside, path) and entries == 3 for path, entries, _ in rows), rows
    holders = [entries for path, entries, elem in rows if ".Holder)(0x" in path]
    assert holders == [4] * 6


QEMU = shutil.which("qemu-aarch64")


@gos
@pytest.mark.skipif(
    QEMU is None or shutil.which("gdb-multiarch") is None, reason="no qemu-user, or gdb-multiarch"
)
def test_a_core_of_another_processor(go: Toolchain, folder: Path) -> None:
    """Of arm64, as qemu writes it."""
    exe, env = folder / "exe", {"GOARCH": "arm64", "CGO_ENABLED": "0"}
    build = ("build", "-p", "1", "-buildvcs=false", *STRIPPED, "-o", exe, ".")
    go.run(*build, cwd=PROGRAMS / "go_variants", env=env)
    done = subprocess.run(
        ["bash", "-c", 'ulimit -c unlimited && "$@"', "-", str(QEMU), exe, "abort"],
        cwd=folder,
        env=os.environ | {"GOTRACEBACK": "crash"},
        capture_output=True,
        text=True,
        check=False,
    )
    (core,) = folder.glob("qemu_*.core")
    told, document = truth_of(done.stdout), folder / "list.json"
    listing = f"hmap-list --limit 0 --json {document}"
    gdb_session(exe, core=core, commands=[listing], gdb="gdb-multiarch")
    found = listed(document)
    # No code says which variables are maps: they go by their looks alone.
    missing = told.keys() - {row["address"] for row in found["maps"]}
    assert not missing
    assert any(one.startswith("the code of AArch64 is not read: ") for one in found["notes"])
    told = {addr: count for addr, count in told.items() if addr not in missing}
    assert_told(told, found)
    assert_sound(exe, core, document, told, "gdb-multiarch")
