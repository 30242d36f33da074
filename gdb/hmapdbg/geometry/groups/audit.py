"""What only a full check verifies in groups:

    S11  the slot of a boxed key or elem holds a pointer if it is full, nil if it is not
    S12  no key is live twice (for key types where equal bytes are equal keys)
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...block import Block, Problem
from ..columns import KeySet, pointer_column
from ..control_bytes import FULL
from .layout import Seen
from .walk import GroupWalk


class GroupAudit:
    """Takes what a walk yields, in order. `compare_keys`: whether keys with equal bytes are
    equal."""

    def __init__(self, walk: GroupWalk, compare_keys: bool) -> None:
        self.walk = walk
        self.keys = KeySet() if compare_keys else None

    def check_groups(self, seen: Seen) -> Iterator[Problem]:
        """S11 of the groups that were read."""
        layout, target = self.walk.layout, self.walk.target
        full = seen.ctrl < FULL
        for name, offset, step, size, _, boxed in layout.parts:
            if not boxed:
                continue
            slots = layout.slots_of(seen.raw, offset, step, size).reshape(-1, size)
            there = (pointer_column(target, slots) != 0).reshape(full.shape)
            for group, slot in np.argwhere((there != full) & seen.ok[:, None]).tolist():
                is_full = full[group, slot]
                state, value = ("full", "nil") if is_full else ("not full", "not nil")
                where = self._where(seen.array.name, int(seen.rows.bucket[group]), slot)
                yield from self.walk.told.problem(
                    f"S11 {name}",
                    f"{where}: {state}, but the pointer of its {name} is {value}",
                    int(seen.rows.address[group]) + offset + slot * step,
                    "S11",
                )

    def check_cells(self, block: Block) -> Iterator[Problem]:
        """Boxes that cannot be read."""
        cells = block.cells
        if cells is None or not len(cells):
            return
        for name, column in (("key", cells.keys), ("elem", cells.elems)):
            if column.faults is None:
                continue
            for at in np.flatnonzero(column.faults).tolist():
                array = block.array if cells.arrays is None else str(cells.arrays[at])
                where = self._where(array, int(cells.bucket[at]), int(cells.slot[at]))
                text = f"{where}: its {name} cannot be read"
                yield from self.walk.told.problem(
                    f"unreadable {name}", text, int(column.faults[at]), ""
                )
        if self.keys is not None:
            self.keys.add_bytes(cells.keys, self.walk.key_slots(cells))

    def finish(self) -> Iterator[Problem]:
        """S12, after all cells."""
        if self.keys is None:
            return
        for first, second in self.keys.iter_twice():
            text = f"the key at 0x{second:x} is also live at 0x{first:x}"
            yield from self.walk.told.problem("S12", text, second, "S12")

    def _where(self, array: str, group: int, slot: int) -> str:
        found = next(one for one in self.walk.arrays if one.name == array)
        return f"{found.prefix}group {group:,} slot {slot}"
