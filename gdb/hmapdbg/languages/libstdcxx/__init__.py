"""gcc's C++ standard library.

    names       types as people write them
    strings     std::string and std::string_view
    containers  the standard containers
    smart       the smart pointers
    tuples      std::tuple, of which others are made
"""

from __future__ import annotations

from ...target import Type
from ..elements import Elements
from ..language import Language
from ..strings import StringType
from . import containers, smart, strings
from .names import short_name

__all__ = ["LIBSTDCXX", "short_name"]


class Libstdcxx(Language):
    """libstdc++'s types, recognised by the names of their fields."""

    name = "libstdc++"

    def find_string(self, found: Type) -> StringType | None:
        return strings.find_string(found)

    def find_elements(self, found: Type) -> Elements | None:
        return smart.recognise(found) or containers.recognise(found)


LIBSTDCXX = Libstdcxx()
