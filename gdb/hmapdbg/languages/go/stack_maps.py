"""Maps that lie in the frames of functions, by the functions' code.

A map that does not leave its function lies in the function's frame, and the compiler keeps neither
its name nor, often, its type in debug info. The code has both: each call of the runtime's map
functions is given the map's type and where the map is (amd64, with arguments in registers as from
go1.17 on):

    LEAQ type:map[int]int(SB), AX
    LEAQ 0xe0(SP), BX
    CALL runtime.mapassign_fast64(SB)

Bytes that only look like that are told by what they lead to: the call's target has to be one of
those functions, and the type a map's.
"""

from __future__ import annotations

import re

from ...compat import dataclass
from ...target import MemoryFault, Target
from .abi import GoKind
from .descriptors import Descriptors, NoDescriptor
from .functions import MAP_FUNCTIONS, Function, Functions
from .machine_code import CALL_SIZE, TYPE, referred

MAX_CODE = 1 << 20  # bytes of a function
NEAR = 64  # bytes between the first of the instructions and the call

_CALL = re.compile(rb"\xe8", re.DOTALL)
# LEAQ offset(SP), BX
_MAP = re.compile(rb"\x48\x8d\x9c\x24(....)|\x48\x8d\x5c\x24(.)", re.DOTALL)
# LEAQ offset(SP), any register: the first one is where the map is made.
_ANY = re.compile(
    rb"[\x48\x4c]\x8d(?:[\x84\x8c\x94\x9c\xac\xb4\xbc]\x24(....)"
    rb"|[\x44\x4c\x54\x5c\x6c\x74\x7c]\x24(.))",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class StackMap:
    """A place in a function's frame where a map may lie."""

    offset: int  # from the stack pointer
    type: int  # the map type's descriptor
    made_at: int  # the first instruction that is about it


class StackMaps:
    """The maps in the frames of a target's functions."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._functions = target.kept(Functions)
        self._descriptors = target.kept(Descriptors)
        self._known: dict[int, tuple[StackMap, ...]] = {}

    def of(self, function: Function) -> tuple[StackMap, ...]:
        """Those of a function; several at one place, where maps that are not there at the same time
        share it."""
        if function.entry not in self._known:
            try:
                self._known[function.entry] = tuple(self._find(function))
            except MemoryFault:
                self._known[function.entry] = ()
        return self._known[function.entry]

    def _find(self, function: Function) -> list[StackMap]:
        if function.step != 1 or function.end - function.entry > MAX_CODE:
            return []
        code = self._target.read(function.entry, function.end - function.entry)
        found: dict[tuple[int, int], None] = {}
        last = 0
        for match in _CALL.finditer(code):
            at = match.start()
            name = self._called(function.entry, code, at)
            if name is None:
                continue
            if name.startswith(MAP_FUNCTIONS):
                before = code[max(last, at - NEAR) : at]
                place = self._arguments(function.entry + at - len(before), before)
                if place is not None:
                    found[place] = None
            last = at + CALL_SIZE
        first = _first_uses(code)
        return [
            StackMap(offset, descriptor, function.entry + first.get(offset, 0))
            for offset, descriptor in found
        ]

    def _called(self, start: int, code: bytes, at: int) -> str | None:
        """The function that is called by the instruction at a place; None: it is no call."""
        if at + CALL_SIZE > len(code):
            return None
        end = at + CALL_SIZE
        target = start + end + int.from_bytes(code[at + 1 : end], "little", signed=True)
        called = self._functions.at(target)
        return called.name if called is not None and called.entry == target else None

    def _arguments(self, start: int, code: bytes) -> tuple[int, int] | None:
        """Where the map is, and its type, as the instructions before a call say."""
        types, maps = list(TYPE.finditer(code)), list(_MAP.finditer(code))
        if not types or not maps:
            return None
        descriptor = referred(start, types[-1])
        try:
            if self._descriptors.at(descriptor).kind is not GoKind.MAP:
                return None
        except NoDescriptor:
            return None
        return _displacement(maps[-1]), descriptor


def _first_uses(code: bytes) -> dict[int, int]:
    """Where in a function's code the address of each place in its frame is taken first."""
    out: dict[int, int] = {}
    for match in _ANY.finditer(code):
        out.setdefault(_displacement(match), match.start())
    return out


def _displacement(match: re.Match[bytes]) -> int:
    wide, narrow = match.group(1), match.group(2)
    return int.from_bytes(wide if wide is not None else narrow, "little", signed=True)
