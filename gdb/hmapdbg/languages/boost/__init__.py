"""Boost's types that hold others: smart pointers, optional, variant, vectors of Boost.Container.

    smart    shared_ptr, weak_ptr, scoped_ptr, intrusive_ptr
    vectors  container::vector, small_vector
    choices  optional
    variant  variant, whose alternatives only its name tells
"""

from __future__ import annotations

from ...target import Type
from ..elements import Elements
from ..holders import Holder
from ..language import Language
from . import choices, smart, variant, vectors

__all__ = ["BOOST"]


class Boost(Language):
    """Boost's types, recognised by the names of their fields."""

    name = "Boost"

    def find_elements(self, found: Type) -> Elements | None:
        return smart.recognise(found) or vectors.recognise(found)

    def find_holder(self, found: Type) -> Holder | None:
        return choices.recognise(found) or variant.recognise(found)


BOOST = Boost()
