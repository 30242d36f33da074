"""The Family of a definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...target import Target, Type, Value
from ..family import Map, has_fields
from .chains import open_chains
from .control import open_control
from .definition import CHAINS, CONTROL, SLOTS, Definition
from .reading import Subject
from .slots import open_slots

_OPENERS: Mapping[str, Callable[[Subject], Map]] = {
    CHAINS: open_chains,
    SLOTS: open_slots,
    CONTROL: open_control,
}


class DeclaredFamily:
    """See Family."""

    has_nil = False

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.name = definition.name
        self.words = (definition.name.lower(),)
        fields = tuple(one.text for one in definition.fields)
        self.struct = definition.struct.text if definition.struct is not None else ""
        self.describes = f"{self.struct or 'a struct'} with {', '.join(fields)} ({definition.name})"
        self.headers = (fields,)
        self.is_handle = definition.is_handle

    def recognise(self, found: Type) -> bool:
        is_named = not self.struct or bare_name(found.name) == bare_name(self.struct)
        return is_named and has_fields(found, self.headers[0])

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        subject = Subject(target, self.definition, value, found, address)
        return _OPENERS[self.definition.geometry](subject)


def bare_name(name: str) -> str:
    """A struct's name without the word before it, and without qualifiers."""
    words = [one for one in name.split() if one not in ("struct", "class", "const", "volatile")]
    return " ".join(words)
