"""gdb auto-loads the commands with libhmap: once, and safely in all circumstances."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from installing import ROOT, sh
from harness import Fails, gdb_session

WHERE = "python import hmapdbg; print(hmapdbg.__file__)"
HAS = "python import sys; print('hmapdbg.commands' in sys.modules)"


def auto_load(*prefixes: Path) -> list[str]:
    """Options that make gdb look in another prefix, as docs/install.md says."""
    lines = ["set auto-load python-scripts on"]
    for prefix in prefixes:
        folder = prefix / "share" / "gdb" / "auto-load"
        lines.append(f"add-auto-load-scripts-directory {folder}")
        lines.append(f"add-auto-load-safe-path {folder}")
    return lines


def start(*prefixes: Path) -> list[str]:
    return [*auto_load(*prefixes), "break filled", "run"]


def package(prefix: Path) -> str:
    return f"{prefix}/share/hmap/gdb/hmapdbg/__init__.py\n"


def stub(prefix: Path) -> Path:
    (path,) = (prefix / "share" / "gdb").rglob("*-gdb.py")
    return path


@pytest.fixture
def program(consumers: Path) -> Path:
    return consumers / "consumer_shared"


def test_running_the_program_loads_the_commands(prefix: Path, program: Path) -> None:
    *_, run, dumped, checked, where = gdb_session(
        program,
        commands=[*start(prefix), "hmap-dump squares", "hmap-check squares", WHERE],
        extension=False,
    )
    assert run.messages == ""
    assert dumped.output.startswith("squares ")
    assert "entries    100 in " in dumped.output
    assert checked.output == "consistent: 100 entries\n"
    assert where.output == package(prefix)


def test_opening_a_core_loads_the_commands(prefix: Path, program: Path, tmp_path: Path) -> None:
    core = tmp_path / "core"
    gdb_session(
        program, commands=["break filled", "run", f"generate-core-file {core}"], extension=False
    )
    # gdb opens the core before the first command: make it read the libraries again.
    *_, dumped = gdb_session(
        program,
        core=core,
        commands=[*auto_load(prefix), "nosharedlibrary", "sharedlibrary", "hmap-dump squares"],
        extension=False,
    )
    assert "entries    100 in " in dumped.output


def test_a_second_run_loads_nothing_anew(prefix: Path, program: Path) -> None:
    *_, before, _, _, after = gdb_session(
        program,
        commands=[
            *start(prefix),
            "python import hmapdbg.commands; first = hmapdbg.commands; print(id(first))",
            "nosharedlibrary",
            "run",
            "python import sys; print(id(sys.modules['hmapdbg.commands']))",
        ],
        extension=False,
    )
    assert before.output == after.output


def test_what_was_sourced_before_stays(prefix: Path, program: Path) -> None:
    *_, run, where, dumped = gdb_session(
        program, commands=[*start(prefix), WHERE, "hmap-dump squares"]
    )
    assert run.messages == ""
    assert where.output == f"{ROOT}/gdb/hmapdbg/__init__.py\n"
    assert "entries    100 in " in dumped.output


def test_sourcing_another_copy_afterwards_takes_that_one(prefix: Path, program: Path) -> None:
    *_, where, dumped = gdb_session(
        program,
        commands=[*start(prefix), f"source {ROOT}/gdb/hmap.py", WHERE, "hmap-dump squares"],
        extension=False,
    )
    assert where.output == f"{ROOT}/gdb/hmapdbg/__init__.py\n"
    assert "entries    100 in " in dumped.output


def test_of_two_copies_the_first_is_taken(prefix: Path, program: Path, tmp_path: Path) -> None:
    shutil.copytree(prefix / "share", tmp_path / "share")
    *_, second, where, dumped = gdb_session(
        program,
        commands=[*start(prefix), f"source {stub(tmp_path)}", WHERE, "hmap-dump squares"],
        extension=False,
    )
    assert second.output == second.messages == ""
    assert where.output == package(prefix)
    assert "entries    100 in " in dumped.output


def test_a_moved_installation_finds_itself(prefix: Path, program: Path, tmp_path: Path) -> None:
    moved = tmp_path / "with a space"
    shutil.copytree(prefix / "share", moved / "share")
    *_, where = gdb_session(
        program,
        commands=[f"source {stub(moved)}", WHERE],
        extension=False,
    )
    assert where.output == package(moved)


def test_a_stub_elsewhere_finds_the_configured_place(
    build: Path, program: Path, tmp_path: Path
) -> None:
    """HMAP_AUTO_LOAD_DIR is gdb's own folder, while hmap has another prefix."""
    folder = tmp_path / "datadir" / "auto-load"
    home = tmp_path / "prefix"
    sh(["cmake", f"-DHMAP_AUTO_LOAD_DIR={folder}", build])
    try:
        sh(["cmake", "--install", build, "--prefix", home])
    finally:
        sh(["cmake", "-UHMAP_AUTO_LOAD_DIR", build])
    (found,) = folder.rglob("*-gdb.py")
    *_, where = gdb_session(program, commands=[f"source {found}", WHERE], extension=False)
    assert where.output == package(home)


def test_without_the_extension_gdb_says_nothing(build: Path, program: Path, tmp_path: Path) -> None:
    sh(["cmake", "--install", build, "--prefix", tmp_path, "--component", "hmap_runtime"])
    sourced, has = gdb_session(program, commands=[f"source {stub(tmp_path)}", HAS], extension=False)
    assert sourced.output == sourced.messages == ""
    assert has.output == "False\n"


def test_a_broken_extension_is_told_in_one_line_once(
    prefix: Path, program: Path, tmp_path: Path
) -> None:
    shutil.copytree(prefix / "share", tmp_path / "share")
    (tmp_path / "share" / "hmap" / "gdb" / "hmapdbg" / "parameters.py").write_text(
        "import absent\n"
    )
    first, second, usable = gdb_session(
        program,
        commands=[f"source {stub(tmp_path)}", f"source {stub(tmp_path)}", "print 1+1"],
        extension=False,
    )
    told = f"hmap: cannot load '{tmp_path}/share/hmap/gdb/hmap.py': No module named 'absent'\n"
    assert first.messages == told
    assert second.messages == ""
    assert usable.output == "$1 = 2\n"


def test_missing_numpy_breaks_neither_gdb_nor_the_program(prefix: Path, program: Path) -> None:
    *_, run, failed, usable = gdb_session(
        program,
        commands=[
            "python import sys; sys.modules['numpy'] = None",
            *start(prefix),
            Fails("hmap-dump squares"),
            "print squares != 0",
        ],
        extension=False,
    )
    assert run.messages == ""
    assert "python3-numpy" in str(failed.error)
    assert usable.output == "$1 = 1\n"


def test_the_stub_leaves_no_names_behind(prefix: Path, program: Path) -> None:
    *_, names = gdb_session(
        program,
        commands=[
            *start(prefix),
            "python print([name for name in dir() if 'hmap' in name.lower()])",
        ],
        extension=False,
    )
    assert names.output == "[]\n"
