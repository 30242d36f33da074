"""Where hmap-layout is looked for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hmapdbg.target import program_index


@pytest.mark.parametrize("folder", ["/", "/hmap", "/srv/hmap"])
def test_sources_may_lie_near_the_root(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = Path(folder, "gdb/hmapdbg/target/program_index.py")
    monkeypatch.setattr(program_index, "__file__", str(module))
    monkeypatch.setattr(shutil, "which", lambda _: "in PATH")
    assert program_index.find_tool() in ("in PATH", "/bin/hmap-layout")


def test_the_tool_installed_beside_the_commands_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "share/hmap/gdb/hmapdbg/target/program_index.py"
    monkeypatch.setattr(program_index, "__file__", str(module))
    tool = tmp_path / "bin" / program_index.TOOL
    tool.parent.mkdir()
    tool.touch(mode=0o755)
    assert program_index.find_tool() == str(tool)
