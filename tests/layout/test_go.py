"""Go's types and maps: the program, hmap-layout and gdb agree, and stripped programs are read."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from go_toolchains import Toolchain, find_toolchains, missing_mandatory
from harness import gdb_session
from hmapdbg.target.layout_file import LayoutFile
from matrix import HERE, ROOT
from stripped import assert_same_view, take
from tool import run_layout

# As docs/layouts.md lists them.
GO_ROWS = [("Go 1.19, Debian's", "go build"), ("Go, newest installed", "go build")]

MAPS = ("main.counts", "'main.counts'", "main.theServer.sessions", "main.shared", "*main.theServer")


def toolchains() -> list[Toolchain]:
    """Debian's toolchain, or the oldest one, and the newest."""
    missing = missing_mandatory()
    if missing and os.environ.get("CI") == "true":
        raise pytest.UsageError(f"no {' and no '.join(missing)}: run scripts/setup")
    found = find_toolchains()
    if not found:
        pytest.skip("no Go toolchain on this machine: run scripts/setup")
    return [found[0], found[-1]]


def build(go: Toolchain, folder: Path) -> Path:
    exe = folder / "sample"
    go.run(
        *("build", "-p", "1", "-o", exe, HERE / "go_sample.go"),
        cwd=folder,
        env={"GOCACHE": str(ROOT / "build/go/cache"), "GO111MODULE": "off"},
    )
    return exe


@pytest.fixture(scope="module", params=[0, 1], ids=["debian", "newest"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(toolchains()[request.param], tmp_path_factory.mktemp("go"))


def test_program_layout_file_and_gdb_agree(program: Path, tmp_path: Path) -> None:
    run_layout(program, "--json", tmp_path / "layout.json")
    run_layout(program, "--check", tmp_path / "layout.json")
    file = LayoutFile(str(tmp_path / "layout.json"))
    *_, ran = gdb_session(program, commands=["break main.stop", "run"])
    truth: dict[str, dict[str, tuple[int, int]]] = {}
    for name, part, offset, size in re.findall(
        r"^(main\.\w+),(\w*),(\d+),(\d+)$", ran.output, re.MULTILINE
    ):
        truth.setdefault(name, {})[part] = int(offset), int(size)
    assert set(truth) == {"main.inner", "main.key", "main.value", "main.server"}
    for name, fields in truth.items():
        found = file.lookup_type(name)
        assert found is not None
        own = {one.name: (one.offset, one.type.size) for one in found.iter_fields()}
        assert own | {"": (0, found.size)} == fields
    # The runtime's structs are compared with gdb: a program cannot take their offsets.
    structs = [*truth, *(name for name in runtime_structs(file))]
    commands = ["break main.stop", "run", *(f"hmap-layout {name}" for name in structs)]
    said = gdb_session(program, commands=commands)[2:]
    for name, outcome in zip(structs, said, strict=True):
        assert outcome.output == run_layout(program, name), name


def runtime_structs(file: LayoutFile) -> list[str]:
    """The structs of the map generations that the program has."""
    names = (
        "runtime.hmap",
        "runtime.hiter",
        "runtime.g",
        "hash<string,int>",
        "bucket<string,int>",
        "internal/runtime/maps.Map",
        "map<string,int>",
        "table<string,int>",
        "sync.Map",
        "sync.entry",
    )
    found = [name for name in names if file.lookup_type(name) is not None]
    assert len(found) >= 4
    return found


def test_core_of_a_stripped_program_reads_as_with_debug_info(program: Path, tmp_path: Path) -> None:
    taken = take(program, [], "main.stop", tmp_path)
    assert_same_view(taken, MAPS[:4], tmp_path)


def test_constants_and_descriptors_come_from_the_file(program: Path, tmp_path: Path) -> None:
    """Nothing is guessed, and interfaces show their values."""
    taken = take(program, [], "main.stop", tmp_path)
    commands = [f"hmap-layout load {taken.layout}", "hmap-dump main.shared --entries -"]
    commands += ["hmap-dump main.counts"]
    _, entries, dump = gdb_session(taken.stripped, core=taken.core, commands=commands)
    assert re.search(r",12,-12$", entries.output, re.MULTILINE), entries.output
    assert "assumed" not in dump.output
