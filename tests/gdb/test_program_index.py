"""Debug info of Go programs by way of hmap-layout: the same as by gdb, and more where gdb does not
know names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from go_fixtures import main_toolchains, on
from go_programs import build, look
from go_toolchains import Toolchain
from harness import gdb_session

gos = on(main_toolchains())


def rows_of(
    exe: Path, folder: Path, index: str, env: dict[str, str] | None = None
) -> list[tuple[str, str, int, str, str]]:
    """The maps that are listed with `set hmap index`, by a new debugger."""
    document = folder / f"{index}.json"
    commands = [f"set hmap index {index}", "break main.stop", "run"]
    commands.append(f"hmap-list --limit 0 --json {document}")
    gdb_session(exe, commands=commands, env=env)
    return sorted(
        (one["path"], one["source"], one["entries"], one["key_type"], one["elem_type"])
        for one in json.loads(document.read_text(encoding="utf-8"))["maps"]
    )


@gos
@pytest.mark.parametrize("program", ["go_stacks", "go_keys", "go_registers"])
def test_the_list_is_the_same_by_either_way(go: Toolchain, folder: Path, program: str) -> None:
    exe = build(go, program, folder)
    by_index, by_gdb = rows_of(exe, folder, "on"), rows_of(exe, folder, "off")
    # What nothing leads to may have been collected in one run, and not in the other.
    kept = [[one for one in rows if one[1] != "unreached"] for rows in (by_index, by_gdb)]
    assert len(kept[1]) > 1
    # The numbers of goroutines differ from run to run, too.
    unnumbered = [
        sorted((path.split(": ", 1)[-1], *rest) for path, *rest in rows if "0x" not in path)
        for rows in kept
    ]
    assert unnumbered[0] == unnumbered[1]


@gos
def test_packages_whose_paths_begin_with_go(go: Toolchain, folder: Path) -> None:
    found = look(build(go, "go_names", folder), folder)
    rows = {row["entries"]: row for row in found.core}
    package = "go.example.org/names/table"
    assert rows[3001]["path"] == f"{package}.Entries"
    assert rows[3002]["path"] == f"{package}.Entries[7].Weights"
    assert rows[3003]["path"] == f"{package}.Held.(*{package}.Entry).Weights"
    assert (rows[3001]["key_type"], rows[3001]["elem_type"]) == ("int32", f"*{package}.Entry")


@pytest.fixture(name="exe")
def _exe(folder: Path) -> Path:
    return build(main_toolchains()[-1], "go_names", folder)


def test_the_index_is_kept(exe: Path, folder: Path) -> None:
    cache = folder / "cache"
    env = {"XDG_CACHE_HOME": str(cache)}
    first = rows_of(exe, folder, "on", env)
    (kept,) = (cache / "hmap").iterdir()
    made = kept.stat().st_ino
    assert rows_of(exe, folder, "on", env) == first
    assert [one.stat().st_ino for one in (cache / "hmap").iterdir()] == [made]


def test_an_index_that_is_broken_is_made_anew(exe: Path, folder: Path) -> None:
    cache = folder / "cache"
    env = {"XDG_CACHE_HOME": str(cache)}
    first = rows_of(exe, folder, "on", env)
    (kept,) = (cache / "hmap").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2])
    assert rows_of(exe, folder, "on", env) == first
    assert kept.read_bytes() == whole


def test_without_a_folder_to_keep_it_in(exe: Path, folder: Path) -> None:
    (folder / "file").write_text("")
    first = rows_of(exe, folder, "on")
    assert rows_of(exe, folder, "on", {"XDG_CACHE_HOME": str(folder / "file")}) == first


@pytest.mark.parametrize(
    ("tool", "why"),
    [(None, "hmap-layout is not there: install it"), ("/bin/false", "'/bin/false' ended with 1")],
)
def test_a_program_without_an_index_is_said(
    exe: Path, folder: Path, tool: str | None, why: str
) -> None:
    commands = [
        "python import hmapdbg.target.program_index as found",
        f"python found.find_tool = lambda: {tool!r}",
        "break main.stop",
        "run",
        "hmap-list",
    ]
    out = gdb_session(exe, commands=commands)[-1].output
    (note,) = [line for line in out.splitlines() if "without an index" in line]
    assert note.startswith(f"note: '{exe.name}' is read without an index")
    assert why in note
