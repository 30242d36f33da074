"""What a language or library offers to values and reach."""

from __future__ import annotations

from ..target import Target, Type
from .elements import Elements
from .holders import Holder
from .shown import Shown
from .strings import StringType


class Language:
    """A language, or a library with types of its own. A subclass overrides what it has: each method
    recognises a struct by its fields; None: not of this language."""

    name: str
    # Between a pointer to a struct and a member in a path.
    arrow = "->"

    def runs(self, target: Target) -> bool:
        """Whether a target's program is in this language, which spells paths."""
        return False

    def find_string(self, found: Type) -> StringType | None:
        """A type as a string with a length."""
        return None

    def find_shown(self, found: Type) -> Shown | None:
        """What a struct is shown as, if not as its members."""
        return None

    def find_elements(self, found: Type) -> Elements | None:
        """A type as a container, slice or smart pointer."""
        return None

    def find_listed(self, found: Type) -> Elements | None:
        """A type that is shown as its elements, as an array is."""
        return None

    def find_holder(self, found: Type) -> Holder | None:
        """A type as a holder of values of run-time types."""
        return None

    def find_object(self, found: Type, pointer_size: int) -> Holder | None:
        """A type whose values may be parts of objects of another type, as a holder of those."""
        return None

    def is_internal(self, found: Type) -> bool:
        """Whether a struct is the language's own, from which no map can be opened."""
        return False
