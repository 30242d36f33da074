"""Types and variables of one name in several files, functions and object files: each map is read by
the types of its own, and has a path of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from harness import gdb_session
from listings import listed_live_and_in_core, told_by

PROGRAMS = Path(__file__).resolve().parent / "programs"
COMPILERS = {"g++": (), "clang++": ("-fstandalone-debug",)}


@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_types_private_to_a_file_or_function(folder: Path, compiler: str, level: str) -> None:
    program = compiled(folder, compiler, level, "namesakes_a.cc", "namesakes_b.cc")
    rows, live, _ = listed_live_and_in_core(program, folder, ("break stop", "run"))
    told = told_by(live[1].output)
    by_address = {int(row["address"], 16): row for row in rows}
    assert by_address.keys() == {one.address for one in told}
    entries = [f"hmap-dump {by_address[one.address]['path']} --entries -" for one in told]
    session = gdb_session(program, core=folder / "core", commands=entries)
    for one, outcome in zip(told, session, strict=True):
        name, _, first = one.how.partition(" ")
        assert name.partition("[")[0] in by_address[one.address]["path"]
        assert first in outcome.output.replace('""', '"'), (one, outcome.output)


def compiled(folder: Path, compiler: str, level: str, *sources: str) -> Path:
    """A program of tests/gdb/programs, with debug info."""
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    command = [compiler, "-g", "-std=c++17", level, *COMPILERS[compiler], "-o", folder / "program"]
    subprocess.run([*command, *(PROGRAMS / source for source in sources)], check=True)
    return folder / "program"
