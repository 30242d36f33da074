"""Qt 6, beyond its maps.

    arrays   what shares an array of elements: text and lists
"""

from __future__ import annotations

from ...target import Type
from ..elements import Elements
from ..language import Language
from ..strings import StringType
from . import arrays


class Qt(Language):
    """Qt's own structs, recognised by the names of their fields."""

    name = "Qt"

    def find_string(self, found: Type) -> StringType | None:
        return arrays.find_string(found)

    def find_elements(self, found: Type) -> Elements | None:
        return arrays.find_list(found)

    def find_listed(self, found: Type) -> Elements | None:
        return arrays.find_list(found)


QT = Qt()
