"""--sysroot: cores of containers, whose executable and libraries are found in a root folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from hmapdbg.cores.match import Unusable
from hmapdbg.cores.sysroot import inside, named_program, program_of_core
from hmapdbg.target.core_file import core_facts, mapped_builds
from rig import fake_gdb, fixture_program, hmap_cores, take_cores

QUICK = ("--no-entries", "--no-plots")
LIBRARY = "libhmap.so.1"
PROGRAM = "name the program that dumped it, or use --any-build"


@dataclass(frozen=True)
class Container:
    """A core of a program that is no longer where it ran."""

    core: Path
    root: Path  # its root folder as it is now
    program: str  # path of the executable in it
    library: str  # and of libhmap, which has the list of its maps


def libraries_of(program: Path, environment: Mapping[str, str] | None = None) -> list[str]:
    """The paths by which the loader knows a program's libraries."""
    listed = subprocess.run(
        ["ldd", program],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=True,
    )
    return re.findall(r"(/\S+) \(", listed.stdout)


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Container:
    """fixtures/c/wordcount in a root folder, with all of its libraries."""
    folder = tmp_path_factory.mktemp("container")
    root, app, core = folder / "merged", folder / "app", folder / "core.wordcount"
    app.mkdir()
    program = app / "wordcount"
    shutil.copy(fixture_program("wordcount"), program)
    # Nor is its library where it was.
    own = next(path for path in libraries_of(program) if os.path.basename(path) == LIBRARY)
    shutil.copy(own, app / LIBRARY)
    stop = ("set breakpoint pending on", "break fixture_stop", "run")
    there = f"set environment LD_LIBRARY_PATH {app}"
    take_cores(program, [], there, *stop, f"generate-core-file {core}")
    paths = [path for path, _ in mapped_builds(str(core))]
    # The loader knows them by other names, which are links.
    for path in {*paths, *libraries_of(program, {"LD_LIBRARY_PATH": str(app)})}:
        copy = Path(f"{root}{path}")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    shutil.rmtree(app)
    return Container(core, root, str(program), f"{app}/{LIBRARY}")


def another_root(container: Container, folder: Path) -> Path:
    """A copy of its root folder, in which files may be changed."""
    shutil.copytree(container.root, folder)
    return folder


def test_executable_and_libraries_are_found_by_the_paths_in_the_core(
    container: Container, tmp_path: Path
) -> None:
    options = (*QUICK, "--sysroot", container.root)
    run = hmap_cores(*options, container.core, output=tmp_path / "out")
    assert run.status == 0, run
    # libhmap's list of its maps is found by the library.
    assert [(row["map"], row["status"], row["notes"]) for row in run.rows] == [("words", "ok", "")]


def test_executable_is_named_as_a_path_inside_or_outside(
    container: Container, tmp_path: Path
) -> None:
    for path in (container.program, f"{container.root}{container.program}"):
        options = (*QUICK, f"--sysroot={container.root}", "--", path)
        run = hmap_cores(*options, container.core, output=tmp_path / "out")
        assert run.status == 0, run
        assert [row["map"] for row in run.rows] == ["words"]


def test_compressed_core_in_a_root_folder_of_a_relative_path(
    container: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = tmp_path / "core.wordcount.zst"
    subprocess.run(["zstd", "-q", "-1", container.core, "-o", packed], check=True)
    monkeypatch.chdir(container.root.parent)
    options = (*QUICK, "--html", "--sysroot", container.root.name)
    run = hmap_cores(*options, packed, output=tmp_path / "out")
    assert run.status == 0, run
    (row,) = run.rows
    assert (row["map"], row["folder"]) == ("words", packed.name)
    assert row["notes"].startswith("unpacked ")
    page = (tmp_path / "out" / packed.name / "index.html").read_text(encoding="utf-8")
    core = f"{packed.name}.unpacked"
    assert f"unzstd &lt;{packed} &gt;{core} &amp;&amp; gdb -iex " in page
    assert f"set sysroot {container.root}&#39; {container.root}{container.program} {core}" in page
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "1 core of wordcount" in index


def test_cores_of_several_programs(container: Container, tmp_path: Path) -> None:
    root, crashes = another_root(container, tmp_path / "merged"), tmp_path / "crashes"
    crashes.mkdir()
    service = fixture_program("service")
    stop = ("break fixture_stop", "run")
    core = crashes / "b.service"
    take_cores(service, [tmp_path / "truth"], *stop, f"generate-core-file {core}")
    inner = Path(f"{root}{core_facts(str(core)).program}")
    inner.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(service, inner)
    os.link(container.core, crashes / "a.wordcount")
    (crashes / "c.note").write_text("nothing else crashed\n")
    run = hmap_cores(*QUICK, "--html", "--sysroot", root, crashes, output=tmp_path / "out")
    assert run.status == 2
    assert [row["map"] for row in run.of("a.wordcount")] == ["words"]
    assert len(run.of("b.service")) == 6
    assert run.detail_of("c.note").startswith("no core: a text file: ")
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "3 cores of wordcount, service" in index


# ---- what is not as it was


def test_executable_of_another_build(container: Container, tmp_path: Path) -> None:
    root = another_root(container, tmp_path / "merged")
    inner = f"{root}{container.program}"
    shutil.copy(fixture_program("service"), inner)
    for words in ((), (container.program,)):
        options = (*QUICK, "--sysroot", root, *words)
        run = hmap_cores(*options, container.core, output=tmp_path / "out")
        assert run.status == 2
        detail = run.detail_of(container.core.name)
        assert detail.startswith("of another build of 'wordcount': build id ")
        assert f" of '{inner}': use the --sysroot that it ran in, {PROGRAM}" in detail


def test_executable_that_is_not_there(container: Container, tmp_path: Path) -> None:
    root = another_root(container, tmp_path / "merged")
    inner = Path(f"{root}{container.program}")
    inner.unlink()
    options = (*QUICK, "--sysroot", root, container.core)
    run = hmap_cores(*options, output=tmp_path / "out")
    assert run.status == 2
    assert run.detail_of(container.core.name) == (
        f"its executable '{container.program}' is not in '{root}': "
        "name the executable before the core, or another --sysroot"
    )
    inner.write_text("#!/bin/sh\n")
    run = hmap_cores(*options, output=tmp_path / "out")
    assert run.detail_of(container.core.name) == (
        f"its executable '{inner}': not an ELF file: name the program that dumped the cores"
    )


def test_libraries_of_another_build_and_missing_ones(container: Container, tmp_path: Path) -> None:
    root = another_root(container, tmp_path / "merged")
    paths = [path for path, _ in mapped_builds(str(container.core))]
    libc = next(path for path in paths if "/libc.so" in path)
    shutil.copy(f"{root}{container.library}", f"{root}{libc}")
    loader = next(path for path in paths if "/ld-" in path)
    os.unlink(f"{root}{loader}")
    options = (*QUICK, "--map", "words", "--sysroot", root, container.core)
    run = hmap_cores(*options, output=tmp_path / "out")
    notes = run.rows[0]["notes"]
    remedy = "use the root folder of the image that it ran in"
    assert f"'{libc}' of another build in '{root}': {remedy}" in notes
    assert f"'{loader}' not in '{root}': {remedy}" in notes


def test_gdb_is_told_of_the_root_folder_before_other_commands(
    container: Container, tmp_path: Path
) -> None:
    environment = fake_gdb(tmp_path / "bin", 'echo "$@" | grep -o "set sysroot.* -x"; exit 1')
    run = hmap_cores(
        *("--sysroot", container.root, "--ex", "set sysroot /other", container.core),
        output=tmp_path / "out",
        environment=environment,
    )
    assert run.detail_of(container.core.name) == (
        f"gdb ended without a result: set sysroot {container.root} -iex set sysroot /other -x"
    )


def test_usage(container: Container, tmp_path: Path) -> None:
    for words, message in (
        (("--sysroot", "/no/such", container.core), "no folder '/no/such': name a root folder"),
        (
            ("--sysroot", container.root, "/usr/bin/gone", container.core),
            f"'/usr/bin/gone': neither in '{container.root}' nor here: name the program that",
        ),
        (("--sysroot", container.root), "the following arguments are required: EXE"),
    ):
        run = hmap_cores(*words, output=tmp_path / "out")
        assert run.status == 3
        assert message in run.messages and run.messages.count("\n") == 1
    assert not (tmp_path / "out").exists()


# ---- paths in a root folder


def test_links_are_followed_as_they_are_inside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "usr" / "bin").mkdir(parents=True)
    (root / "etc").mkdir()
    server = root / "usr" / "bin" / "server"
    server.write_text("inside")
    (tmp_path / "secret").write_text("outside")
    for name, to in {
        "bin": "usr/bin",
        "etc/alternative": "/bin/server",
        "usr/bin/absolute": "/etc/alternative",
        "usr/bin/up": "../../../../../../usr/bin/server",
        "usr/bin/out": "../../../secret",
        "usr/bin/out-absolute": str(tmp_path / "secret"),
        "usr/bin/loop": "/usr/bin/loop",
        "usr/bin/dangling": "gone",
    }.items():
        (root / name).symlink_to(to)
    for path in (
        "/usr/bin/server",
        "/bin/server",
        "/usr/bin/absolute",
        "/usr/bin/up",
        "//bin/./up",
    ):
        assert inside(str(root), path) == str(server), path
    for name in ("out", "out-absolute", "loop", "dangling", "gone", "server/under", "a\0b"):
        assert inside(str(root), f"/usr/bin/{name}") is None, name
    assert inside(str(root), "/usr/bin") is None
    assert inside(str(root), "/../../secret") is None


def test_executable_that_was_replaced_while_it_ran(container: Container) -> None:
    """The kernel then adds a word to its path; the file there now may still be the one that ran."""
    found = program_of_core(f"{container.program} (deleted)", str(container.root))
    assert found.path == f"{container.root}{container.program}"
    for path, told in (("", "of an unknown program"), ("server", "of a program called 'server'")):
        with pytest.raises(Unusable, match=told):
            program_of_core(path, str(container.root))


def test_what_is_named_first(container: Container, tmp_path: Path) -> None:
    root = str(container.root)
    assert named_program(container.program, root) == f"{root}{container.program}"
    assert named_program("/bin/sh", root) == "/bin/sh"  # only here
    (tmp_path / "text").write_text("text")
    for core in (container.core, tmp_path, tmp_path / "text"):
        assert named_program(str(core), root) is None
