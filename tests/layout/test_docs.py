"""docs/layouts.md lists exactly the rows of the matrix."""

from __future__ import annotations

import re

from matrix import ROOT, ROWS
from test_go import GO_ROWS


def test_rows_of_the_matrix_are_listed_with_how_they_were_built() -> None:
    text = (ROOT / "docs" / "layouts.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| ([^|]+?) \| `([^`]+)` \|$", text.split("| row |")[1], re.MULTILINE)
    rows = [(f"{row.name}{' *' if row.gdb_fails else ''}", row.how) for row in ROWS]
    assert listed == [*((name, how.replace("|", "\\|")) for name, how in rows), *GO_ROWS]
