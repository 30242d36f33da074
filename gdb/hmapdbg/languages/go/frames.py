"""The frames of goroutines, the innermost first.

As the runtime does it (runtime/traceback.go): a frame's size is looked up in the tables of its
function, and above it lies the address to return to. Nothing is asked of the debugger, and no
register is touched. A parked goroutine has left its stack pointer and the address to go on at; of
one that runs, those of its thread are taken.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator

from ...compat import dataclass
from ...target import MemoryFault, Target
from .functions import Function, Functions
from .goroutines import Goroutine, goroutines_of

MAX_FRAMES = 250  # of one goroutine, the innermost ones
# Entered by a signal, so that the address in the frame above is no call's.
INTERRUPTED = ("runtime.asyncPreempt", "runtime.sigpanic")
OUTERMOST = ("runtime.goexit", "runtime.mstart", "runtime.rt0_go", "runtime.morestack")


@dataclass(frozen=True, slots=True)
class Frame:
    """A function's frame on a goroutine's stack."""

    goroutine: int
    function: Function
    pc: int  # where it goes on
    sp: int  # the stack pointer there
    caller_sp: int  # and when the function has returned
    is_called_from: bool  # it has called another: the instruction before `pc` is a call

    @property
    def call_pc(self) -> int:
        """An address in the instruction at which it is."""
        return self.pc - 1 if self.is_called_from else self.pc


def frames_of(target: Target, one: Goroutine) -> Iterator[Frame]:
    """The frames of a goroutine, as far as they can be told."""
    functions = target.kept(Functions)
    pc, sp, is_called_from = one.pc, one.sp, False
    for _ in range(MAX_FRAMES):
        if not one.low <= sp < one.high or not pc:
            return
        at = pc - 1 if is_called_from else pc
        function, size = functions.at(at), functions.frame_size(at)
        if function is None or size is None or size < 0:
            return
        width = target.pointer_size
        # On processors with a link register it is saved at the low end of the frame.
        caller_sp = sp + size + (0 if function.saves_link else width)
        if caller_sp > one.high or (function.saves_link and size == 0):
            return
        yield Frame(one.number, function, pc, sp, caller_sp, is_called_from)
        if function.name in OUTERMOST:
            return
        try:
            pc = target.read_uint(sp if function.saves_link else caller_sp - width)
        except MemoryFault:
            return
        sp, is_called_from = caller_sp, function.name not in INTERRUPTED


def iter_frames(target: Target) -> Iterator[Frame]:
    """The frames of all goroutines."""
    for one in goroutines_of(target):
        yield from frames_of(target, one)


class FramePlaces:
    """The frames of all goroutines by their places on the stacks. Kept for a target."""

    def __init__(self, target: Target) -> None:
        self._frames = sorted(iter_frames(target), key=lambda one: one.sp)
        self._starts = [one.sp for one in self._frames]

    def all(self) -> list[Frame]:
        """All of them, by their places."""
        return self._frames

    def at(self, addr: int) -> Frame | None:
        """The frame that an address is in; None: it is in none."""
        number = bisect.bisect_right(self._starts, addr) - 1
        if number < 0 or addr >= self._frames[number].caller_sp:
            return None
        return self._frames[number]


def short_name(function: str) -> str:
    """A function's name without its package, and without what a generic one was made for.

    >>> short_name("example.com/a.b/server.(*client).readLoop"), short_name("main.f[go.shape.int]")
    ('(*client).readLoop', 'f[...]')
    """
    begin = function.find("[")
    end = function.rfind("]")
    if 0 <= begin < end:
        function = f"{function[:begin]}[...]{function[end + 1:]}"
    head = re.match(r"(?:[^\[(]*/)?[^\[(/.]*\.", function)
    return function[head.end() :] if head is not None else function
