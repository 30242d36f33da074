"""hmap-twin: a rebuild with debug info gives a stripped Go program its names and types; any other
file is refused in one line, and changes nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from go_fixtures import main_toolchains, on, program_of
from go_programs import PROGRAMS
from go_toolchains import OFFLINE, Toolchain
from harness import Fails, Session, gdb_session

gos = on(main_toolchains())

STRIPPED, NOTHING, PIE, TRIMMED = (
    *("-ldflags=-s -w", "-ldflags=-n -n"),
    *("-buildmode=pie", "-trimpath"),
)
SAME = (
    "-buildvcs=false"  # else the revision is in a program: the two may be built at different ones
)
TRUTH = re.compile(r"^(0x[0-9a-f]+) (\d+) ", re.MULTILINE)
SUCCESS = re.compile(r"names and types are of '(.*)', the twin of '(.*)'\n\Z")
WAYS = {
    "trimpath": ((TRIMMED, STRIPPED), (TRIMMED,)),
    "flags": ((STRIPPED,), (NOTHING,)),
    "trimpath, pie": ((TRIMMED, PIE, STRIPPED), (TRIMMED, PIE)),
    "flags, pie": ((PIE, STRIPPED), (PIE, NOTHING)),
}


def rows_of(document: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(document.read_text("utf-8"))["maps"]
    return rows


def assert_taken(text: str, twin: Path, program: Path) -> None:
    found = SUCCESS.match(text)
    assert found is not None and found.groups() == (str(twin), str(program)), text


@gos
@pytest.mark.parametrize("way", WAYS)
def test_all_works_as_with_debug_info(go: Toolchain, way: str, folder: Path) -> None:
    stripped, twin = (program_of("reach", go, SAME, *flags) for flags in WAYS[way])
    core, documents = folder / "core", [folder / f"{at}.json" for at in range(4)]
    listings = [f"hmap-list --limit 0 --json {one}" for one in documents]
    live = gdb_session(
        stripped,
        commands=[
            f"hmap-twin {twin}",  # before there is a process
            "break main.fixtureStop",
            "run",
            f"symbol-file {stripped}",
            listings[0],
            f"hmap-twin {twin}",
            listings[1],
            "hmap-dump main.byName",
            "up",
            "info locals",
            f"generate-core-file {core}",
        ],
    )
    told = {address: int(count) for address, count in TRUTH.findall(live[2].output)}
    assert len(told) == 19
    for at in (0, 5):
        assert_taken(live[at].output, twin, stripped)
    assert [one.messages for one in live[:-1] if "warning: " in one.messages] == []
    assert not any(row["path"].startswith("main.") for row in rows_of(documents[0]))
    assert live[7].output.startswith("main.byName   (map[string]map[string]int) 0x")
    assert "local = " in live[9].output
    of_core = gdb_session(
        stripped, core=core, commands=[f"hmap-twin {twin}", listings[2], "hmap-check main.byName"]
    )
    assert_taken(of_core[0].output, twin, stripped)
    assert of_core[2].output == "consistent: 1 entries\n" and not of_core[2].messages
    by_twin = rows_of(documents[2])
    if PIE not in WAYS[way][0]:  # gdb finds where such a program is only by its own file
        gdb_session(twin, core=core, commands=[listings[3]])
        assert rows_of(documents[3]) == by_twin
    found = {row["address"]: row["entries"] for row in by_twin}
    # What only a channel's or a local's type leads to is in neither list.
    assert {addr: found[addr] for addr in told if addr in found}.items() <= told.items()
    assert {row["address"] for row in rows_of(documents[1])} == found.keys()
    assert {"main.byName", "main.top.sessions", 'main.byName["a b"]'} <= {
        row["path"] for row in by_twin
    }


@pytest.fixture(name="source")
def _source(folder: Path) -> Path:
    return Path(shutil.copytree(PROGRAMS / "go_rebuild", folder / "source"))


def built(go: Toolchain, source: Path, name: str, *flags: str) -> Path:
    exe = source.parent / name
    go.run("build", "-p", "1", SAME, *flags, "-o", exe, ".", cwd=source)
    return exe


def refused(program: Path, twin: Path | str, *, core: Path | None = None) -> str:
    """Why a file is no twin: one line, and then all is as before."""
    start = [] if core is not None else ["run"]
    asked = ["hmap-list", "info files"]
    found = gdb_session(
        program, core=core, commands=[*start, *asked, Fails(f"hmap-twin {twin}"), *asked]
    )
    before, (error, *after) = found[len(start) : len(start) + 2], found[len(start) + 2 :]
    assert [one.output for one in before] == [one.output for one in after]
    assert error.error is not None and "\n" not in error.error
    return error.error


def commanded(error: str, go: Toolchain, source: Path) -> Path:
    """The twin that the command in an error builds."""
    command = re.search(r": build it by '(.*)' by (go[\d.]+)", error)
    assert command is not None and command[2] == f"go{go.version}", error
    return by_command(command[1], go, source)


def by_command(command: str, go: Toolchain, source: Path) -> Path:
    twin = source.parent / "commanded"
    line = command.replace("go build", f"{go.go} build {SAME} -o {twin}")
    env = " ".join(f"{name}={value}" for name, value in OFFLINE.items())
    subprocess.run(["sh", "-c", f"{env} PATH=$PATH {line}"], cwd=source, check=True)
    return twin


@gos
def test_variables_that_have_moved_are_refused(go: Toolchain, source: Path) -> None:
    """gdb itself would show another map's entries."""
    exe, wrong = built(go, source, "exe", STRIPPED), built(go, source, "wrong")
    error = refused(exe, wrong)
    start = f"'{wrong}' is not the twin of '{exe}': it was built without '-ldflags', "
    assert error.startswith(f"{start}not with '-ldflags=-s -w': build it by '"), error
    twin = commanded(error, go, source)
    found = gdb_session(exe, commands=["run", f"hmap-twin {twin}", "hmap-dump main.small"])
    assert_taken(found[1].output, twin, exe)
    assert "entries    12 in 2 " in found[2].output


@gos
@pytest.mark.parametrize("flags", [("-trimpath",), ()], ids=["trimpath", "strip"])
def test_the_command_that_is_printed_builds_the_twin(
    go: Toolchain, source: Path, flags: tuple[str, ...]
) -> None:
    exe = built(go, source, "exe", *flags, *([STRIPPED] if flags else []))
    subprocess.run(["strip", exe], check=True)
    text = gdb_session(exe, commands=["hmap-twin"])[0].output
    assert f"  by    go{go.version}\n" in text and text.endswith("\nthen: hmap-twin FILE\n")
    assert ("the program does not say its -ldflags: add those" in text) == (
        bool(flags) and go.minor > (1, 18)
    )
    command = re.search(r"^  with  (.*)$", text, re.MULTILINE)
    assert command is not None
    twin = by_command(command[1], go, source)
    found = gdb_session(exe, commands=["run", f"hmap-twin {twin}", "hmap-dump main.small"])
    assert "entries    12 in 2 " in found[2].output


@gos
def test_other_sources_are_refused(go: Toolchain, source: Path) -> None:
    exe, main = built(go, source, "exe", TRIMMED, STRIPPED), source / "main.go"
    text = main.read_text("utf-8")
    start = f" is not the twin of '{exe}': "
    # Another name of a variable changes nothing in the program but the hash in Go's build id.
    main.write_text(text.replace("small", "smalk"), "utf-8")
    error = refused(exe, built(go, source, "renamed", TRIMMED))
    assert f"{start}the hash of the main package in Go's build id differs: build it" in error
    main.write_text(text.replace("12", "13"), "utf-8")
    error = refused(exe, built(go, source, "constant", TRIMMED))
    assert re.search(re.escape(start) + r"\.text has other bytes \(1 of [\d,]+\): build", error)
    main.write_text(f"{text}\nvar more = map[string]int{{`a`: 1}}\n", "utf-8")
    error = refused(exe, built(go, source, "longer", TRIMMED))
    assert re.search(re.escape(start) + r"\.\w+ (has [\d,]+ bytes more|lies at 0x)", error), error


def test_another_go_is_refused(source: Path) -> None:
    oldest, newest = main_toolchains()[0], main_toolchains()[-1]
    if oldest == newest:
        pytest.skip("one Go only")
    exe = built(newest, source, "exe", TRIMMED, STRIPPED)
    error = refused(exe, built(oldest, source, "wrong", TRIMMED))
    assert f": it was built by go{oldest.version}, not go{newest.version}: build it by '" in error


@gos
def test_what_is_no_program_with_debug_info_is_refused(go: Toolchain, source: Path) -> None:
    exe, fifo = built(go, source, "exe", STRIPPED), source / "fifo"
    os.mkfifo(fifo)
    reasons = {
        exe: f"'{exe}' has no debug info: build it by '",
        source: f"'{source}' is a folder: name a program",
        fifo: f"'{fifo}' is no regular file: name a program",
        source / "main.go": f"'{source}/main.go' is not a program of go1.18 or later: hmap-twin ",
        Path(
            "/usr/bin/true"
        ): "'/usr/bin/true' is not a program of go1.18 or later: hmap-twin is for",
        source / "none": f"cannot read '{source}/none': No such file or directory",
    }
    for path, reason in reasons.items():
        assert refused(exe, path).startswith(reason)


@gos
def test_programs_that_have_no_twin(go: Toolchain, source: Path) -> None:
    exe = built(go, source, "exe", TRIMMED)
    found = gdb_session(exe, commands=[Fails(f"hmap-twin {exe}")])
    assert found[0].error == f"'{exe}' has debug info: it needs no twin"
    found = gdb_session("/usr/bin/true", commands=[Fails(f"hmap-twin {exe}"), "hmap-twin"])
    reason = "'/usr/bin/true' is not a program of go1.18 or later: hmap-twin is for those"
    assert found[0].error == reason and found[1].output == f"{reason}\n"
    found = gdb_session(commands=[Fails("hmap-twin"), Fails(f"hmap-twin {exe}")])
    reason = "no program: load the executable with 'file PROGRAM' first"
    assert [one.error for one in found] == [reason, reason]


@gos
def test_the_core_of_another_build_is_refused(go: Toolchain, source: Path) -> None:
    """The files fit one another, but not the process; without ids only its memory tells."""
    flags = (TRIMMED, "-ldflags=-s -w -buildid=")
    exe, core = built(go, source, "exe", *flags), source.parent / "core"
    gdb_session(exe, commands=["run", f"generate-core-file {core}"])
    with (source / "main.go").open("a") as main:
        main.write("\nvar more = map[string]int{`a`: 1}\n")
    exe = built(go, source, "other", *flags)
    twin = built(go, source, "twin", TRIMMED, "-ldflags=-buildid=")
    found = gdb_session(exe, core=core, commands=[Fails(f"hmap-twin {twin}")])
    assert re.match(
        f"'{twin}' does not fit the process: (runtime.firstmoduledata cannot be read at 0x|the "
        f"memory at 0x[0-9a-f]+ is not runtime.firstmoduledata )|the core is of another build of ",
        str(found[0].error),
    ), found[0].error


@gos
def test_symbols_that_were_not_compared_are_warned_of(go: Toolchain, source: Path) -> None:
    exe, twin = built(go, source, "exe", STRIPPED), built(go, source, "twin", NOTHING)
    warning = f"names and types are of '{twin}', which is of another build than '{exe}': compare "
    by_hand = [f"symbol-file {twin}", "hmap-dump main.small"]
    found: Session = gdb_session(
        exe,
        commands=[
            "run",
            *by_hand,
            f"symbol-file {exe}",
            f"hmap-twin {twin}",
            "hmap-dump main.small",
        ],
    )
    assert warning in found[2].messages
    assert found[5].messages == ""


@gos
def test_a_process_of_another_build_is_warned_of(go: Toolchain, source: Path) -> None:
    """gdb shows what it finds where the file has variables, as of 'gdb wrong -p PID'."""
    exe, twin = built(go, source, "exe", STRIPPED), built(go, source, "twin", NOTHING)
    with (source / "main.go").open("a") as main:
        main.write("\nvar more = map[string]int{`a`: 1}\nvar table = [999]int{1: len(more)}\n")
    wrong = built(go, source, "wrong")
    warning = f"the process is not of '{wrong}', whose names and types gdb has: the memory at 0x"
    found = gdb_session(
        exe,
        commands=[
            "run",
            *(f"file {wrong}", "hmap-list", "hmap-dump main.small"),
            *(f"file {twin}", "hmap-list", "hmap-dump main.small"),
        ],
    )
    assert f"note: {warning}" in found[2].output
    assert warning in found[3].messages
    assert "whose names and types gdb has" not in found[5].output
    assert found[6].messages == "" and "entries    12 in 2 " in found[6].output
