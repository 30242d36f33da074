"""Problems that the numbers of a whole map show."""

from __future__ import annotations

from collections.abc import Iterator

from .block import Header, Problem


def iter_count_problems(header: Header, live: int) -> Iterator[Problem]:
    """I1, or U1: a map's count is the number of its live cells, `live` of which were found."""
    if live != header.count:
        where = ", while a write is under way" if header.writing else ""
        cells = "nodes" if header.chained else "live cells"
        yield Problem(
            f"count is {header.count:,}, but {live:,} {cells} were found{where}",
            header.count_at,
            header.count_rule,
        )
