"""A verdict about the hash is only given once the entries are known to be where it puts them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness import Session, gdb_session

PROGRAM = Path(__file__).resolve().parent / "programs" / "placement.cc"


@pytest.mark.parametrize("stopped", ["live", "core"])
@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_a_torn_map_is_not_called_badly_hashed(folder: Path, compiler: str, stopped: str) -> None:
    program = folder / "placement"
    subprocess.run([compiler, "-g", "-std=c++17", "-o", program, PROGRAM], check=True)
    commands = [f"hmap-dump {name}" for name in ("bad_keys", "torn", "own_hash")]
    commands.append("hmap-list --csv -")
    core = folder / "core"
    if stopped == "core":
        gdb_session(program, commands=["break stop", "run", f"generate-core-file {core}"])
        outcomes = gdb_session(program, core=core, commands=commands)
    else:
        outcomes = Session(gdb_session(program, commands=["break stop", "run", *commands])[2:])
    bad_keys, torn, own_hash, listed = (one.output for one in outcomes)
    assert "skewed: the hash is bad for these keys; a chain of 400 nodes" in bad_keys
    assert "Problem" not in bad_keys
    # 399 of them are not where they belong; the first key is 1, of another bucket too.
    assert "skewed" not in torn and "hash is bad" not in torn
    assert torn.count("Problem    U5 0x") == 10 and "390 more: see them all" not in torn
    assert "skewed: a chain of 400 nodes where a uniform hash makes at most" in own_hash
    assert "placement was not verified" in own_hash and "the hash is bad" not in own_hash
    rows = {line.split(",")[0]: line for line in listed.splitlines()}
    assert "skewed" in rows["bad_keys"] and "skewed" in rows["own_hash"]
    assert "skewed" not in rows["torn"]
