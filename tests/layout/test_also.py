"""--also keeps structs that no family knows, as gdb's `hmap-define` names them."""

from __future__ import annotations

import json
from pathlib import Path

from matrix import ROOT, run
from tool import run_layout

SOURCE = ROOT / "fixtures" / "declared" / "own.c"


def test_structs_are_kept_with_what_leads_to_them_and_what_they_point_to(tmp_path: Path) -> None:
    run(["gcc", "-g", "-std=c11", "-D_GNU_SOURCE", str(SOURCE), "-o", "own"], tmp_path)
    exe, file = tmp_path / "own", tmp_path / "own.json"
    assert "struct cache" not in run_layout(exe)
    named = ("--also", "struct cache", "--also=dict", "--also", "dict", "--also", "point")
    run_layout(exe, "--json", file, *named)
    layout = json.loads(file.read_text("utf-8"))
    names = {one["name"] for one in layout["types"] if one.get("fields")}
    assert {"struct cache", "struct cache_slot", "struct dict", "struct point"} <= names
    assert "struct swiss" not in names
    assert {"cache", "full_cache", "still", "growing"} <= {one["name"] for one in layout["globals"]}
    assert "no layout has changed" in run_layout(exe, "--check", file, *named)
    assert run_layout(exe, "--json", file, "--also", "nothing", status=2) == (
        f"no type 'nothing' in '{exe}': check the name after '--also'"
    )
    assert "option '--also' needs an argument" in run_layout(exe, "--also", status=2)
