"""Offsets in a group of slots, and what its control bytes mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import Buckets
from ...compat import dataclass
from ...header import Array
from ...target import Target
from ..columns import Mask, Raw


@dataclass(frozen=True)
class GroupLayout:
    """Bytes. `step`: from one slot's key, or elem, to the next; a boxed slot holds a pointer to its
    value. The control bytes are one word of `slots` bytes, of which byte i, from the least
    significant, belongs to slot i."""

    size: int
    ctrl: int
    keys: int
    key_step: int
    key_slot: int
    elems: int
    elem_step: int
    elem_slot: int
    key_size: int
    elem_size: int
    key_boxed: bool
    elem_boxed: bool
    slots: int = 8

    @property
    def unboxed_size(self) -> int:
        """Bytes that a group can take, including its boxes."""
        boxes = self.key_size * self.key_boxed + self.elem_size * self.elem_boxed
        return self.size + self.slots * boxes

    @property
    def box_size(self) -> int:
        """Bytes held per entry outside the groups."""
        return self.key_size * self.key_boxed + self.elem_size * self.elem_boxed

    @property
    def parts(self) -> tuple[tuple[str, int, int, int, int, bool], ...]:
        """Key and elem: name, offset, step, size in the slot, real size, and whether boxed."""
        return (
            ("key", self.keys, self.key_step, self.key_slot, self.key_size, self.key_boxed),
            ("elem", self.elems, self.elem_step, self.elem_slot, self.elem_size, self.elem_boxed),
        )

    def control_bytes(self, target: Target, raw: Raw) -> Raw:
        """The control bytes (n, slots) of groups in the order of their slots."""
        ctrl = raw[:, self.ctrl : self.ctrl + self.slots]
        return ctrl if target.byte_order == "little" else ctrl[:, ::-1]

    def control_at(self, target: Target, group: int, slot: int) -> int:
        """The address of a slot's control byte, in the group at that address."""
        place = slot if target.byte_order == "little" else self.slots - 1 - slot
        return group + self.ctrl + place

    def slots_of(self, raw: Raw, offset: int, step: int, size: int) -> NDArray[Any]:
        """The slots (n, slots, size) of n groups, one every `step` bytes from `offset` on; a
        view."""
        if size == 0:
            return np.zeros((len(raw), self.slots, 0), np.uint8)
        windows = np.lib.stride_tricks.sliding_window_view(raw, size, axis=1)
        step = max(step, 1)
        return windows[:, offset : offset + self.slots * step : step][:, : self.slots]


@dataclass(frozen=True)
class Seen:
    """The groups of one table, as they were read."""

    number: int  # index of the array in the header
    array: Array
    rows: Buckets  # of all groups, also unreadable ones
    ok: Mask  # (n,) which were read
    ctrl: Raw  # (n, slots) control bytes
    raw: Raw  # (n, size)
