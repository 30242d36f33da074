"""LLVM's C++ standard library.

    pairs       members that share their room with an empty one
    abi         std::string where debug info only declares it
    strings     std::string and std::string_view
    containers  the standard containers
    smart       the smart pointers
    choices     what may hold a value, or one of several
    erased      what holds a value of any type
    owners      std::shared_ptr<void>
    shown       what types are shown as
    tuples      std::tuple
"""

from __future__ import annotations

from ...target import Type, declared
from ..elements import Elements
from ..holders import Holder
from ..language import Language
from ..shown import Shown
from ..strings import StringType
from . import abi, choices, containers, erased, owners, shown, smart, strings

__all__ = ["LIBCXX"]


class Libcxx(Language):
    """libc++'s types, recognised by the names of their fields."""

    name = "libc++"

    def find_string(self, found: Type) -> StringType | None:
        return strings.find_string(found)

    def find_shown(self, found: Type) -> Shown | None:
        return shown.recognise(found)

    def find_elements(self, found: Type) -> Elements | None:
        return smart.recognise(found) or containers.recognise(found)

    def find_holder(self, found: Type) -> Holder | None:
        return choices.recognise(found) or erased.recognise(found) or owners.recognise(found)


declared.register(abi.define)
LIBCXX = Libcxx()
