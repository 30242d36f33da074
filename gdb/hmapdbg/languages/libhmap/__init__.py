"""The C library of this project, beyond its map.

    registry    its list of all maps of the process
"""

from __future__ import annotations

from ...target import Type
from ..language import Language


class Libhmap(Language):
    """libhmap's own structs."""

    name = "libhmap"

    def is_internal(self, found: Type) -> bool:
        return found.name.startswith("struct hmap_")


LIBHMAP = Libhmap()
