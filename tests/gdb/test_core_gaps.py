"""Memory that a core lacks is said to be missing, with why and what brings it back; it is never
"no maps" or "not set yet"."""

from __future__ import annotations

import csv
import io
import subprocess
from pathlib import Path

import pytest

from harness import Fails, Tries, gdb_session, run_aborting

PROGRAM = Path(__file__).resolve().parent / "programs" / "dontdump.cc"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dontdump") / "dontdump"
    subprocess.run(["g++", "-g", "-std=c++17", "-o", path, PROGRAM], check=True)
    return path


def paths(output: str) -> list[str]:
    return [row["path"] for row in csv.DictReader(io.StringIO(output))]


@pytest.mark.usefixtures("kernel_cores")
def test_what_the_kernel_left_out_is_named(program: Path, folder: Path) -> None:
    core = run_aborting([program, "abort"], folder, {})
    listed, dumped, buckets, csv_out = gdb_session(
        program,
        core=core,
        commands=[
            "hmap-list",
            Fails("hmap-dump sessions"),
            Fails("hmap-dump buckets_only"),
            "hmap-list --csv -",
        ],
    )
    assert paths(csv_out.output) == ["here"]
    # sessions, three shards, and the buckets of buckets_only.
    note, other = [line for line in listed.output.splitlines() if line.startswith("incomplete: ")]
    assert note == other and note.startswith(
        "incomplete: 5 places lead into memory that the core lacks, 0x"
    )
    assert "(8.0 MiB)" in note and "MADV_DONTDUMP" in note and "dump-excluded-mappings" in note
    assert "not set yet" not in listed.output
    for outcome in (dumped, buckets):
        assert outcome.error and "left out of the core (MADV_DONTDUMP" in outcome.error
        assert "\n" not in outcome.error


@pytest.mark.usefixtures("kernel_cores")
def test_a_truncated_core_is_said_to_be_truncated(program: Path, folder: Path) -> None:
    core = run_aborting([program, "abort"], folder, {})
    whole = core.read_bytes()
    # The heap, with the nodes of `here`, is in the first segments; the stacks come last.
    for share in (0.3, 0.6):
        core.write_bytes(whole[: int(len(whole) * share)])
        (listed,) = gdb_session(program, core=core, commands=["hmap-list"])
        assert "the core file is truncated" in listed.output or "here" in listed.output
        assert "no maps: none was found" not in listed.output


def test_gdbs_core_with_holes_is_not_called_not_set(program: Path, folder: Path) -> None:
    """gdb leaves such memory out without a trace."""
    made = ["break stop", "run", f"generate-core-file {folder}/holes"]
    made += ["set dump-excluded-mappings on", f"generate-core-file {folder}/whole"]
    gdb_session(program, commands=made)
    (holes,) = gdb_session(program, core=folder / "holes", commands=["hmap-list"])
    assert "5 places with pointers to memory that is not in the core" in holes.output
    (whole,) = gdb_session(program, core=folder / "whole", commands=["hmap-list --csv -"])
    assert len(paths(whole.output)) == 6


def test_a_core_of_another_build_is_said_first(program: Path, folder: Path) -> None:
    gdb_session(program, commands=["break stop", "run", f"generate-core-file {folder}/core"])
    other = folder / "dontdump"
    subprocess.run(["g++", "-g", "-O2", "-std=c++17", "-o", other, PROGRAM], check=True)
    listed, found = gdb_session(
        other, core=folder / "core", commands=["hmap-list", Tries("hmap-dump here")]
    )
    for outcome in (listed, found):
        assert outcome.messages.startswith("warning: the core is of another build of 'dontdump'")
    same, _ = gdb_session(program, core=folder / "core", commands=["hmap-list", "hmap-dump here"])
    assert "another build" not in same.messages + same.output
