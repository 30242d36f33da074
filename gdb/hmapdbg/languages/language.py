"""What the room of a language or library offers to values and reach."""

from __future__ import annotations

from ..target import Target, Type
from .elements import Elements
from .holders import Holder
from .strings import StringType


class Language:
    """A language, or a library with types of its own. A room overrides what it has: each method
    says of a struct, by its fields, what it is; None: no such thing of this language's."""

    name: str
    # What stands in a path between a pointer to a struct and a member.
    arrow = "->"

    def runs(self, target: Target) -> bool:
        """Whether a target's program is written in the language, so that paths are spelled so."""
        return False

    def find_string(self, found: Type) -> StringType | None:
        """The string that knows its length, of those types whose values are text."""
        return None

    def find_elements(self, found: Type) -> Elements | None:
        """The container, slice or smart pointer, which leads to values elsewhere."""
        return None

    def find_holder(self, found: Type) -> Holder | None:
        """What holds a value whose type is only known at run time."""
        return None

    def is_internal(self, found: Type) -> bool:
        """Whether a struct is one of the language's own, from which no map can be opened."""
        return False
