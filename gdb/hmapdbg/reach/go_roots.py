"""Variables without names, of Go programs without debug info.

    bss+0x1c0["key"]          bss+0x200.sessions          --type 'map[string]int' bss+0x210
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..languages.go import ROOT, VARIABLES, Roots, ranges_of, root_address, root_name
from ..target import Kind, MemoryFault, Target, TargetError, Type, Value, Variable
from .go_sound import is_sound, map_at

WORD = Type(Kind.INTEGER, "uintptr", 8)


def iter_roots(target: Target) -> Iterator[Variable]:
    """Those whose types the program's code tells."""
    for addr, found in sorted(target.kept(_types).items()):
        name = root_name(target, addr)
        if name:
            yield Variable(name, found, addr)


def _types(target: Target) -> dict[int, Type]:
    """The types of variables by their addresses."""
    roots = target.kept(Roots)
    found = dict(roots.found)
    for addr, likely in roots.likely.items():
        try:
            value = map_at(target, "", likely, target.read_uint(addr))
        except MemoryFault:
            continue
        if is_sound(target, None, value):
            found[addr] = likely
    return found


class RootPointers:
    """The words of variables that may be pointers."""

    def __init__(self, target: Target) -> None:
        self._target = target
        width = target.pointer_size
        words, places = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
        for low, high in ranges_of(target, VARIABLES):
            rows, ok = target.read_rows(low, (high - low) // width, width)
            words.append(np.where(ok, target.pointer_column(rows), np.uint64(0)))
            places.append(low + width * np.arange(len(rows)))
        self._words, first = np.unique(np.concatenate(words), return_index=True)
        self._places = np.concatenate(places)[first]

    def root_of(self, addr: int) -> str:
        """The name of the first variable that points to an address; empty: none does."""
        at = int(np.searchsorted(self._words, np.uint64(addr)))
        if at == len(self._words) or int(self._words[at]) != addr:
            return ""
        return root_name(self._target, int(self._places[at]))


def address_of(target: Target, text: str) -> Value:
    """The address that the user typed: an expression, or a variable that points there.
    TargetError."""
    addr = root_address(target, text) if target.has_tables_only else None
    if addr is None:
        return target.evaluate(text)
    try:
        return Value(text, WORD, target.read(addr, target.pointer_size), addr)
    except MemoryFault as error:
        raise TargetError(f"'{text}' cannot be read: {error}") from None


def is_root(text: str) -> bool:
    """Whether a path is the name of such a variable."""
    return ROOT.fullmatch(text) is not None


def resolve_root(target: Target, text: str) -> Value:
    """The variable of such a name. TargetError."""
    addr = root_address(target, text)
    found = None if addr is None else target.kept(_types).get(addr)
    if addr is None or found is None:
        raise TargetError(
            f"the type of '{text}' is not known: give the one that it points to, as in "
            f"--type 'map[string]int' {text}"
        )
    try:
        return Value(text, found, bytes(target.read(addr, found.size)), addr)
    except MemoryFault as error:
        raise TargetError(f"'{text}' cannot be read: {error}") from None
