"""GLib, beyond its hash table.

    hash_table   the struct that its headers only declare
    untyped      hash tables in lists and arrays of gpointer
"""

from __future__ import annotations

from ...target import Type, declared
from ..elements import Elements
from ..language import Language
from . import hash_table, untyped


class GLib(Language):
    """GLib's own structs."""

    name = "GLib"

    def find_elements(self, found: Type) -> Elements | None:
        return untyped.recognise(found)


GLIB = GLib()

declared.register(hash_table.define)
