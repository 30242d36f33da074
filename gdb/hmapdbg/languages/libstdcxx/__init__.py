"""gcc's C++ standard library.

    abi         std::string where debug info only declares it
    strings     std::string and std::string_view
    containers  the standard containers
    smart       the smart pointers
    ranges      elements side by side, and their number
    choices     what may hold a value, or one of several
    erased      what holds a value of any type
    owners      std::shared_ptr<void>
    objects     objects behind pointers to a base class
    shown       what types are shown as
    tuples      std::tuple, of which others are made
"""

from __future__ import annotations

from ...target import Type, declared
from ..elements import Elements
from ..holders import Holder
from ..language import Language
from ..shown import Shown
from ..strings import StringType
from . import abi, choices, containers, erased, objects, owners, ranges, shown, smart, strings

__all__ = ["LIBSTDCXX"]


class Libstdcxx(Language):
    """libstdc++'s types, recognised by the names of their fields."""

    name = "libstdc++"

    def find_string(self, found: Type) -> StringType | None:
        return strings.find_string(found)

    def find_shown(self, found: Type) -> Shown | None:
        return shown.recognise(found)

    def find_elements(self, found: Type) -> Elements | None:
        return smart.recognise(found) or containers.recognise(found) or ranges.recognise(found)

    def find_holder(self, found: Type) -> Holder | None:
        return choices.recognise(found) or erased.recognise(found) or owners.recognise(found)

    def find_object(self, found: Type, pointer_size: int) -> Holder | None:
        return objects.recognise(found, pointer_size)


declared.register(abi.define)
LIBSTDCXX = Libstdcxx()
