"""The types behind Rust's trait objects, by the tables of their functions.

Only debug info has a name for such a table, and gdb finds it by the address when it dereferences a
trait object in Rust: also one that exists only in gdb, of which nothing is read.
"""

from __future__ import annotations

import gdb

from .gdb_session import language, no_calls
from .gdb_types import GdbTypes
from .gdb_variants import VARIABLE
from .types import Type

ANY = 0x1000  # an address, of a value that is not read


class TraitObjects:
    """Those of one target."""

    def __init__(self, types: GdbTypes) -> None:
        self._types = types
        self._known: dict[int, Type | None] = {}

    def type_of(self, pointer: Type, table: int) -> Type | None:
        """See Target.type_of_trait_object."""
        if table not in self._known:
            original = self._types.original(pointer)
            found = None if original is None else _pointee(original, table)
            self._known[table] = None if found is None else self._types.neutral(found)
        return self._known[table]


def _pointee(pointer: gdb.Type, table: int) -> gdb.Type | None:
    data = bytearray(pointer.sizeof)
    for field in pointer.fields():
        word = {"pointer": ANY, "vtable": table}.get(field.name or "")
        if word is None or field.type is None:
            continue
        at = field.bitpos // 8
        if _is_big_endian():
            data[at : at + field.type.sizeof] = word.to_bytes(field.type.sizeof, "big")
        else:
            data[at : at + field.type.sizeof] = word.to_bytes(field.type.sizeof, "little")
    with language("rust"), no_calls():
        try:
            made = gdb.Value(bytes(data), pointer)  # type: ignore[arg-type, call-arg]
            gdb.set_convenience_variable(VARIABLE, made)
            found = gdb.parse_and_eval(f"*${VARIABLE}").type
        except (gdb.error, RuntimeError):
            return None
        finally:
            gdb.set_convenience_variable(VARIABLE, None)
    return None if (found.name or "").startswith("dyn ") else found


def _is_big_endian() -> bool:
    return "big" in str(gdb.execute("show endian", to_string=True))
