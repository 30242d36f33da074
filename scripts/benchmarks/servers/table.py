"""Tables of text: numbers to the right, words to the left."""

from __future__ import annotations

from collections.abc import Sequence


def render(rows: Sequence[Sequence[str]], words: Sequence[int]) -> str:
    """Rows with columns in line; the columns with the numbers in `words` begin at the left."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = (
            cell.ljust(width) if column in words else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        )
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)
