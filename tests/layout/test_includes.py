"""hmap-layout: each file has its own header, and includes form no cycle."""

from __future__ import annotations

import re
from graphlib import TopologicalSorter
from pathlib import Path

from matrix import ROOT

LAYOUT = ROOT / "libhmap/layout"


def included(path: Path) -> set[str]:
    names = re.findall(r'^#include "([\w/]+)\.h"$', path.read_text(encoding="utf-8"), re.MULTILINE)
    return {name for name in names if "/" not in name}


def test_each_file_has_its_own_header_and_none_is_in_a_circle() -> None:
    files: dict[str, set[str]] = {}
    for path in sorted(LAYOUT.glob("*.[ch]")):
        files.setdefault(path.stem, set()).update(included(path) - {path.stem})
    assert len(files) > 20
    sources = {path.stem for path in LAYOUT.glob("*.c")}
    assert sources - {path.stem for path in LAYOUT.glob("*.h")} == {"main"}
    assert all(name in included(LAYOUT / f"{name}.c") for name in sources - {"main"})
    # static_order() raises CycleError, which names the cycle.
    *_, top = TopologicalSorter(files).static_order()
    assert top == "main"
