"""Which words of a function's frame hold pointers that are still used (runtime/stkframe.go
getStackMap).

For each call in a function the compiler notes which words of its frame the collector has to follow
then. Debug info says where a variable lies, but neither whether it has been set by then nor whether
its place already holds something else.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...compat import dataclass
from ...target import Kind, MemoryFault, Target, Type
from .frames import Frame
from .functions import Functions

MAX_BITS = 1 << 20  # words of a frame
MAX_DEPTH = 20  # of nested structs
MAX_ELEMENTS = 64  # of an array that are looked at
STACK_MAP_INDEX = 1  # internal/abi/symtab.go PCDATA_StackMapIndex
ARGUMENTS, LOCALS = 0, 1  # FUNCDATA_ArgsPointerMaps, FUNCDATA_LocalsPointerMaps


@dataclass(frozen=True, slots=True)
class _Words:
    """A part of a frame: where it begins, counted from the stack pointer, and a bit for each
    word."""

    start: int
    count: int
    bits: bytes

    def at(self, offset: int, width: int) -> bool | None:
        """The bit of the word at an offset; None: it is not in this part."""
        number = (offset - self.start) // width
        if not 0 <= number < self.count:
            return None
        return bool(self.bits[number // 8] >> number % 8 & 1)


class LiveWords:
    """The live words of a target's frames, by where the functions are."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._functions = target.kept(Functions)
        self._known: dict[int, tuple[_Words, ...]] = {}

    def may_be_live(self, frame: Frame, offset: int, found: Type) -> bool:
        """Whether a variable at an offset from the frame's stack pointer has any pointer that is
        used, as far as is known."""
        parts, width = self._parts_of(frame), self._target.pointer_size
        met = False
        for place in _pointers_in(found, offset, 0):
            told = [part.at(place, width) for part in parts]
            if any(told) or all(one is None for one in told):
                return True
            met = True
        return not met

    def may_hold(self, frame: Frame, offset: int) -> bool:
        """Whether the word at an offset from the frame's stack pointer is a pointer that is used,
        as far as is known. A frame also has words that nothing follows, left from other calls."""
        parts = self._parts_of(frame)
        return not parts or any(part.at(offset, self._target.pointer_size) for part in parts)

    def holds(self, frame: Frame, offset: int) -> bool:
        """Whether that word is known to be a pointer that is used."""
        return any(part.at(offset, self._target.pointer_size) for part in self._parts_of(frame))

    def _parts_of(self, frame: Frame) -> tuple[_Words, ...]:
        """The words that are known of a frame; empty: nothing is."""
        if not frame.is_called_from or frame.function.saves_link:
            return ()
        if frame.call_pc not in self._known:
            try:
                self._known[frame.call_pc] = tuple(self._iter_parts(frame))
            except MemoryFault:
                self._known[frame.call_pc] = ()
        return self._known[frame.call_pc]

    def _iter_parts(self, frame: Frame) -> Iterator[_Words]:
        width = self._target.pointer_size
        room = frame.caller_sp - frame.sp
        index = self._functions.value_at(frame.function, STACK_MAP_INDEX, frame.call_pc)
        if index is None:
            return
        for which in (ARGUMENTS, LOCALS):
            table = self._functions.data_of(frame.function, which)
            if not table:
                continue
            count, bits = (self._target.read_uint(table + at, 4) for at in (0, 4))
            if bits > MAX_BITS or not 0 <= max(index, 0) < count:
                continue
            size = -(-bits // 8)
            data = self._target.read(table + 8 + max(index, 0) * size, size)
            # Below the address to return to lies the caller's frame pointer, if there is a frame.
            top = room - width - (width if room > width else 0)
            yield _Words(room if which == ARGUMENTS else top - bits * width, bits, data)


def _pointers_in(found: Type, offset: int, depth: int) -> Iterator[int]:
    """Where in a value of a type pointers lie."""
    if found.kind is Kind.POINTER:
        yield offset
    elif found.kind is Kind.ARRAY and depth < MAX_DEPTH:
        for number in range(min(found.count, MAX_ELEMENTS)):
            yield from _pointers_in(found.target, offset + number * found.target.size, depth + 1)
    elif found.kind in (Kind.STRUCT, Kind.UNION) and depth < MAX_DEPTH:
        for member in found.fields:
            yield from _pointers_in(member.type, offset + member.offset, depth + 1)
