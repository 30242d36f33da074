"""Problems in the numbers of a whole map."""

from __future__ import annotations

from collections.abc import Iterator

from .block import Problem
from .header import Header


def iter_count_problems(header: Header, live: int) -> Iterator[Problem]:
    """I1 or U1: a map's count is the number of its live cells; `live` were found."""
    if live != header.count:
        where = ", while a write is under way" if header.writing else ""
        yield Problem(
            f"count is {header.count:,}, but {live:,} {header.geometry.cell}s were found{where}",
            header.count_at,
            header.count_rule,
        )
