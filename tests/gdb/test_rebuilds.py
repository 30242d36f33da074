"""Layout files of other builds: taken of a twin, matched by force, refused where values differ."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from go_fixtures import main_toolchains, on
from go_programs import PROGRAMS
from go_toolchains import OFFLINE, Toolchain
from harness import ROOT, Fails, Session, gdb_session

gos = on(main_toolchains())

TOOL = ROOT / "build" / "dev" / "libhmap" / "layout" / "hmap-layout"
MAPS = {"small": 12, "large": 30000, "sessions": 1}
AGREES = ", of a rebuild whose sections and values agree\n"


@pytest.fixture(name="source")
def _source(folder: Path) -> Path:
    return Path(shutil.copytree(PROGRAMS / "go_rebuild", folder / "source"))


def built(go: Toolchain, source: Path, name: str, *flags: str) -> Path:
    exe = source.parent / name
    go.run("build", "-p", "1", *flags, "-o", exe, ".", cwd=source)
    return exe


def layout_of(exe: Path) -> Path:
    file = exe.with_suffix(".json")
    subprocess.run([TOOL, exe, "--json", file], check=True)
    return file


def loaded(exe: Path, load: str | Fails) -> Session:
    """What loading a file says while the program runs; then the maps."""
    commands = ["run", load]
    if isinstance(load, str):
        commands += [f"hmap-dump main.{name}" for name in MAPS]
    return gdb_session(exe, commands=commands)


def assert_right(found: Session) -> None:
    for outcome, count in zip(found[2:], MAPS.values(), strict=True):
        entries = re.search(r"^entries +([\d,]+)", outcome.output, re.MULTILINE)
        assert entries is not None and entries[1] == f"{count:,}", outcome


@gos
@pytest.mark.parametrize(
    "stripped, twin",
    [
        (("-trimpath", "-ldflags=-s -w"), ("-trimpath",)),
        (("-ldflags=-s -w",), ("-ldflags=-n -n",)),
        (("-ldflags=-s -w", "-buildmode=pie"), ("-ldflags=-n -n", "-buildmode=pie")),
        (("-ldflags=-s -w -buildid=",), ("-ldflags=-n -n -buildid=",)),
    ],
    ids=["trimpath", "flags", "pie", "without id"],
)
def test_a_twin_is_taken(
    go: Toolchain, source: Path, stripped: tuple[str, ...], twin: tuple[str, ...]
) -> None:
    exe, other = built(go, source, "exe", *stripped), built(go, source, "twin", *twin)
    found = loaded(exe, f"hmap-layout load {layout_of(other)}")
    if "-buildid=" not in stripped[0]:
        assert found[1].output.endswith(AGREES)
    assert_right(found)


@gos
def test_sections_that_have_moved_are_matched_by_force(go: Toolchain, source: Path) -> None:
    exe, other = built(go, source, "exe", "-ldflags=-s -w"), built(go, source, "other")
    file = layout_of(other)
    refused = loaded(exe, Fails(f"hmap-layout load {file}"))
    assert "is of another build of 'other'" in str(refused[1].error)
    assert ".text differs: recreate it from a rebuild by " in str(refused[1].error)
    found = loaded(exe, f"hmap-layout load {file} --force")
    assert found[1].output.endswith(", by force: of a rebuild whose values agree\n")
    assert_right(found)


@gos
def test_the_command_of_an_error_builds_a_twin(go: Toolchain, source: Path) -> None:
    exe, other = built(go, source, "exe", "-ldflags=-s -w"), built(go, source, "other")
    refused = loaded(exe, Fails(f"hmap-layout load {layout_of(other)}"))[1].error
    command = re.search(r"a rebuild by '(.*?)' by (go[\d.]+)", str(refused))
    assert command is not None and command[2] == f"go{go.version}"
    twin = source.parent / "twin"
    line = command[1].replace("go build", f"{go.go} build -o {twin}")
    env = " ".join(f"{name}={value}" for name, value in OFFLINE.items())
    subprocess.run(["sh", "-c", f"{env} PATH=$PATH {line}"], cwd=source, check=True)
    assert_right(loaded(exe, f"hmap-layout load {layout_of(twin)}"))


@gos
def test_another_program_is_refused_also_by_force(go: Toolchain, source: Path) -> None:
    exe = built(go, source, "exe", "-ldflags=-s -w")
    main = source / "main.go"
    main.write_text(main.read_text("utf-8") + "\nvar more = map[string][9]int{}\n", "utf-8")
    (source / "use.go").write_text("package main\n\nfunc init() { more[`a`] = [9]int{1} }\n")
    other = layout_of(built(go, source, "other"))
    for option in ("", " --force"):
        error = str(loaded(exe, Fails(f"hmap-layout load {other}{option}"))[1].error)
        assert " bytes, in '" in error and "\n" not in error


@gos
@pytest.mark.parametrize("has_marks", [False, True])
def test_values_decide(go: Toolchain, source: Path, has_marks: bool) -> None:
    """A file whose variables are elsewhere, with sections or without, as older ones."""
    exe = built(go, source, "exe", "-ldflags=-s -w")
    file = layout_of(built(go, source, "twin", "-ldflags=-n -n"))
    document = json.loads(file.read_text("utf-8"))
    if not has_marks:
        del document["sections"], document["marks"]
    for one in document["globals"]:
        one["address"] = hex(int(one["address"], 16) - 0x20)
    file.write_text(json.dumps(document), "utf-8")
    error = str(loaded(exe, Fails(f"hmap-layout load {file} --force"))[1].error)
    assert "does not fit '" in error and "the program has " in error


@gos
def test_types_that_differ_are_refused(go: Toolchain, source: Path) -> None:
    exe = built(go, source, "exe", "-ldflags=-s -w", "-buildmode=pie")
    file = layout_of(built(go, source, "twin", "-ldflags=-n -n", "-buildmode=pie"))
    document = json.loads(file.read_text("utf-8"))
    described = [one for one in document["types"] if "descriptor" in one]
    assert len(described) > 50
    for one in described:
        one["descriptor"] += 64
    file.write_text(json.dumps(document), "utf-8")
    error = str(loaded(exe, Fails(f"hmap-layout load {file}"))[1].error)
    assert "does not fit '" in error and "the program has another descriptor where" in error


@gos
def test_older_files_of_the_same_build_are_read(go: Toolchain, source: Path) -> None:
    exe = built(go, source, "exe")
    file = layout_of(exe)
    document = json.loads(file.read_text("utf-8"))
    del document["sections"], document["marks"]
    for one in document["types"]:
        one.pop("descriptor", None)
    file.write_text(json.dumps(document), "utf-8")
    subprocess.run(["strip", exe], check=True)
    found = loaded(exe, f"hmap-layout load {file}")
    assert found[1].output.endswith(f"of '{exe}'\n")
    assert_right(found)
