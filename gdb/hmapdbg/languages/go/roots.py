"""Variables without names: what a program without debug info has instead, "bss+0x1c0", and their
types, by the program's code.

Calls of the runtime's map functions are given the map's type, and the map (amd64, with arguments in
registers as from go1.17 on); those of methods, their receiver:

    LEAQ type:map[string]int(SB), AX          LEAQ main.theServer(SB), AX
    MOVQ main.byName(SB), BX                  CALL main.(*server).run(SB)
    CALL runtime.mapassign_faststr(SB)

A map variable counts only if all calls that name it give one type; of what begins at one address,
as a struct and its first field, the largest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...compat import dataclass
from ...target import MemoryFault, Target, Type
from ...target.types import pointer_to
from .declared import MapTypes
from .functions import Functions
from .initialisers import iter_initialised
from .machine_code import CALL_SIZE, MAP, NEAR, TYPE, find_calls, keeps_ax, referred
from .modules import STATIC, modules_of, ranges_of
from .receivers import Receivers

ROOT = re.compile(r"(?P<section>data|bss|noptrdata|noptrbss)\+(?P<offset>0x[0-9a-fA-F]+)")

MAX_CODE = 1 << 30  # bytes of a program
PIECE = 4 << 20  # bytes that are looked at at a time
_RECEIVER = re.compile(rb"\x48[\x8b\x8d]\x05(....)", re.DOTALL)  # LEAQ or MOVQ variable(SB), AX
_LEAQ = 0x8D

Words = NDArray[np.uint64]


def root_name(target: Target, addr: int) -> str:
    """What the variable at an address is called: its section, and how far it lies in that; empty if
    no variable of the executable lies there."""
    for module in modules_of(target)[:1]:
        for first, last in STATIC:
            if module.has(first) and module.has(last):
                if module.word(first) <= addr < module.word(last):
                    return f"{first}+0x{addr - module.word(first):x}"
    return ""


def root_address(target: Target, name: str) -> int | None:
    """Where the variable of that name lies; None: there is none."""
    found = ROOT.fullmatch(name)
    for module in modules_of(target)[:1]:
        if found is not None and module.has(found["section"]):
            addr = module.word(found["section"]) + int(found["offset"], 16)
            return addr if root_name(target, addr) else None
    return None


@dataclass(frozen=True)
class _Call:
    """A call: where the instructions before it begin, and they; what it calls."""

    start: int
    before: bytes
    target: int


class Roots:
    """The variables of a target whose types are known, by their addresses: `found`; and map
    variables of which initialisers tell: `likely`, if the map in them is one of that type."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._functions = target.kept(Functions)
        self._ranges = ranges_of(target, STATIC)
        self._receivers = target.kept(Receivers)
        maps: dict[int, set[int]] = {}
        self.found: dict[int, Type] = {}
        wanted = set(self._functions.map_entries().tolist())
        for call in self._iter_calls():
            if call.target in wanted:
                place = self._map_at(call)
                if place is not None:
                    maps.setdefault(place[0], set()).add(place[1])
            else:
                self._add_receiver(call)
        initialised: dict[int, set[int]] = {}
        for addr, descriptor in iter_initialised(target, self._functions, self._is_variable):
            initialised.setdefault(addr, set()).add(descriptor)
        self.found |= self._typed(maps)
        self.likely = self._typed(initialised)

    def _typed(self, variables: dict[int, set[int]]) -> dict[int, Type]:
        """Those of the map variables that have one type, and none yet."""
        out = {}
        for addr, descriptors in variables.items():
            types = [self._target.kept(MapTypes).of(one) for one in descriptors]
            if len(types) == 1 and types[0] is not None and addr not in self.found:
                out[addr] = types[0]
        return out

    def _map_at(self, call: _Call) -> tuple[int, int] | None:
        """The variable and the type's descriptor that a map function is given."""
        types, maps = list(TYPE.finditer(call.before)), list(MAP.finditer(call.before))
        if not types or not maps:
            return None
        addr = referred(call.start, maps[-1])
        return (addr, referred(call.start, types[-1])) if self._is_variable(addr) else None

    def _add_receiver(self, call: _Call) -> None:
        """Takes the type of the variable, or of what it points to, that a method is given."""
        loads = list(_RECEIVER.finditer(call.before))
        if not loads or not keeps_ax(call.before[loads[-1].end() :]):
            return
        addr = referred(call.start, loads[-1])
        found = self._receivers.of(call.target) if self._is_variable(addr) else None
        if found is None:
            return
        if call.before[loads[-1].start() + 1] != _LEAQ:
            found = pointer_to(found, self._target.pointer_size)
        if addr not in self.found or self.found[addr].size < found.size:
            self.found[addr] = found

    def _is_variable(self, addr: int) -> bool:
        return addr % 8 == 0 and any(low <= addr < high for low, high in self._ranges)

    def _iter_calls(self) -> Iterator[_Call]:
        """The calls before which AX gets the address or the value of something static."""
        entries = self._functions.entries()
        for low, high in ranges_of(self._target, [("text", "etext")]) if len(entries) else ():
            for start in range(low, min(high, low + MAX_CODE), PIECE):
                # A call's instructions may lie across.
                begin = max(start - NEAR, low)
                try:
                    code = self._target.read(begin, min(start + PIECE + CALL_SIZE, high) - begin)
                except MemoryFault:
                    continue
                calls, targets = find_calls(begin, code)
                at = np.searchsorted(entries, targets)
                real = entries[np.minimum(at, len(entries) - 1)] == targets
                calls, targets = calls[real], targets[real]
                ends = np.concatenate([[0], calls[:-1] + CALL_SIZE])
                firsts = np.maximum(ends, calls - NEAR)
                loads = np.array([one.start() for one in _RECEIVER.finditer(code)], np.int64)
                near = np.searchsorted(loads, firsts) < np.searchsorted(loads, calls)
                for row in np.flatnonzero(near).tolist():
                    first = int(firsts[row])
                    before = code[first : int(calls[row])]
                    yield _Call(begin + first, before, int(targets[row]))
