"""Abseil's types that hold others: InlinedVector, NoDestructor. Its strings are those of C++, and
its optional, variant and any too, since C++17."""

from __future__ import annotations

from ...target import Type
from ..elements import Elements
from ..language import Language
from . import holding

__all__ = ["ABSL"]


class Absl(Language):
    """Abseil's types, recognised by the names of their fields."""

    name = "Abseil"

    def find_elements(self, found: Type) -> Elements | None:
        return holding.recognise(found)


ABSL = Absl()
