"""hmap-find: where a key is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..arguments import Arguments, UsageError
from ..terminal import write
from .command import TYPES, HmapCommand

if TYPE_CHECKING:
    import numpy as np


class Find(HmapCommand):
    """Find a key in a hash map: its array, bucket, place in the chain, and slot.

    Usage: hmap-find EXPR -- KEY
           hmap-find --type TYPE ADDRESS -- KEY

    KEY is a number in any base, a character, text in double quotes, an enumerator, or an
    expression; a struct or array in braces, by field or in order: {a = 1, b = "x"} or {1, "x"}. Of
    a long text, dots stand for a part: "GET /api/"... or "GET /api/"..."id=7"; if several keys fit,
    it is an error. The keys of interfaces are compared by the types that are present. If the map's
    hash function is known, only the key's bucket is searched, otherwise all entries are compared;
    the answer says which. A key that does not fit the type of the map's keys is an error, not
    absent.

      --type TYPE     read a map of type TYPE at ADDRESS
      --key-type T    read keys that are void * as type T, --elem-type elems; see hmap-dump
      -h, --help      show this help

    Example:
      (gdb) hmap-find words -- "the"
      (gdb) hmap-find sessions -- 42
      (gdb) hmap-find points -- {x = 1, y = 2}"""

    name = "hmap-find"
    summary = "where a key is, or that it is absent"
    options = TYPES

    def run(self, arguments: Arguments) -> None:
        from ..find import find, parse_key
        from ..reach.go_sound import UNKNOWN
        from ..target import TargetError
        from ..text import printable
        from ..values import Renderer

        if not arguments.rest:
            raise UsageError(
                "no key given: hmap-find EXPR -- KEY, for example 'hmap-find map -- 42'"
            )
        target, opened = self.open_map(arguments)
        header = opened.header
        if header.type_name == UNKNOWN:
            raise TargetError(
                f"'{header.expression}' has keys of unknown type: name one that it may be of, "
                f"as in hmap-find --type 'NAME' 0x{header.address:x} -- KEY"
            )
        key = parse_key(target, header.key_type, arguments.rest)
        found = find(target, opened, key)
        how = "by its hash" if found.hashed else f"{found.compared:,} entries compared"
        if found.cells is None:
            where = (
                f", would be in {header.geometry.bucket} {found.place.bucket:,}"
                if found.place
                else ""
            )
            write(f"{printable(key.text)} is absent ({how}{where})\n")
            return
        cells = found.cells
        renderer = Renderer(target)
        keys, elems = opened.slot_addresses(cells)
        where = header.geometry.place(
            header.array(found.array) if header.arrays else None,
            int(cells.bucket[0]),
            int(cells.chain_index[0]),
            int(cells.slot[0]),
            int(cells.address[0]),
        )
        shown = renderer.render(header.key_type, cells.keys)[0]
        write(f"{printable(key.text)} is in {where} ({how})\n")
        write(f"  key   {_address(keys[0])}{printable(shown)}\n")
        if header.elem_type.name:
            shown = renderer.render(header.elem_type, cells.elems)[0]
            write(f"  elem  {_address(elems[0])}{printable(shown)}\n")


def _address(place: np.uint64) -> str:
    """Where a value is, before its text; nothing where it has no address."""
    return f"0x{place:x}  " if place else ""
