"""What families over geometry.control say of their tables in a Header."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..block import Problem
from ..geometry.control.layout import Table
from ..header import Table as Counted


def iter_counted(tables: Iterable[tuple[Table, int]]) -> Iterator[Counted]:
    """The fields of tables, each with the address of its control bytes."""
    for number, (table, address) in enumerate(tables):
        yield Counted(
            index=number,
            address=address,
            used=table.items,
            capacity=table.slots,
            growth_left=table.growth_left,
            local_depth=0,
            tombstones=max(table.limit - table.items - table.growth_left, 0),
        )


def iter_limits(tables: Iterable[Table]) -> Iterator[Problem]:
    """R2: no more entries, and room for more, than a table takes."""
    for table in tables:
        if table.items + table.growth_left > table.limit:
            text = (
                f"{table.items:,} entries, and room for {table.growth_left:,} more, in a table "
                f"that takes {table.limit:,}"
            )
            yield Problem(text, table.items_at, "R2")
