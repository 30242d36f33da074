"""Cores of Go programs, which may have no build id but Go's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from go_fixtures import main_toolchains
from go_toolchains import Toolchain
from hmapdbg.target.core_file import build_ids_of
from rig import hmap_cores, take_cores

QUICK = ("--no-entries", "--no-plots", "--map", "main.sessions")
SOURCE = """\
package main

var sessions = map[string]int{}

//go:noinline
func stop() int { return len(sessions) }

func main() {
    for _, key := range []string{"a", "b", "REPLACED"} {
        sessions[key] = len(key)
    }
    stop()
}
"""


def build(go: Toolchain, folder: Path, key: str, *options: str) -> Path:
    """A program without a build id of the linker's, which newer Go writes by default."""
    folder.mkdir()
    (folder / "go.mod").write_text("module server\n\ngo 1.19\n")
    (folder / "main.go").write_text(SOURCE.replace("REPLACED", key))
    flags = "-ldflags=-B=none" if go.minor >= (1, 24) else "-ldflags="
    go.run("build", *(options or [flags]), "-o", folder / "server", ".", cwd=folder)
    return folder / "server"


@pytest.mark.parametrize("go", main_toolchains(), ids=lambda go: go.name)
def test_core_is_matched_by_the_build_id_of_go(go: Toolchain, tmp_path: Path) -> None:
    program, other = build(go, tmp_path / "one", "c"), build(go, tmp_path / "two", "d")
    assert [kind for kind, _ in build_ids_of(str(program)).ids] == ["Go"]
    core = tmp_path / "core"
    take_cores(program, [], "break main.stop", "run", f"generate-core-file {core}")
    run = hmap_cores(*QUICK, program, core, output=tmp_path / "out")
    assert run.status == 0, run
    (row,) = run.rows
    assert (row["entries"], row["notes"]) == ("3", "")
    run = hmap_cores(*QUICK, other, core, output=tmp_path / "out")
    assert run.status == 2
    assert run.detail_of("core").startswith("of another build of 'server': build id ")
    # In a root folder too.
    inner = Path(f"{tmp_path}/merged{program}")
    inner.parent.mkdir(parents=True)
    program.rename(inner)
    run = hmap_cores(*QUICK, "--sysroot", tmp_path / "merged", core, output=tmp_path / "out")
    assert run.status == 0, run
    other.rename(inner)
    run = hmap_cores(*QUICK, "--sysroot", tmp_path / "merged", core, output=tmp_path / "out")
    assert run.detail_of("core").startswith("of another build of 'server': build id ")


@pytest.mark.parametrize("go", main_toolchains(), ids=lambda go: go.name)
def test_names_and_types_are_those_of_a_twin(go: Toolchain, tmp_path: Path) -> None:
    program = build(go, tmp_path / "one", "c", "-trimpath", "-ldflags=-s -w")
    twin = build(go, tmp_path / "two", "c", "-trimpath")
    wrong = build(go, tmp_path / "three", "d", "-trimpath")
    core = tmp_path / "core"
    by_hand = [f"symbol-file {twin}", "break main.stop", "run", f"generate-core-file {core}"]
    take_cores(program, [], *by_hand)
    run = hmap_cores(*QUICK, "--twin", twin, "--html", program, core, output=tmp_path / "out")
    assert run.status == 0, run
    (row,) = run.rows
    assert (row["map"], row["entries"], row["notes"]) == ("main_sessions", "3", "")
    page = (tmp_path / "out" / "core" / "index.html").read_text("utf-8")
    assert f"hmap-twin {twin}" in page
    run = hmap_cores(*QUICK, "--twin", wrong, program, core, output=tmp_path / "out")
    assert run.status == 2
    assert f"'{wrong}' is not the twin of '{program}': " in run.detail_of("core")
