"""Problems that all tables of slots have in common: control and flat slots, and Qt's spans."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..block import Cells, Ints, Problem
from .columns import KeySet
from .problems import Told


def iter_unreadable(
    told: Told, prefix: str, slots: Ints, cells: Cells, with_null: bool = True
) -> Iterator[Problem]:
    """Keys and elems that cannot be read, of the cells of those slots (n,); `with_null`: also those
    that are at no address."""
    for name, column in (("key", cells.keys), ("elem", cells.elems)):
        if column.failed is None or column.faults is None:
            continue
        failed = column.failed if with_null else column.failed & (column.faults > 0)
        for at in np.flatnonzero(failed).tolist():
            text = f"{prefix}slot {int(slots[at]):,}: its {name} cannot be read"
            yield from told.problem(f"unreadable {name}", text, int(column.faults[at]), "")


def iter_lost(
    told: Told,
    prefix: str,
    slots: Ints,
    homes: Ints,
    lengths: Ints,
    address: Callable[[int], int],
    invariant: str,
) -> Iterator[Problem]:
    """Entries that no lookup finds: those of which the length (n,) is 0. `homes` (n,): the slots
    where the lookups of their keys begin; `address`: that of what is stored of a slot."""
    for at in np.flatnonzero(lengths == 0).tolist():
        slot = int(slots[at])
        text = (
            f"{prefix}slot {slot:,}: the lookup of its key begins at slot {int(homes[at]):,} and "
            "ends before it"
        )
        yield from told.problem(invariant, text, address(slot), invariant)


def iter_twice(told: Told, keys: KeySet, invariant: str) -> Iterator[Problem]:
    """Keys that are live twice."""
    for first, second in keys.iter_twice():
        text = f"the key at 0x{second:x} is also live at 0x{first:x}"
        yield from told.problem(invariant, text, second, invariant)
