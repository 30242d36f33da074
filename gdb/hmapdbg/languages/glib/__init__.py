"""GLib, beyond its hash table.

    hash_table   the struct that its headers only declare
"""

from __future__ import annotations

from ...target import declared
from ..language import Language
from . import hash_table


class GLib(Language):
    """GLib's own structs."""

    name = "GLib"


GLIB = GLib()

declared.register(hash_table.define)
