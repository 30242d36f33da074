"""The pretty-printer of struct hmap: 'print *sessions' shows its entries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import gdb
import gdb.printing

if TYPE_CHECKING:
    from .families.family import Map
    from .target.gdb_values import GdbValues


class MapPrinter:
    """A map with its entries as children; gdb stops at 'set print elements'."""

    def __init__(self, value: gdb.Value) -> None:
        self._value = value
        self._opened: tuple[GdbValues, Map] | None = None
        self._error = ""

    def _open(self) -> tuple[GdbValues, Map] | None:
        """The map; None with `_error` set where it is none. Once for both callers."""
        from .families import open_map
        from .target import MemoryFault, TargetError
        from .target.opening import open_with_values

        if self._opened is None and not self._error:
            try:
                target, values = open_with_values()
                found = values.neutral(self._value, "this value")
                self._opened = values, open_map(target, found)
            except (TargetError, MemoryFault) as error:
                self._error = str(error)
        return self._opened

    def to_string(self) -> str:
        opened = self._open()
        if opened is None:
            return f"<{self._error}>"
        header = opened[1].header
        name = f' "{header.name}"' if header.name else ""
        entries = "entry" if header.count == 1 else "entries"
        return f"{header.family} map{name} with {header.count:,} {entries}"

    def children(self) -> Iterator[tuple[str, gdb.Value]]:
        """Keys and elems in turn, in the order of the entries CSV."""
        from .block import Block

        opened = self._open()
        if opened is None:
            return
        values, found = opened
        number = 0
        for block in found.walk(cells=True):
            if not isinstance(block, Block) or block.cells is None:
                continue
            keys, elems = found.slot_addresses(block.cells)
            for key, elem in zip(keys.tolist(), elems.tolist()):
                yield f"[{number} key]", values.gdb_value(key, found.header.key_type)
                yield f"[{number} elem]", values.gdb_value(elem, found.header.elem_type)
                number += 1

    def display_hint(self) -> str:
        return "map"


def register() -> None:
    """Adds the printer to gdb's own list; a printer of that name is replaced."""
    printers = gdb.printing.RegexpCollectionPrettyPrinter("hmap")
    printers.add_printer("struct hmap", "^hmap$", MapPrinter)
    gdb.printing.register_pretty_printer(None, printers, replace=True)
