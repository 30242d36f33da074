"""LLVM's support library, beyond its maps: StringRef, SmallVector."""

from __future__ import annotations

from ...target import Kind, Type
from ..elements import Elements
from ..language import Language
from ..strings import StringType, counted_string
from . import vectors


class Llvm(Language):
    """LLVM's types, recognised by the names of their fields."""

    name = "LLVM"

    def find_string(self, found: Type) -> StringType | None:
        own = [one.name for one in found.fields if not one.base]
        if own != ["Data", "Length"]:
            return None
        data = found.find("Data")
        is_text = data is not None and data.type.kind is Kind.POINTER
        if not is_text or data is None or data.type.resolve is None:
            return None
        if not data.type.target.character:
            return None  # an ArrayRef
        return counted_string(found, data, found.find("Length"))

    def find_elements(self, found: Type) -> Elements | None:
        return vectors.find_vector(found)

    def find_listed(self, found: Type) -> Elements | None:
        return vectors.find_vector(found)


LLVM = Llvm()
