"""Types that debug info only declares, although every program has them alike: their library has
compiled them once, and its ABI fixes what is in them. clang leaves their definitions out unless it
is told -fstandalone-debug.

What a library knows of its own types it registers here; nothing else in this layer knows of it.
"""

from __future__ import annotations

from collections.abc import Callable

from .types import Type

# From the name of a type, and the size of a pointer, to the type; None: it is none of theirs.
Definer = Callable[[str, int], "Type | None"]

_DEFINERS: list[Definer] = []


def register(definer: Definer) -> None:
    """Makes the types of a library known."""
    if definer not in _DEFINERS:
        _DEFINERS.append(definer)


def definition(name: str, pointer_size: int) -> Type | None:
    """The definition of a type that is only declared; None if no library knows it."""
    found = (definer(name, pointer_size) for definer in _DEFINERS)
    return next((one for one in found if one is not None), None)
