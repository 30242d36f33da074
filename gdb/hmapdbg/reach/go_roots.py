"""Variables without names, of Go programs without debug info.

    bss+0x1c0["key"]          bss+0x200.sessions
"""

from __future__ import annotations

from collections.abc import Iterator

from ..languages.go import ROOT, Roots, root_address, root_name
from ..target import MemoryFault, Target, TargetError, Value, Variable


def iter_roots(target: Target) -> Iterator[Variable]:
    """Those whose types the program's code tells."""
    for addr, found in sorted(target.kept(Roots).found.items()):
        name = root_name(target, addr)
        if name:
            yield Variable(name, found, addr)


def is_root(text: str) -> bool:
    """Whether a path is the name of such a variable."""
    return ROOT.fullmatch(text) is not None


def resolve_root(target: Target, text: str) -> Value:
    """The variable of such a name. TargetError."""
    addr = root_address(target, text)
    found = None if addr is None else target.kept(Roots).found.get(addr)
    if addr is None or found is None:
        raise TargetError(
            f"the type of '{text}' is not known: 'hmap-list' shows the maps that there are"
        )
    try:
        return Value(text, found, bytes(target.read(addr, found.size)), addr)
    except MemoryFault as error:
        raise TargetError(f"'{text}' cannot be read: {error}") from None
