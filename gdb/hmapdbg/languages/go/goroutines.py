"""Goroutines and their stacks (runtime.allgs).

Of a parked goroutine the stack is in use from the saved stack pointer on. Of one that runs all of
the stack is taken, dead frames too.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from ...compat import dataclass
from ...target import MemoryFault, Target, TargetError
from .structs import go_layout, required_field
from .symbols import find_value

Words = NDArray[np.uint64]

MAX_GOROUTINES = 20_000
MAX_BYTES = 32 << 20  # of stacks
MAX_STACK = 1 << 20  # of one stack: the part at its innermost frame

# runtime/runtime2.go: in these states the saved stack pointer is the innermost frame's.
RUNNABLE, SYSCALL, WAITING, PREEMPTED = 1, 3, 4, 9
SCAN_BIT = 0x1000


@dataclass(frozen=True, slots=True)
class Goroutine:
    """A goroutine that has a stack, and the part of it that is in use."""

    number: int  # as tracebacks have it
    low: int  # the innermost frame's end
    high: int
    pc: int  # where it goes on; 0: not known
    sp: int  # the stack pointer there


@dataclass(frozen=True)
class Stacks:
    """The words of all goroutines' stacks, concatenated, and their addresses. `cut`: there are
    more."""

    words: Words
    addrs: Words
    cut: bool

    @functools.cached_property
    def _order(self) -> NDArray[np.int64]:
        return np.argsort(self.words, kind="stable")

    @functools.cached_property
    def _sorted(self) -> Words:
        return self.words[self._order]

    def places_of(self, word: int) -> Words:
        """The addresses of the words that are equal to this one, in order."""
        low = int(np.searchsorted(self._sorted, np.uint64(word), "left"))
        high = int(np.searchsorted(self._sorted, np.uint64(word), "right"))
        found: Words = self.addrs[self._order[low:high]]
        return found


class _Goroutines:
    """What is read once for a target."""

    def __init__(self, target: Target) -> None:
        self.cut = False
        self.all: list[Goroutine] = []
        try:
            self.all, self.cut = _read_goroutines(target)
        except (TargetError, MemoryFault):
            pass


def goroutines_of(target: Target) -> list[Goroutine]:
    """The goroutines of a target that have a stack, in the order of the runtime's; the first
    MAX_GOROUTINES."""
    return target.kept(_Goroutines).all


def stacks_of(target: Target) -> Stacks:
    """The stacks of a target's goroutines; read once."""
    return target.kept(_read_stacks)


def _read_stacks(target: Target) -> Stacks:
    width = target.pointer_size
    goroutines, cut = goroutines_of(target), target.kept(_Goroutines).cut
    words: list[Words] = [np.zeros(0, np.uint64)]
    addrs: list[Words] = [np.zeros(0, np.uint64)]
    left = MAX_BYTES
    for one in goroutines:
        low, high = one.low, one.high
        if high - low > MAX_STACK:
            high, cut = low + MAX_STACK, True
        if high - low > left:
            cut = True
            break
        left -= high - low
        low = -(-low // width) * width
        count = max(high - low, 0) // width
        rows, ok = target.read_rows(low, count, width)
        words.append(np.where(ok, target.pointer_column(rows), np.uint64(0)))
        addrs.append(np.uint64(low) + np.arange(count, dtype=np.uint64) * np.uint64(width))
    return Stacks(np.concatenate(words), np.concatenate(addrs), cut)


def _read_goroutines(target: Target) -> tuple[list[Goroutine], bool]:
    """The goroutines that have a stack, and whether some were left out."""
    allgs = find_value(target, "runtime.allgs")
    if allgs is None or not allgs.data:
        return [], False
    width = target.pointer_size
    array, length = required_field(allgs.type, "array"), required_field(allgs.type, "len")
    first = int.from_bytes(allgs.data[array.offset : array.offset + width], target.byte_order)
    count = int.from_bytes(allgs.data[length.offset : length.offset + width], target.byte_order)
    cut = count > MAX_GOROUTINES
    rows, ok = target.read_rows(first, min(count, MAX_GOROUTINES), width)
    pointers = target.pointer_column(rows[ok])
    found = target.lookup_type("runtime.g")
    if found is None or not found.fields:
        return [], cut
    atomic = required_field(found, "atomicstatus").type.find("value")
    status = "atomicstatus.value" if atomic else "atomicstatus"
    names = "stack.lo stack.hi sched.sp sched.pc syscallsp syscallpc goid".split()
    layout = go_layout(found, [*names, status])
    raw, ok = target.gather(pointers[pointers != 0], found.size)
    running = target.innermost_places()
    out = []
    for row in raw[ok].view(layout.dtype(target.order)).ravel():
        one = dict(zip(layout.dtype(target.order).names or (), map(int, row)))
        low, high = one["stack.lo"], one["stack.hi"]
        state = one[status] & ~SCAN_BIT
        pc = start = 0
        if state in (RUNNABLE, WAITING, PREEMPTED):
            pc, start = one["sched.pc"], one["sched.sp"]
        elif state == SYSCALL:
            pc, start = one["syscallpc"], one["syscallsp"]
        if not 0 < low < high:
            continue
        if low <= start < high:
            out.append(Goroutine(one["goid"], start, high, pc, start))
            continue
        here = next((place for place in running if low <= place[1] < high), None)
        if here is None:  # its thread is in the scheduler, on another stack
            here = (one["sched.pc"], one["sched.sp"]) if low <= one["sched.sp"] < high else (0, 0)
        out.append(Goroutine(one["goid"], low, high, *here))
    return out, cut
