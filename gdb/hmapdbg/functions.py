"""Convenience functions: $hmap_len(MAP) and $hmap_get(MAP, KEY)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gdb

from .terminal import in_charset

if TYPE_CHECKING:
    from .families.family import Map
    from .target import Target, Type
    from .target.gdb_values import GdbValues


class _Function(gdb.Function):
    """A convenience function; a subclass gives `name`, its docstring as help, and `invoke`."""

    name: str

    def __init__(self) -> None:
        super().__init__(self.name)


class Length(_Function):
    """The number of entries of a hash map: $hmap_len(MAP).

    It is the map's own count; nothing is walked. MAP may also be text: any EXPR of hmap-dump, as in
    $hmap_len("frame 3: m"), also what gdb's own expressions cannot say."""

    name = "hmap_len"

    def invoke(self, *arguments: gdb.Value) -> int:
        if len(arguments) != 1:
            raise gdb.GdbError("wrong number of arguments: $hmap_len(MAP) takes one")
        _, _, opened = _open(arguments[0])
        return opened.header.count


class Get(_Function):
    """The value of a key in a hash map: $hmap_get(MAP, KEY).

    KEY is a number or a string, or has the type of the map's keys. It is an error if the key is
    absent. MAP may also be text, as for $hmap_len. The result is the elem itself, so that its
    fields can be looked at: print $hmap_get(sessions, 42)->user"""

    name = "hmap_get"

    def invoke(self, *arguments: gdb.Value) -> gdb.Value:
        from .find import find, key_of

        if len(arguments) != 2:
            raise gdb.GdbError("wrong number of arguments: $hmap_get(MAP, KEY) takes two")
        target, values, opened = _open(arguments[0])
        key = arguments[1]
        try:
            wanted = key_of(target, opened.header.key_type, values.neutral(key, str(key)))
        except _errors() as error:
            raise _refused(str(error)) from None
        found = find(target, opened, wanted)
        if found.cells is None:
            raise _refused(f"key '{wanted.text}' is absent: see 'hmap-find' for where it would be")
        _, elems = opened.slot_addresses(found.cells)
        found_type, at = opened.header.elem_type, int(elems[0])
        held = _held(target, found_type, at)
        if held is not None:
            return values.gdb_value(*held)
        return values.gdb_value(at, found_type, found.cells.elems.data[0].tobytes())


def _held(target: Target, found: Type, address: int) -> tuple[int, Type] | None:
    """The value of an interface and its type; None for any other type, and where it is unknown."""
    import numpy as np

    from .languages import find_holder

    holder = find_holder(found)
    if holder is None or not target.is_go:  # of C++'s, gdb's own printers show more
        return None
    raw = np.frombuffer(target.read(address, holder.size), np.uint8)[None]
    contents = holder.open(target, raw, np.array([address], np.uint64))
    held = next(contents.iter_followed(), None)
    return None if held is None or not held.addrs[0] else (int(held.addrs[0]), held.type)


def _open(map: gdb.Value) -> tuple[Target, GdbValues, Map]:
    from .families import open_map
    from .reach.resolve import pointed_at, resolve
    from .target.opening import open_with_values

    try:
        target, values = open_with_values()
        text = values.literal_text(map)
        if text is None:  # as commands take the expression that gdb has evaluated
            value = pointed_at(target, values.neutral(map, "map"))
        else:
            value = resolve(target, text)
        return target, values, open_map(target, value)
    except _errors() as error:
        raise _refused(str(error)) from None


def _refused(text: str) -> gdb.GdbError:
    return gdb.GdbError(in_charset(text, gdb.host_charset()))


def _errors() -> tuple[type[Exception], ...]:
    from .target import MemoryFault, TargetError

    return TargetError, MemoryFault


FUNCTIONS = (Length, Get)


def register() -> None:
    """Makes the functions known to gdb."""
    for function in FUNCTIONS:
        function()
