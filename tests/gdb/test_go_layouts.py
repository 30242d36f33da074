"""gdb/hmapdbg/target/go_layouts.json is what the toolchains that there are make of Go's runtime."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from go_fixtures import main_toolchains, program, program_of, toolchains
from harness import ROOT

OTHER_MAPS = "noswissmap"  # the experiment with bucket maps
TABLE = ROOT / "gdb" / "hmapdbg" / "target" / "go_layouts.json"


def test_the_table_is_that_of_the_toolchains(tmp_path: Path) -> None:
    tool = ROOT / "build" / "dev" / "libhmap" / "layout" / "hmap-layout"
    arguments = []
    for go in toolchains():
        version = ".".join(map(str, go.minor))
        layout = tmp_path / f"{version}.json"
        subprocess.run([tool, program(go), "--json", layout], check=True)
        arguments.append(f"{version}={layout}")
        if go.minor in ((1, 24), (1, 25)):
            layout = tmp_path / f"{version}-{OTHER_MAPS}.json"
            other = program_of("reach", go, experiment=OTHER_MAPS)
            subprocess.run([tool, other, "--json", layout], check=True)
            arguments.append(f"{version}-{OTHER_MAPS}={layout}")
    made = subprocess.run(
        [ROOT / "scripts" / "go-layouts", *arguments], check=True, capture_output=True, text=True
    )
    fresh, shipped = json.loads(made.stdout), json.loads(TABLE.read_text("utf-8"))
    assert {f"1.{go.minor[1]}" for go in main_toolchains()} <= set(shipped["versions"])
    for version in fresh["versions"]:
        if version not in shipped["versions"]:
            continue  # newer than this release: the nearest is taken
        for part in ("rows", "constants", "variables"):
            assert of_version(fresh[part], version) == of_version(shipped[part], version)


def of_version(part: dict[str, Any], version: str) -> dict[str, Any]:
    return {
        name: row
        for name, rows in part.items()
        for versions, row in rows
        if version in versions.split()
    }


@pytest.mark.parametrize("word", ["states", "--nothing"])
def test_a_wrong_argument_is_told(word: str) -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "go-layouts", word], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == f"go-layouts: '{word}' is not VERSION=FILE: try --help\n"
