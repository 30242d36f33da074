"""hmap-layout: the offsets in use."""

from __future__ import annotations

import gdb

from .arguments import Arguments, Option, UsageError
from .command import TYPE, HmapCommand
from .files import STANDARD_OUTPUT, Outputs


class Layout(HmapCommand):
    """Show the struct layouts that reading a map relies on, and where each number came from.

    Usage: hmap-layout EXPR [--json FILE]
           hmap-layout TYPE

    EXPR is a map, and the structs shown are those its family reads. TYPE is any struct, for example
    "struct hmap". One line a field: offset, size, type and name, source.

      --json FILE     the same as JSON; '-' is standard output
      --type TYPE     the map is at the bare address EXPR, and is a TYPE
      -h, --help      this text

    Example:
      (gdb) hmap-layout sessions"""

    name = "hmap-layout"
    summary = "the offsets in use, one line a field, with their source"
    options = (Option("--json", "FILE", repeatable=True), TYPE)

    def run(self, arguments: Arguments) -> None:
        from .. import json
        from ..layout import struct_layout
        from ..target.gdb import GdbTarget
        from ..text import layout_lines

        if not arguments.expression:
            raise UsageError(
                "no map named: give an expression or a type, as in 'hmap-layout my_map'"
            )
        struct = None
        if TYPE.name not in arguments:
            struct = GdbTarget().lookup_type(arguments.expression)
        if struct is not None and struct.fields:
            names = [field.name for field in struct.iter_fields()]
            layouts = [struct_layout(struct, names)]
        else:
            _, opened = self.open_map(arguments)
            layouts = list(opened.layouts())
        with Outputs() as outputs:
            for path in arguments.all("--json"):
                outputs.open(path).write(json.layouts(layouts))
            outputs.commit()
        if STANDARD_OUTPUT not in arguments.all("--json"):
            gdb.write("".join(f"{line}\n" for line in layout_lines(layouts)))
