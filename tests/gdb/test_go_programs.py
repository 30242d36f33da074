"""hmap-list of Go programs as people have them: stripped of symbols, with plugins, in the middle of
a function, with maps that only goroutines know."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from go_fixtures import main_toolchains, on
from go_programs import build, look
from go_toolchains import Toolchain

gos = on(main_toolchains())
newest = on(main_toolchains()[-1:])


@gos
def test_interfaces_that_hold_no_type(go: Toolchain, folder: Path) -> None:
    """What is no type costs no map."""
    found = look(build(go, "go_garbage", folder), folder)
    assert found.row("main.numbers")["entries"] == 2
    assert not any("left out" in note for note in found.notes), found.notes


@newest
def test_types_of_a_plugin(go: Toolchain, folder: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("plugins need a C compiler")
    plugin = build(go, "go_plugin", folder, "-buildmode=plugin", package="./plug")
    found = look(build(go, "go_plugin", folder), folder, args=str(plugin))
    holders = [f"main.pairs[{number}]" for number in range(5)] + ["main.held"]
    for holder in holders:
        row = found.row(f"{holder}.(*host/plug.Holder).Index")
        assert (row["entries"], row["key_type"], row["elem_type"]) == (4, "string", "uint16")
    assert found.row("host/plug.Inside")["entries"] == 3
    assert not any("left out" in note for note in found.notes), found.notes
