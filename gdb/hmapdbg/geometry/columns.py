"""Columns from rows of raw memory: pointers, what they point to, and equal values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..block import Addresses, Column
from ..target import Target

Raw = NDArray[np.uint8]  # rows of bytes
Mask = NDArray[np.bool_]

LARGE_BOX = 64 << 10  # bytes of one value
BLOCK_BYTES = 4 << 20  # of main buckets, or of long chains, in a Block


def pointer_column(target: Target, raw: Raw, offset: int = 0) -> Addresses:
    """The pointer at `offset` of each row of bytes (n, size)."""
    width = target.pointer_size
    column = np.ascontiguousarray(raw[:, offset : offset + width])
    return column.view(f"{target.order}u{width}").ravel().astype(np.uint64)


def unboxed(target: Target, pointers: Raw, size: int) -> Column:
    """What n pointers (n, pointer size) point to: values of `size` bytes."""
    addrs = pointer_column(target, pointers)
    if size <= LARGE_BOX:
        values, ok = target.gather(addrs, size)
        return Column.read(values, ok, addrs)
    # A garbage size leads out of memory: nothing is read, nor made, for such values.
    there = np.array([target.is_mapped(addr, size) for addr in addrs.tolist()], np.bool_)
    ok = np.zeros(len(addrs), np.bool_)
    values = np.zeros((len(addrs), size), np.uint8)
    if there.any():
        values[there], ok[there] = target.gather(addrs[there], size)
    return Column.read(values, ok, addrs)


def box_targets(target: Target, boxes: Addresses) -> Addresses:
    """The targets of the pointers at those addresses; 0 if a pointer cannot be read."""
    pointers, _ = target.gather(boxes, target.pointer_size)
    return pointer_column(target, pointers)


def byte_hashes(data: Raw) -> NDArray[np.int64]:
    """One number for each row of bytes (n, size), equal for equal bytes."""
    width = data.shape[1]
    if width == 0:
        return np.zeros(len(data), np.int64)
    rows = np.ascontiguousarray(data).view(f"V{width}").ravel()
    return np.fromiter(map(hash, map(bytes, rows.tolist())), np.int64, len(rows))


def iter_runs(which: Mask) -> Iterator[tuple[int, int]]:
    """[low, high) of each run of selected rows.

    >>> list(iter_runs(np.array([True, True, False, True])))
    [(0, 2), (3, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], which, [False]])))
    return zip(edges[::2].tolist(), edges[1::2].tolist())


def iter_chosen(which: Mask, *columns: NDArray[Any]) -> Iterator[tuple[int, ...]]:
    """The selected rows of some columns, as Python integers."""
    return zip(*(column[which].tolist() for column in columns))


# From keys to a number for each, equal for equal keys, and which are known.
Identities = Callable[[Column], tuple[NDArray[np.int64], Mask]]


def identities_by_bytes(keys: Column) -> tuple[NDArray[np.int64], Mask]:
    """Keys that are equal if their bytes are; what could not be read may be of megabytes of
    zeros."""
    known, out = keys.known, np.zeros(len(keys), np.int64)
    out[known] = byte_hashes(keys.data[known])
    return out, known


class KeySet:
    """Keys of all live cells, each as a number that is equal for equal keys, to find duplicates.

    64 bits decide: two different keys with one number are likely only from 2^32 entries on. It
    takes 16 bytes per entry."""

    def __init__(self) -> None:
        self._same: list[NDArray[np.uint64]] = []
        self._slots: list[Addresses] = []

    def add(self, numbers: NDArray[Any], slots: Addresses) -> None:
        """Keys as numbers (n,), and the addresses of their slots."""
        self._same.append(numbers.view(np.uint64))
        self._slots.append(slots)

    def add_bytes(self, keys: Column, slots: Addresses, known: Mask | None = None) -> None:
        """Keys that are equal if their bytes are, of those that could be read or are `known`: what
        could not be read may be of megabytes of zeros."""
        chosen = keys.known if known is None else known
        self.add(byte_hashes(keys.data[chosen]), slots[chosen])

    def iter_twice(self) -> Iterator[tuple[int, int]]:
        """The slots of two equal keys, for each that is not the first of its kind."""
        if not self._same:
            return
        ordered = np.sort(np.concatenate(self._same))
        repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        if not len(repeated):
            return
        chosen = [np.isin(same, repeated) for same in self._same]
        same = np.concatenate([part[which] for part, which in zip(self._same, chosen)])
        slots = np.concatenate([part[which] for part, which in zip(self._slots, chosen)])
        order = np.argsort(same, kind="stable")
        before, after = order[:-1], order[1:]
        equal = same[before] == same[after]
        yield from zip(slots[before[equal]].tolist(), slots[after[equal]].tolist())
