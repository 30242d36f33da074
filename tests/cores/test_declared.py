"""hmap-cores on a program whose maps a definition file declares."""

from __future__ import annotations

import subprocess
from pathlib import Path

from rig import ROOT, hmap_cores, take_cores

SOURCE = ROOT / "fixtures" / "declared" / "own.c"
FILES = ROOT / "docs" / "own-maps"


def test_maps_of_definition_files_are_examined(tmp_path: Path) -> None:
    program, core = tmp_path / "own", tmp_path / "core"
    words = ["gcc", "-g", "-std=c11", "-D_GNU_SOURCE", "-o", program, SOURCE]
    subprocess.run(words, check=True)
    start = ("break fixture_stop", "run", f"generate-core-file {core}")
    take_cores(program, [tmp_path / "truth"], *start)
    given = ("--definitions", FILES / "cache.toml", "--definitions", FILES / "dict.toml")
    run = hmap_cores("--no-plots", "--html", *given, program, core, output=tmp_path / "out")
    assert run.status == 0, run
    found = {row["map"]: row["entries"] for row in run.rows}
    assert found["cache"] == "600" and found["growing"] == "120"
    page = (tmp_path / "out" / "core" / "index.html").read_text("utf-8")
    assert f"hmap-define {FILES / 'cache.toml'}" in page

    bad = tmp_path / "bad.toml"
    bad.write_text("[family]\nnam = 'x'\n", encoding="utf-8")
    run = hmap_cores("--definitions", bad, program, core, output=tmp_path / "out2")
    assert run.status == 3
    told = f"hmap-cores: {bad}:2: family.nam: unknown key 'nam': did you mean 'name'?"
    assert run.messages.startswith(told), run
    run = hmap_cores("--definitions", tmp_path / "none.py", program, core, output=tmp_path / "out2")
    assert run.status == 3 and "none.py': No such file or directory" in run.messages
