"""Maps in what Rust wraps values in are found, each path opens its map, and what is gone or not yet
there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import gdb_session
from listings import list_maps, listed, listed_live_and_in_core, told_by
from rust_programs import LEVELS, PROGRAMS, STOP, compiled, on, toolchains
from rust_toolchains import Toolchain

RUSTS = toolchains()
HOLDERS = PROGRAMS / "rust_holders.rs"
LAZY_SINCE = (1, 80)  # of std


def holders(rust: Toolchain, level: str) -> Path:
    flags = ("--cfg", "lazy") if rust.number[:2] >= LAZY_SINCE else ()
    return compiled(rust, HOLDERS, level, *flags)


@on(RUSTS)
@pytest.mark.parametrize("level", LEVELS)
def test_every_map_is_listed_and_each_path_opens_it(
    rust: Toolchain, level: str, folder: Path
) -> None:
    rows, live, _ = listed_live_and_in_core(holders(rust, level), folder, STOP)
    told = told_by(live[1].output)
    if level == "release":  # a local may be in registers
        told = [one for one in told if one.how != "local"]
    found = {int(row["address"], 16): row["entries"] for row in rows}
    missing = [one.how for one in told if found.get(one.address) != one.count]
    assert not missing
    extra = {row["entries"] for row in rows} - {one.count for one in told}
    assert not extra - {8}, rows


@on(RUSTS[-1:])
@pytest.mark.parametrize("language", ["rust", "c", "c++"])
def test_paths_open_their_maps_in_every_language(
    rust: Toolchain, language: str, folder: Path
) -> None:
    file = folder / "list.json"
    commands = [*STOP, f"set language {language}", *list_maps(file, every=3)]
    gdb_session(holders(rust, "debug"), commands=commands)
    assert len(listed(file)) > 30
