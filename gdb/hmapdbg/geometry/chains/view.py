"""Single buckets slot by slot, with all their contents: marks, stale keys, links."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...block import Addresses, Cells, Chain, Column, Link
from ...header import Array
from ...target import MemoryFault, Target
from ..columns import Raw, box_targets, unboxed
from .layout import BucketLayout, Marks


def iter_chains(
    target: Target, layout: BucketLayout, marks: Marks, array: Array, low: int, high: int
) -> Iterator[Chain]:
    """The chains of main buckets [low, high) of an array."""
    for bucket in range(low, high):
        address = array.address + bucket * layout.size
        yield Chain(array.name, bucket, address, _iter_links(target, layout, marks, array, address))


def _iter_links(
    target: Target, layout: BucketLayout, marks: Marks, array: Array, address: int
) -> Iterator[Link]:
    """The buckets of one chain, until it ends, cannot be read, or repeats."""
    met: set[int] = set()
    first_spare = array.address + array.buckets * layout.size
    evacuated: bool | None = None
    while address:
        if address in met:
            yield Link(address, note="the chain returns here: a cycle")
            return
        met.add(address)
        try:
            raw = np.frombuffer(target.read(address, layout.size), np.uint8)
        except MemoryFault:
            yield Link(address, note="cannot be read")
            return
        tophash = raw[layout.tophash : layout.tophash + layout.slots].tolist()
        if evacuated is None:
            evacuated = marks.evacuated_x <= tophash[0] < marks.min_tophash
        spare, rest = divmod(address - first_spare, layout.size)
        width = target.pointer_size
        pointer = raw[layout.overflow : layout.overflow + width].tobytes()
        following = int.from_bytes(pointer, target.byte_order)
        yield Link(
            address,
            tophash=tuple(tophash),
            marks=tuple(marks.name(byte) for byte in tophash),
            live=tuple(byte >= marks.min_tophash and not evacuated for byte in tophash),
            keys=_slots(target, raw, layout, layout.keys, layout.key_slot, layout.key_boxed),
            elems=_slots(target, raw, layout, layout.elems, layout.elem_slot, layout.elem_boxed),
            overflow=following,
            spare=spare if rest == 0 and 0 <= spare < array.spare else None,
        )
        address = following


def _slots(
    target: Target, raw: Raw, layout: BucketLayout, offset: int, size: int, boxed: bool
) -> Column:
    """The values of all slots; empty boxes have none, and are zero."""
    rows = raw[offset : offset + layout.slots * size].reshape(layout.slots, size)
    if not boxed:
        return Column(rows)
    return unboxed(target, rows, layout.key_size if offset == layout.keys else layout.elem_size)


def slot_addresses(
    target: Target, layout: BucketLayout, cells: Cells
) -> tuple[Addresses, Addresses]:
    """Where the key and the elem of each cell are, boxes followed."""
    out = []
    for offset, size, boxed in (
        (layout.keys, layout.key_slot, layout.key_boxed),
        (layout.elems, layout.elem_slot, layout.elem_boxed),
    ):
        addrs = cells.address + (offset + cells.slot * size).astype(np.uint64)
        if boxed:
            addrs = box_targets(target, addrs)
        out.append(addrs)
    return out[0], out[1]
