"""Keys that are live twice: by their bytes, of those that could be read."""

from __future__ import annotations

import numpy as np

from hmapdbg.block import Column
from hmapdbg.geometry.columns import KeySet

SLOTS = np.array([0x10, 0x20, 0x30, 0x40], np.uint64)


def test_equal_bytes_are_one_key() -> None:
    keys = KeySet()
    keys.add_bytes(Column(np.array([[1, 2], [3, 4], [1, 2], [5, 6]], np.uint8)), SLOTS)
    assert list(keys.iter_twice()) == [(0x10, 0x30)]


def test_keys_that_cannot_be_read_are_not_equal() -> None:
    data = np.array([[0, 0], [3, 4], [0, 0], [3, 4]], np.uint8)
    ok = np.array([False, True, False, True])
    keys = KeySet()
    keys.add_bytes(Column.read(data, ok, SLOTS), SLOTS)
    assert list(keys.iter_twice()) == [(0x20, 0x40)]
