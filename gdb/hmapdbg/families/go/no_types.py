"""A map header without the types of its keys and elems, as runtime.hmap is."""

from __future__ import annotations

from ...languages.go import go_name
from ...target import TargetError, Type


class NoTypes(Exception):
    """The header's type does not tell key and elem types."""


def no_types(expression: str, found: Type) -> TargetError:
    """The error for the user."""
    return TargetError(
        f"'{expression}' has no key and elem types: its type is '{go_name(found.name)}'; give the "
        "map itself, or name its type: --type 'map[K]V' ADDRESS"
    )
