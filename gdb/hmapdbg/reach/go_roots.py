"""Maps in variables without names, of Go programs without debug info.

    bss+0x1c0
"""

from __future__ import annotations

from collections.abc import Iterator

from ..languages.go import ROOT, RootMaps, root_address, root_name
from ..target import MemoryFault, Target, TargetError, Value


def iter_root_maps(target: Target) -> Iterator[Value]:
    """The maps in them, by the program's code; nil ones are left out."""
    for addr, found in target.kept(RootMaps).found.items():
        try:
            data = target.read(addr, target.pointer_size)
        except MemoryFault:
            continue
        name = root_name(target, addr)
        if name and any(data):
            yield Value(name, found, data, addr)


def is_root(text: str) -> bool:
    """Whether a path is the name of such a variable."""
    return ROOT.fullmatch(text) is not None


def resolve_root(target: Target, text: str) -> Value:
    """The variable of such a name. TargetError."""
    addr = root_address(target, text)
    found = None if addr is None else target.kept(RootMaps).found.get(addr)
    if addr is None or found is None:
        raise TargetError(
            f"no map is known to be at '{text}': 'hmap-list' shows those that there are"
        )
    try:
        return Value(text, found, target.read(addr, target.pointer_size), addr)
    except MemoryFault as error:
        raise TargetError(f"'{text}' cannot be read: {error}") from None
