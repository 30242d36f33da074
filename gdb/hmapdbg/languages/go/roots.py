"""Variables without names: what a program without debug info has instead, "bss+0x1c0", and the
types of those that are maps, by the program's code.

Each call of the runtime's map functions is given the map's type, and the map (amd64, with arguments
in registers as from go1.17 on):

    LEAQ type:map[string]int(SB), AX
    MOVQ main.byName(SB), BX
    CALL runtime.mapassign_faststr(SB)

A variable counts only if all calls that name it give one type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...target import MemoryFault, Target, Type
from .functions import Functions
from .map_types import MapTypes
from .modules import STATIC, modules_of, ranges_of
from .stack_maps import CALLED

ROOT = re.compile(r"(?P<section>data|bss|noptrdata|noptrbss)\+(?P<offset>0x[0-9a-fA-F]+)")

MAX_CODE = 1 << 30  # bytes of a program
PIECE = 4 << 20  # bytes that are looked at at a time
NEAR = 40  # bytes between the first of the instructions and the call
_CALL = 0xE8
_TYPE = re.compile(rb"\x48\x8d\x05(....)", re.DOTALL)  # LEAQ type(SB), AX
_MAP = re.compile(rb"\x48\x8b\x1d(....)", re.DOTALL)  # MOVQ variable(SB), BX

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


class RootMaps:
    """The variables of a target that are maps, by their addresses, and the map type of each."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._functions = target.kept(Functions)
        self._types = target.kept(MapTypes)
        self._ranges = ranges_of(target, STATIC)
        votes: dict[int, set[int]] = {}
        for addr, descriptor in self._iter_calls():
            votes.setdefault(addr, set()).add(descriptor)
        self.found: dict[int, Type] = {}
        for addr, descriptors in sorted(votes.items()):
            types = [self._types.of(one) for one in descriptors]
            if len(types) == 1 and types[0] is not None:
                self.found[addr] = types[0]

    def _iter_calls(self) -> Iterator[tuple[int, int]]:
        """The variable and the type's descriptor of each call that has both."""
        entries, wanted = self._functions.entries(), self._functions.entries_of(CALLED)
        if not len(wanted):
            return
        for low, high in ranges_of(self._target, [("text", "etext")]):
            for start in range(low, min(high, low + MAX_CODE), PIECE):
                # A call's instructions may lie across.
                begin = max(start - NEAR, low)
                try:
                    code = self._target.read(begin, min(start + PIECE + 5, high) - begin)
                except MemoryFault:
                    continue
                calls, targets = _calls(begin, code)
                at = np.searchsorted(entries, targets)
                real = entries[np.minimum(at, len(entries) - 1)] == targets
                calls, targets = calls[real], targets[real]
                last = np.concatenate([[0], calls[:-1] + 5])
                for row in np.flatnonzero(np.isin(targets, wanted)).tolist():
                    place = int(calls[row])
                    first = max(int(last[row]), place - NEAR)
                    found = self._arguments(begin + first, code[first:place])
                    if found is not None:
                        yield found

    def _arguments(self, start: int, code: bytes) -> tuple[int, int] | None:
        """The variable and the type's descriptor, as the instructions before a call say."""
        types, maps = list(_TYPE.finditer(code)), list(_MAP.finditer(code))
        if not types or not maps:
            return None
        descriptor, addr = (
            start + one.end() + int.from_bytes(one.group(1), "little", signed=True)
            for one in (types[-1], maps[-1])
        )
        if addr % 8 or not any(low <= addr < high for low, high in self._ranges):
            return None
        return addr, descriptor


def _calls(start: int, code: bytes) -> tuple[NDArray[np.int64], Words]:
    """Where code that begins at `start` may have calls, counted from there, and what they call."""
    data = np.frombuffer(code, np.uint8)
    places = np.flatnonzero(data[:-4] == _CALL) if len(data) > 4 else np.zeros(0, np.int64)
    parts = data[places[:, None] + np.arange(1, 5)].astype(np.uint32)
    far = (parts << np.array([0, 8, 16, 24], np.uint32)).sum(1, dtype=np.uint32).view(np.int32)
    return places, (start + 5 + places + far.astype(np.int64)).astype(np.uint64)
