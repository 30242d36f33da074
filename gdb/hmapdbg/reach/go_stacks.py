"""Maps in the frames of goroutines that have no name in debug info, by the code of the functions.

    goroutine 18 worker: main.go:11       goroutine 18 worker: sp+0xe0

They are named by the line that makes them; where several are made in one line, or none is known, by
their place, counted from the stack pointer of the function's frame as Go's assembly has it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from ..languages.go import (
    GoroutineCall,
    Heap,
    MapTypes,
    StackMap,
    StackMaps,
    calls_of,
    goroutines_of,
)
from ..target import Target, TargetError, Value
from .go_sound import is_sound, map_at

PLACE = re.compile(r"(?P<offset>sp\+0x[0-9a-f]+)|(?P<line>[\w.~-]+\.go:\d+)")
_LINE = re.compile(r" at (?:.*/)?([\w.~-]+\.go:\d+)\Z")


def iter_stack_maps(target: Target, heap: Heap | None) -> Iterator[tuple[Value, str, str]]:
    """The maps in frames: a pointer to each, its path, and where in the program it is made. Those
    that are not made yet are left out."""
    for one in goroutines_of(target):
        for call in calls_of(target, one):
            for offset, name in _names(target, call).items():
                found = _map_in(target, heap, call, offset)
                if found is not None:
                    value, place = found
                    path = f"{call.prefix}{name}"
                    made_at = target.describe_address(place.made_at) or call.function
                    yield replace(value, expression=path), path, made_at


def resolve_place(target: Target, call: GoroutineCall, text: str) -> Value:
    """The pointer to the map at a place in a frame, "main.go:11" or "sp+0xe0". TargetError."""
    offsets = [
        offset
        for offset, name in _names(target, call).items()
        if text in (name, f"sp+0x{offset:x}")
    ]
    found = _map_in(target, None, call, offsets[0]) if offsets else None
    if found is None:
        raise TargetError(
            f"no map is at '{text}' in the frame of '{call.label}' of goroutine "
            f"{call.frame.goroutine}: 'hmap-list' shows those that there are"
        )
    return found[0]


def _names(target: Target, call: GoroutineCall) -> dict[int, str]:
    """The places in a call's frame where its code has maps, and how paths name each."""
    lines: dict[int, str] = {}
    for place in _places(target, call):
        found = _LINE.search(target.describe_address(place.made_at) or "")
        lines.setdefault(place.offset, found.group(1) if found is not None else "")
    count = Counter(lines.values())
    return {
        offset: line if line and count[line] == 1 else f"sp+0x{offset:x}"
        for offset, line in sorted(lines.items())
    }


def _places(target: Target, call: GoroutineCall) -> list[StackMap]:
    """The places in a call's frame where its code has maps."""
    if not call.is_whole:
        return []
    room = call.frame.caller_sp - call.frame.sp
    found = target.kept(StackMaps).of(call.frame.function)
    return [one for one in found if 0 <= one.offset < room]


def _map_in(
    target: Target, heap: Heap | None, call: GoroutineCall, offset: int
) -> tuple[Value, StackMap] | None:
    """The map at a place of a frame, where one of the types that its code has for it makes sense,
    and no other does."""
    fitting: dict[str, tuple[Value, StackMap]] = {}
    for place in _places(target, call):
        found = target.kept(MapTypes).of(place.type) if place.offset == offset else None
        if found is None:
            continue
        value = map_at(target, f"sp+0x{offset:x}", found, call.frame.sp + offset)
        if is_sound(target, heap, value):
            fitting[found.name] = value, place
    return next(iter(fitting.values())) if len(fitting) == 1 else None
