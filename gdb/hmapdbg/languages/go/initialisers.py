"""Map variables that the initialisers of packages make:

    CALL runtime.makemap_small(SB)
    LEAQ type:map[int32]string(SB), AX      for each entry
    CALL runtime.mapassign_fast32(SB)
    MOVQ DX, main.names(SB)

What is stored in a variable after calls of map functions is the map of the last of them, if nothing
but the runtime was called since, and nothing stored: the compiler makes one variable after another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ...target import MemoryFault, Target
from .functions import Functions
from .machine_code import CALL_SIZE, NEAR, STORE, TYPE, find_calls, referred

RUNTIME = rb"(?:runtime|internal/runtime/maps)\.[^\0]*"
INITIALISERS = rb"[^\0]*\.(?:init|map\.init\.\d+)"
MAX_CODE = 1 << 22  # bytes of an initialiser


def iter_initialised(
    target: Target, functions: Functions, is_variable: Callable[[int], bool]
) -> Iterator[tuple[int, int]]:
    """Map variables, and the descriptors of the types that they most likely have."""
    entries = functions.entries()
    maps = set(functions.map_entries().tolist())
    runtime = set(functions.entries_of(RUNTIME).tolist())
    for entry in functions.entries_of(INITIALISERS).tolist():
        function = functions.at(entry)
        if function is None:
            continue
        try:
            code = target.read(entry, min(function.end - entry, MAX_CODE))
        except MemoryFault:
            continue
        places, called = find_calls(entry, code)
        real = np.isin(called, entries)
        calls = dict(zip(places[real].tolist(), called[real].tolist()))
        yield from _iter_stored(entry, code, calls, maps, runtime, is_variable)


def _iter_stored(
    start: int,
    code: bytes,
    calls: dict[int, int],
    maps: set[int],
    runtime: set[int],
    is_variable: Callable[[int], bool],
) -> Iterator[tuple[int, int]]:
    """Those in the code from `start` on. `calls`: what is called, by where in the code."""
    stores = {one.start(): referred(start, one) for one in STORE.finditer(code)}
    descriptor = last = 0
    for at in sorted(stores | calls):
        if at not in calls:
            if descriptor and is_variable(stores[at]):
                yield stores[at], descriptor
                descriptor = 0
            continue
        if calls[at] in maps:
            before = max(last, at - NEAR)
            types = list(TYPE.finditer(code[before:at]))
            descriptor = referred(start + before, types[-1]) if types else 0
        elif calls[at] not in runtime:
            descriptor = 0
        last = at + CALL_SIZE
