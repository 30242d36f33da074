"""Iterators of range loops, found on the stacks of goroutines.

A map does not know its iterators, but an iterator knows its map: it lies in the frame of the loop,
for a parked goroutine too. The stacks of all goroutines (runtime.allgs) are searched for words that
are the map's address; a word with what looks like an iterator around it is probably one. Nothing is
unwound, and where a goroutine runs, its whole stack is searched, dead frames too.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..compat import dataclass

from ..target import MemoryFault, Target, TargetError
from .go_types import find_value, go_layout, required_field

Words = NDArray[np.uint64]

MAX_GOROUTINES = 20_000
MAX_BYTES = 32 << 20  # of stacks searched
MAX_STACK = 1 << 20  # of one stack: the part next to its innermost frame
MAX_HITS = 10_000

# runtime/runtime2.go: in these states the saved stack pointer is the innermost frame's.
RUNNABLE, SYSCALL, WAITING, PREEMPTED = 1, 3, 4, 9
SCAN_BIT = 0x1000


@dataclass(frozen=True)
class Stacks:
    """The words of all goroutines' stacks, side by side, and where each lies. `cut`: there are
    more."""

    words: Words
    addrs: Words
    cut: bool


_known: weakref.WeakKeyDictionary[Target, Stacks] = weakref.WeakKeyDictionary()


def stacks_of(target: Target) -> Stacks:
    """The stacks of a target's goroutines; read once, for all maps of a command."""
    if target not in _known:
        try:
            _known[target] = _read_stacks(target)
        except (TargetError, MemoryFault):
            _known[target] = Stacks(np.zeros(0, np.uint64), np.zeros(0, np.uint64), False)
    return _known[target]


def find_iterators(
    target: Target, name: str, map_field: str, fields: Sequence[str], address: int
) -> list[dict[str, int]]:
    """Structs of the type `name` on stacks whose field `map_field` is the address of a map: their
    scalar fields by name, those in inner structs as "group.data". Whether they are iterators, the
    caller must judge."""
    found = target.lookup_type(name)
    if found is None or not found.fields or not address:
        return []
    try:
        layout = go_layout(found, [map_field, *fields])
    except TargetError:
        return []
    stacks = stacks_of(target)
    hits = np.flatnonzero(stacks.words == np.uint64(address))[:MAX_HITS]
    starts = stacks.addrs[hits]
    back = np.uint64(layout[map_field].offset)
    rows, ok = target.gather(starts[starts >= back] - back, found.size)
    records = rows[ok].view(layout.dtype(target.order)).ravel()
    names = records.dtype.names or ()
    return [dict(zip(names, map(int, record))) for record in records.tolist()]


def iterator_notes(target: Target, address: int, count: int) -> list[str]:
    """What the reader should know of how iterators were looked for."""
    notes = []
    if count:
        what = "1 probable iterator" if count == 1 else f"{count:,} probable iterators"
        notes.append(f"{what}: that is what it looks like on a goroutine's stack")
    if address and stacks_of(target).cut:
        notes.append("iterators were looked for on a part of the goroutines' stacks only")
    return notes


def _read_stacks(target: Target) -> Stacks:
    width = target.pointer_size
    goroutines, cut = _goroutines(target)
    words: list[Words] = [np.zeros(0, np.uint64)]
    addrs: list[Words] = [np.zeros(0, np.uint64)]
    left = MAX_BYTES
    for low, high in goroutines:
        if high - low > MAX_STACK:
            high, cut = low + MAX_STACK, True
        if high - low > left:
            cut = True
            break
        left -= high - low
        low = -(-low // width) * width
        count = max(high - low, 0) // width
        rows, ok = target.read_rows(low, count, width)
        found = np.ascontiguousarray(rows).view(f"{target.order}u{width}").ravel()
        words.append(np.where(ok, found, 0).astype(np.uint64))
        addrs.append(np.uint64(low) + np.arange(count, dtype=np.uint64) * np.uint64(width))
    return Stacks(np.concatenate(words), np.concatenate(addrs), cut)


def _goroutines(target: Target) -> tuple[list[tuple[int, int]], bool]:
    """The part of each goroutine's stack that is in use, and whether some were left out."""
    allgs = find_value(target, "runtime.allgs")
    if allgs is None or not allgs.data:
        return [], False
    width = target.pointer_size
    array, length = required_field(allgs.type, "array"), required_field(allgs.type, "len")
    first = int.from_bytes(allgs.data[array.offset : array.offset + width], target.byte_order)
    count = int.from_bytes(allgs.data[length.offset : length.offset + width], target.byte_order)
    cut = count > MAX_GOROUTINES
    rows, ok = target.read_rows(first, min(count, MAX_GOROUTINES), width)
    pointers = np.ascontiguousarray(rows[ok]).view(f"{target.order}u{width}").ravel()
    found = target.lookup_type("runtime.g")
    if found is None or not found.fields:
        return [], cut
    atomic = required_field(found, "atomicstatus").type.find("value")
    status = "atomicstatus.value" if atomic else "atomicstatus"
    layout = go_layout(found, ["stack.lo", "stack.hi", "sched.sp", "syscallsp", status])
    raw, ok = target.gather(pointers[pointers != 0].astype(np.uint64), found.size)
    out = []
    for low, high, sp, syscall_sp, state in (
        raw[ok].view(layout.dtype(target.order)).ravel().tolist()
    ):
        state &= ~SCAN_BIT
        if state in (RUNNABLE, WAITING, PREEMPTED):
            start = sp
        else:
            start = syscall_sp if state == SYSCALL else 0
        if 0 < low < high:
            out.append((start if low <= start < high else low, high))
    return out, cut
